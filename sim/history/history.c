#include "sim/history/history.h"
#include "base/check.h"
#include "base/error.h"
#include "base/memory.h"
#include "sim/history/linearizable.h"
#include "sim/history/operation.h"
#include <stdlib.h>

enum { HISTORY_DESCRIBED_MAXIMUM = 30 };

void history_init(struct history *history) { *history = (struct history){0}; }

void history_release(struct history *history) { memory_free(history->operations); }

uint64_t history_invoke(struct history *history, const struct operation *operation) {
    if (history->count == history->capacity) {
        history->capacity = history->capacity ? history->capacity * 2 : 1024;
        history->operations =
            memory_resize(history->operations, history->capacity * sizeof *history->operations);
    }
    struct operation *added = &history->operations[history->count];
    *added = *operation;
    added->returned_us = OPERATION_UNKNOWN;
    return history->count++;
}

void history_return(struct history *history, uint64_t number, uint64_t now_us,
                    const struct result *result) {
    CHECK(number < history->count);
    history->operations[number].returned_us = now_us;
    history->operations[number].result = *result;
}

void history_return_perhaps(struct history *history, uint64_t number, uint64_t now_us,
                            const struct result *result) {
    history_return(history, number, now_us, result);
    history->operations[number].is_perhaps = true;
}

/* A time before its invocation marks what is void. */
static bool operation_is_void(const struct operation *operation) {
    return operation->returned_us == 0;
}

void history_void(struct history *history, uint64_t number) {
    CHECK(number < history->count);
    history->operations[number].returned_us = 0;
}

void history_doubt(struct history *history, uint64_t number) {
    CHECK(number < history->count);
    history->operations[number].returned_us = OPERATION_UNKNOWN;
}

/* One key's operations, in order of invocation, with `after` as positions among them. */
struct key_history {
    struct operation *operations;
    size_t count;
};

static void key_history_take(struct key_history *key, const struct history *history, uint32_t name,
                             enum operation_object object, size_t *position_of) {
    key->count = 0;
    for (size_t i = 0; i < history->count; i++) {
        const struct operation *operation = &history->operations[i];
        if (!operation_is_on(operation, object, name))
            continue;
        position_of[i] = SIZE_MAX;
        if (operation_is_void(operation))
            continue;
        struct operation *taken = &key->operations[key->count];
        *taken = *operation;
        if (taken->after)
            taken->after =
                position_of[taken->after - 1] == SIZE_MAX ? 0 : position_of[taken->after - 1] + 1;
        position_of[i] = key->count++;
    }
}

static void key_history_describe(const struct key_history *key, size_t culprit,
                                 struct buffer *problem) {
    const struct operation *bad = &key->operations[culprit];
    buffer_append_text(problem,
                       "not linearizable: no order of the operations explains the answer of\n    ");
    operation_describe(bad, problem);
    buffer_append_text(problem, "\n  the operations of this key until then:\n");
    size_t first = 0, listed = 0;
    for (size_t i = key->count; i-- > 0 && listed < HISTORY_DESCRIBED_MAXIMUM;)
        if (key->operations[i].invoked_us <= bad->returned_us) {
            first = i;
            listed++;
        }
    for (size_t i = first; i < key->count; i++) {
        if (key->operations[i].invoked_us > bad->returned_us)
            continue;
        buffer_append_text(problem, i == culprit ? "  > " : "    ");
        operation_describe(&key->operations[i], problem);
        buffer_append_text(problem, "\n");
    }
}

static void verdict_count(const struct key_history *key, struct history_verdict *verdict) {
    for (size_t i = 0; i < key->count; i++)
        if (key->operations[i].returned_us == OPERATION_UNKNOWN)
            verdict->operations_unknown++;
        else
            verdict->operations_known++;
}

static int key_history_check(const struct key_history *key, struct history_verdict *verdict,
                             struct buffer *problem) {
    size_t culprit = 0;
    if (key->count == 0)
        return 0;
    verdict->keys_checked++;
    verdict_count(key, verdict);
    switch (linearizable_check(key->operations, key->count, &culprit)) {
    case LINEARIZABLE:
        return 0;
    case UNDECIDED:
        verdict->keys_undecided++;
        return 0;
    case NOT_LINEARIZABLE:
        key_history_describe(key, culprit, problem);
        return ERR_REFUSED;
    }
    UNREACHABLE();
}

int history_check(const struct history *history, struct history_verdict *verdict,
                  struct buffer *problem) {
    uint32_t key_limit = 0;
    for (size_t i = 0; i < history->count; i++)
        if (history->operations[i].key >= key_limit)
            key_limit = history->operations[i].key + 1;
    struct key_history key = {.operations =
                                  memory_allocate(history->count * sizeof *key.operations)};
    size_t *position_of = memory_allocate(history->count * sizeof *position_of);
    int status = 0;
    *verdict = (struct history_verdict){0};
    for (uint32_t name = 0; name < key_limit && status == 0; name++)
        for (enum operation_object object = 0; object < OBJECT_COUNT && status == 0; object++) {
            key_history_take(&key, history, name, object, position_of);
            status = key_history_check(&key, verdict, problem);
        }
    memory_free(key.operations);
    memory_free(position_of);
    return status;
}
