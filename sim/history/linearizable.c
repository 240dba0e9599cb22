#include "sim/history/linearizable.h"
#include "base/memory.h"
#include "sim/history/configuration_set.h"
#include <stdlib.h>

struct moment { /* an invocation or a return */
    uint64_t at_us;
    bool is_return;
    size_t operation;
};

/* What the operations now under way, that have an answer, can have found. An operation of unknown
 * outcome needs to take effect only just before one that sees it, so those whose effect nobody here
 * can have seen are left for later. */
struct wanted {
    int64_t values[LINEARIZABLE_UNDER_WAY_MAXIMUM]; /* found, or counted up from */
    size_t count;
    bool is_present;  /* some value, whatever it be */
    bool is_lasting;  /* a key without an expiry */
    bool is_anything; /* nothing is left for later */
};

struct checker {
    const struct operation *operations;
    int *slot_of; /* operation -> its slot while it is under way; -1 */
    size_t under_way[LINEARIZABLE_UNDER_WAY_MAXIMUM]; /* slot -> operation + 1; 0: free */
    unsigned slot_limit;                              /* slots at or above were never used */
    struct configuration_set now, next, explored;
    size_t steps;
    struct wanted wanted;
};

/* Invocations come before returns of the same microsecond: the two overlapped. */
static int moment_compare(const void *left, const void *right) {
    const struct moment *a = left, *b = right;
    if (a->at_us != b->at_us)
        return a->at_us < b->at_us ? -1 : 1;
    if (a->is_return != b->is_return)
        return a->is_return ? 1 : -1;
    return a->operation < b->operation ? -1 : a->operation > b->operation;
}

static bool operation_is_known(const struct operation *operation) {
    return operation->returned_us != OPERATION_UNKNOWN;
}

static size_t moments_make(const struct operation *operations, size_t count,
                           struct moment *moments) {
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_known = operation_is_known(&operations[i]);
        if (!is_known && !operation_kind_facts(operations[i].kind)->is_write)
            continue; /* a read that nobody saw the answer of says nothing */
        moments[made++] = (struct moment){.at_us = operations[i].invoked_us, .operation = i};
        if (is_known)
            moments[made++] = (struct moment){
                .at_us = operations[i].returned_us, .is_return = true, .operation = i};
    }
    qsort(moments, made, sizeof *moments, moment_compare);
    return made;
}

static bool checker_invoke(struct checker *checker, size_t operation) {
    for (unsigned slot = 0; slot < LINEARIZABLE_UNDER_WAY_MAXIMUM; slot++) {
        if (checker->under_way[slot])
            continue;
        checker->under_way[slot] = operation + 1;
        checker->slot_of[operation] = (int)slot;
        if (slot >= checker->slot_limit)
            checker->slot_limit = slot + 1;
        return true;
    }
    return false;
}

static bool has_taken_effect(const struct configuration *configuration, unsigned slot) {
    return slot_mask_has(&configuration->known, slot) ||
           slot_mask_has(&configuration->unknown, slot);
}

static bool is_same_request(const struct operation *a, const struct operation *b) {
    return a->kind == b->kind && a->field == b->field && a->argument == b->argument;
}

/* May the operation in this slot take effect next? Not before an earlier one of its own pipeline;
 * and of equal requests of unknown outcome only the first, as they are interchangeable. */
static bool checker_may_take(const struct checker *checker,
                             const struct configuration *configuration, unsigned slot) {
    const struct operation *operation = &checker->operations[checker->under_way[slot] - 1];
    if (has_taken_effect(configuration, slot))
        return false;
    if (operation->after) {
        int before = checker->slot_of[operation->after - 1];
        if (before >= 0 && operation_is_known(&checker->operations[operation->after - 1]) &&
            !has_taken_effect(configuration, (unsigned)before))
            return false;
    }
    if (operation_is_known(operation))
        return true;
    for (unsigned other = 0; other < slot; other++) {
        size_t twin = checker->under_way[other];
        if (twin && !operation_is_known(&checker->operations[twin - 1]) &&
            checker->operations[twin - 1].after == 0 &&
            is_same_request(&checker->operations[twin - 1], operation) &&
            !has_taken_effect(configuration, other))
            return false;
    }
    return true;
}

