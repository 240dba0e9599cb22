#include "sim/history/model.h"
#include "base/check.h"
#include <string.h>

static const struct operation_kind_facts operation_facts[OPERATION_KIND_COUNT] = {
#define OPERATION(name, object, is_write, words) {OBJECT_##object, is_write, words},
#include "sim/history/operation.def"
#undef OPERATION
};

const struct operation_kind_facts *operation_kind_facts(enum operation_kind kind) {
    return &operation_facts[kind];
}

bool result_equal(const struct result *a, const struct result *b) {
    return a->kind == b->kind && a->present == b->present &&
           memcmp(a->value, b->value, sizeof a->value) == 0;
}

static struct result result_integer(int64_t value) {
    return (struct result){.kind = RESULT_INTEGER, .value = {value}};
}

static struct result result_of_field(const struct model_state *state, unsigned field) {
    if (!(state->present >> field & 1))
        return (struct result){.kind = RESULT_NIL};
    return (struct result){.kind = RESULT_VALUE, .value = {state->value[field]}};
}

static void state_put(struct model_state *state, unsigned field, int64_t value) {
    state->present |= (uint8_t)(1u << field);
    state->value[field] = value;
}

static void state_remove(struct model_state *state, unsigned field) {
    state->present &= (uint8_t) ~(1u << field);
    state->value[field] = 0;
    if (state->present == 0)
        state->is_expiring = false;
}

static void state_clear(struct model_state *state) { *state = (struct model_state){0}; }

static void state_set(struct model_state *state, int64_t value, bool is_expiring) {
    state_put(state, 0, value);
    state->is_expiring = is_expiring;
}

static int state_count(const struct model_state *state) {
    return __builtin_popcount(state->present);
}

static void state_set_group(struct model_state *state, const struct operation *operation) {
    for (unsigned field = 0; field < MODEL_FIELD_COUNT; field++)
        state_put(state, field, operation_group_value(operation, field));
}

/* Whether a SET's key has an expiry afterwards. */
static bool is_to_expire(const struct model_state *state, const struct operation *operation) {
    return operation->kind == OPERATION_SET_PX ||
           (operation->kind == OPERATION_SET_KEEPTTL && state->is_expiring);
}

/* What changes nothing. */
static struct result model_read(const struct model_state *state,
                                const struct operation *operation) {
    if (operation->kind == OPERATION_EXISTS)
        return result_integer(state->present & 1);
    if (operation->kind == OPERATION_HLEN || operation->kind == OPERATION_GROUP_EXISTS)
        return result_integer(state_count(state));
    if (operation->kind == OPERATION_GET || operation->kind == OPERATION_HGET)
        return result_of_field(state, operation->kind == OPERATION_GET ? 0 : operation->field);
    struct result result = {.kind = RESULT_FIELDS, .present = state->present};
    memcpy(result.value, state->value, sizeof result.value);
    return result;
}

static const struct result done = {.kind = RESULT_OK};

static struct result model_write_string(struct model_state *state,
                                        const struct operation *operation) {
    enum operation_kind kind = operation->kind;
    struct result before = result_of_field(state, 0);
    bool is_there = state->present & 1;
    if (kind == OPERATION_PERSIST) {
        before = result_integer(state->is_expiring);
        state->is_expiring = false;
        return before;
    }
    bool is_refused =
        (kind == OPERATION_SET_NX && is_there) || (kind == OPERATION_SET_XX_GET && !is_there);
    if (kind == OPERATION_GETDEL)
        state_clear(state);
    else if (!is_refused)
        state_set(state, operation->argument, is_to_expire(state, operation));
    if (kind == OPERATION_GETDEL || kind == OPERATION_GETSET || kind == OPERATION_SET_XX_GET)
        return before;
    return is_refused ? (struct result){.kind = RESULT_NIL} : done;
}

static struct result model_write_hash(struct model_state *state,
                                      const struct operation *operation) {
    bool has_field = state->present >> operation->field & 1;
    if (operation->kind == OPERATION_HDEL) {
        state_remove(state, operation->field);
        return result_integer(has_field);
    }
    if (operation->kind == OPERATION_HSET || !has_field)
        state_put(state, operation->field, operation->argument);
    return result_integer(!has_field);
}

static struct result model_write_group(struct model_state *state,
                                       const struct operation *operation) {
    bool is_refused = operation->kind == OPERATION_MSETNX && state->present != 0;
    if (operation->kind == OPERATION_GROUP_SET)
        state_put(state, operation->field, operation->argument);
    else if (!is_refused)
        state_set_group(state, operation);
    return operation->kind == OPERATION_MSETNX ? result_integer(!is_refused) : done;
}

static struct result model_count_up(struct model_state *state, const struct operation *operation) {
    state_put(state, operation->field, state->value[operation->field] + operation->argument);
    return result_integer(state->value[operation->field]);
}

/* DEL counts keys: a hash is one, each of a group's is. */
static struct result model_delete(struct model_state *state, const struct operation *operation) {
    int count = operation->kind == OPERATION_GROUP_DEL ? state_count(state) : state->present != 0;
    state_clear(state);
    return result_integer(count);
}

void model_apply(struct model_state *state, const struct operation *operation,
                 struct result *result) {
    switch (operation->kind) {
    case OPERATION_GET:
    case OPERATION_EXISTS:
    case OPERATION_HGET:
    case OPERATION_HLEN:
    case OPERATION_HGETALL:
    case OPERATION_MGET:
    case OPERATION_GROUP_EXISTS:
        *result = model_read(state, operation);
        return;
    case OPERATION_SET:
    case OPERATION_SET_PX:
    case OPERATION_SET_KEEPTTL:
    case OPERATION_SET_NX:
    case OPERATION_SET_XX_GET:
    case OPERATION_GETSET:
    case OPERATION_GETDEL:
    case OPERATION_PERSIST:
        *result = model_write_string(state, operation);
        return;
    case OPERATION_HSET:
    case OPERATION_HSETNX:
    case OPERATION_HDEL:
        *result = model_write_hash(state, operation);
        return;
    case OPERATION_MSET:
    case OPERATION_MSETNX:
    case OPERATION_GROUP_SET:
        *result = model_write_group(state, operation);
        return;
    case OPERATION_INCRBY:
    case OPERATION_HINCRBY:
    case OPERATION_GROUP_INCRBY:
        *result = model_count_up(state, operation);
        return;
    case OPERATION_DEL:
    case OPERATION_HASH_DEL:
    case OPERATION_GROUP_DEL:
        *result = model_delete(state, operation);
        return;
    case OPERATION_FLUSH:
    case OPERATION_HASH_FLUSH:
    case OPERATION_GROUP_FLUSH:
        state_clear(state);
        *result = done;
        return;
    case OPERATION_KIND_COUNT:
        break;
    }
    UNREACHABLE();
}