static void wanted_add(struct wanted *wanted, const struct operation *operation) {
    const struct result *result = &operation->result;
    if (operation_kind_facts(operation->kind)->object != OBJECT_STRING)
        wanted->is_anything = true;
    else if (operation->kind == OPERATION_INCRBY)
        wanted->values[wanted->count++] = result->value[0] - operation->argument;
    else if (operation->kind == OPERATION_PERSIST)
        wanted->is_lasting |= result->value[0] == 0;
    else if (operation->kind == OPERATION_EXISTS || operation->kind == OPERATION_DEL)
        wanted->is_present |= result->value[0] == 1;
    else if (operation->kind == OPERATION_SET_NX)
        wanted->is_present |= result->kind == RESULT_NIL;
    else if (result->kind == RESULT_VALUE)
        wanted->values[wanted->count++] = result->value[0];
}

/* Can a key that holds `value` come to hold a wanted value by being counted up? */
static bool wanted_reaches(const struct wanted *wanted, int64_t value) {
    for (size_t i = 0; i < wanted->count; i++)
        if (wanted->values[i] >= value &&
            wanted->values[i] - value <= LINEARIZABLE_UNDER_WAY_MAXIMUM)
            return true;
    return false;
}

static void checker_want(struct checker *checker) {
    struct wanted *wanted = &checker->wanted;
    wanted->count = 0;
    wanted->is_present = wanted->is_lasting = wanted->is_anything = false;
    for (unsigned slot = 0; slot < checker->slot_limit; slot++) {
        size_t number = checker->under_way[slot];
        if (number && operation_is_known(&checker->operations[number - 1]))
            wanted_add(wanted, &checker->operations[number - 1]);
    }
    for (unsigned slot = 0; slot < checker->slot_limit; slot++) {
        size_t number = checker->under_way[slot];
        const struct operation *operation = number ? &checker->operations[number - 1] : NULL;
        if (operation && !operation_is_known(operation) && operation->kind == OPERATION_SET_XX_GET)
            wanted->is_present |=
                wanted_reaches(wanted, operation->argument); /* it needs a value to replace */
    }
}

/* Can anybody see this operation of unknown outcome, were it to take effect now? Else it is left
 * for later. */
static bool checker_is_wanted(const struct checker *checker,
                              const struct configuration *configuration, unsigned slot) {
    const struct operation *operation = &checker->operations[checker->under_way[slot] - 1];
    const struct wanted *wanted = &checker->wanted;
    const struct model_state *state = &configuration->state;
    if (wanted->is_anything || operation_is_known(operation) ||
        (wanted->is_present && state->present == 0) || (wanted->is_lasting && state->is_expiring))
        return true;
    if (operation->kind == OPERATION_INCRBY)
        return wanted_reaches(wanted, state->value[0] + operation->argument) ||
               (state->is_expiring && wanted_reaches(wanted, operation->argument));
    if (operation->kind == OPERATION_SET || operation->kind == OPERATION_SET_NX ||
        operation->kind == OPERATION_SET_XX_GET || operation->kind == OPERATION_SET_KEEPTTL ||
        operation->kind == OPERATION_GETSET)
        return wanted_reaches(wanted, operation->argument);
    return true; /* makes the key go away, now or when it expires */
}

/* It is over, and nothing came of it. */
static void checker_pass_over(const struct configuration *from, unsigned slot,
                              struct configuration_set *into, bool is_returning) {
    struct configuration passed = *from;
    if (!is_returning)
        slot_mask_add(&passed.known, slot);
    configuration_set_add(into, &passed);
}

/* Lets the operation take effect, once as the state stands and once with the key gone by expiry
 * first. */
static void checker_take(const struct checker *checker, const struct configuration *from,
                         unsigned slot, struct configuration_set *into, bool is_returning) {
    const struct operation *operation = &checker->operations[checker->under_way[slot] - 1];
    for (int is_expired = 0; is_expired <= (from->state.is_expiring ? 1 : 0); is_expired++) {
        struct configuration taken = *from;
        struct result result;
        if (is_expired)
            taken.state = (struct model_state){0};
        model_apply(&taken.state, operation, &result);
        if (operation_is_known(operation)) {
            if (!result_equal(&result, &operation->result))
                continue;
            if (!is_returning)
                slot_mask_add(&taken.known, slot);
        } else {
            slot_mask_add(&taken.unknown, slot);
        }
        configuration_set_add(into, &taken);
    }
    if (operation_is_known(operation) && operation->is_perhaps)
        checker_pass_over(from, slot, into, is_returning);
}

/* All ways in which the operation of this slot can have taken effect by now. False: past the limit.
 */
static bool checker_return(struct checker *checker, unsigned slot) {
    configuration_set_clear(&checker->explored);
    configuration_set_clear(&checker->next);
    checker_want(checker);
    for (size_t i = 0; i < checker->now.count; i++) {
        struct configuration configuration = checker->now.items[i];
        if (configuration.is_dropped)
            continue;
        if (slot_mask_has(&configuration.known, slot)) {
            slot_mask_remove(&configuration.known, slot);
            configuration_set_add(&checker->next, &configuration);
        } else {
            configuration_set_add(&checker->explored, &configuration);
        }
    }
    for (size_t i = 0; i < checker->explored.count; i++) {
        struct configuration configuration = checker->explored.items[i];
        if (configuration.is_dropped)
            continue;
        for (unsigned other = 0; other < checker->slot_limit; other++)
            if (checker->under_way[other] && checker_may_take(checker, &configuration, other) &&
                checker_is_wanted(checker, &configuration, other))
                checker_take(checker, &configuration, other,
                             other == slot ? &checker->next : &checker->explored, other == slot);
        if (checker->explored.count > LINEARIZABLE_CONFIGURATION_MAXIMUM ||
            ++checker->steps > LINEARIZABLE_STEP_MAXIMUM)
            return false;
    }
    struct configuration_set swapped = checker->now;
    checker->now = checker->next;
    checker->next = swapped;
    return true;
}

static enum verdict checker_walk(struct checker *checker, const struct moment *moments,
                                 size_t count, size_t *culprit) {
    for (size_t i = 0; i < count; i++) {
        size_t operation = moments[i].operation;
        if (!moments[i].is_return) {
            if (!checker_invoke(checker, operation))
                return UNDECIDED;
            continue;
        }
        unsigned slot = (unsigned)checker->slot_of[operation];
        if (!checker_return(checker, slot))
            return UNDECIDED;
        if (checker->now.count == 0) {
            *culprit = operation;
            return NOT_LINEARIZABLE;
        }
        checker->under_way[slot] = 0;
        checker->slot_of[operation] = -1;
    }
    return LINEARIZABLE;
}

enum verdict linearizable_check(const struct operation *operations, size_t count, size_t *culprit) {
    struct checker *checker = memory_allocate_zeroed(1, sizeof *checker);
    checker->operations = operations;
    checker->slot_of = memory_allocate(count * sizeof *checker->slot_of);
    for (size_t i = 0; i < count; i++)
        checker->slot_of[i] = -1;
    configuration_set_init(&checker->now);
    configuration_set_init(&checker->next);
    configuration_set_init(&checker->explored);
    configuration_set_add(&checker->now, &(struct configuration){0});

    struct moment *moments = memory_allocate(2 * count * sizeof *moments);
    size_t moment_count = moments_make(operations, count, moments);
    enum verdict verdict = checker_walk(checker, moments, moment_count, culprit);

    memory_free(moments);
    configuration_set_release(&checker->now);
    configuration_set_release(&checker->next);
    configuration_set_release(&checker->explored);
    memory_free(checker->slot_of);
    memory_free(checker);
    return verdict;
}
