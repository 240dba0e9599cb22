#include "sim/model.h"
#include "base/check.h"
#include "base/number.h"
#include "wire/request.h"
#include <stdio.h>

static const struct operation_kind_facts operation_facts[OPERATION_KIND_COUNT] = {
#define OPERATION(name, is_hash, is_write) {#name, is_hash, is_write},
#include "sim/operation.def"
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
    if (operation->kind == OPERATION_HLEN)
        return result_integer(state_count(state));
    if (operation->kind == OPERATION_GET || operation->kind == OPERATION_HGET)
        return result_of_field(state, operation->kind == OPERATION_GET ? 0 : operation->field);
    struct result result = {.kind = RESULT_FIELDS, .present = state->present};
    memcpy(result.value, state->value, sizeof result.value);
    return result;
}

void model_apply(struct model_state *state, const struct operation *operation,
                 struct result *result) {
    unsigned field = operation->field;
    bool is_there = state->present & 1;
    bool has_field = state->present >> field & 1;
    *result = (struct result){.kind = RESULT_OK};
    switch (operation->kind) {
    case OPERATION_SET:
    case OPERATION_SET_PX:
    case OPERATION_SET_KEEPTTL:
        state_set(state, operation->argument, is_to_expire(state, operation));
        return;
    case OPERATION_SET_NX:
        if (is_there)
            result->kind = RESULT_NIL;
        else
            state_set(state, operation->argument, false);
        return;
    case OPERATION_SET_XX_GET:
        *result = result_of_field(state, 0);
        if (is_there)
            state_set(state, operation->argument, false);
        return;
    case OPERATION_GETSET:
        *result = result_of_field(state, 0);
        state_set(state, operation->argument, false);
        return;
    case OPERATION_GETDEL:
        *result = result_of_field(state, 0);
        state_clear(state);
        return;
    case OPERATION_PERSIST:
        *result = result_integer(state->is_expiring);
        state->is_expiring = false;
        return;
    case OPERATION_DEL:
    case OPERATION_HASH_DEL:
        *result = result_integer(state->present != 0);
        state_clear(state);
        return;
    case OPERATION_INCRBY:
    case OPERATION_HINCRBY:
        state_put(state, field, state->value[field] + operation->argument);
        *result = result_integer(state->value[field]);
        return;
    case OPERATION_HSET:
        *result = result_integer(!has_field);
        state_put(state, field, operation->argument);
        return;
    case OPERATION_HSETNX:
        *result = result_integer(!has_field);
        if (!has_field)
            state_put(state, field, operation->argument);
        return;
    case OPERATION_HDEL:
        *result = result_integer(has_field);
        state_remove(state, field);
        return;
    case OPERATION_GET:
    case OPERATION_EXISTS:
    case OPERATION_HGET:
    case OPERATION_HLEN:
    case OPERATION_HGETALL:
        *result = model_read(state, operation);
        return;
    case OPERATION_KIND_COUNT:
        break;
    }
    UNREACHABLE();
}

void operation_key_name(uint32_t key, bool is_hash, char out[OPERATION_KEY_BYTES]) {
    snprintf(out, 32, "%s:%u", is_hash ? "hash" : "key", key);
}

enum { OPERATION_ARGUMENT_MAXIMUM = 6 };
struct request_words {
    char text[OPERATION_ARGUMENT_MAXIMUM][40];
    size_t count;
};

static void words_add(struct request_words *words, const char *text) {
    CHECK(words->count < OPERATION_ARGUMENT_MAXIMUM);
    snprintf(words->text[words->count++], sizeof words->text[0], "%s", text);
}

static void words_add_number(struct request_words *words, int64_t value) {
    char text[40];
    snprintf(text, sizeof text, "%lld", (long long)value);
    words_add(words, text);
}

static void words_add_field(struct request_words *words, unsigned field) {
    char text[8];
    snprintf(text, sizeof text, "f%u", field);
    words_add(words, text);
}

static const char *operation_command(enum operation_kind kind) {
    switch (kind) {
    case OPERATION_SET_NX:
    case OPERATION_SET_XX_GET:
    case OPERATION_SET_PX:
    case OPERATION_SET_KEEPTTL:
        return "SET";
    case OPERATION_HASH_DEL:
        return "DEL";
    case OPERATION_GET:
    case OPERATION_EXISTS:
    case OPERATION_SET:
    case OPERATION_GETSET:
    case OPERATION_GETDEL:
    case OPERATION_INCRBY:
    case OPERATION_PERSIST:
    case OPERATION_DEL:
    case OPERATION_HGET:
    case OPERATION_HLEN:
    case OPERATION_HGETALL:
    case OPERATION_HSET:
    case OPERATION_HSETNX:
    case OPERATION_HINCRBY:
    case OPERATION_HDEL:
        return operation_facts[kind].name;
    case OPERATION_KIND_COUNT:
        break;
    }
    UNREACHABLE();
}

static void operation_words(const struct operation *operation, struct request_words *words) {
    char key[32];
    *words = (struct request_words){0};
    operation_key_name(operation->key, operation_facts[operation->kind].is_hash, key);
    words_add(words, operation_command(operation->kind));
    words_add(words, key);
    switch (operation->kind) {
    case OPERATION_GET:
    case OPERATION_EXISTS:
    case OPERATION_GETDEL:
    case OPERATION_PERSIST:
    case OPERATION_DEL:
    case OPERATION_HLEN:
    case OPERATION_HGETALL:
    case OPERATION_HASH_DEL:
    case OPERATION_KIND_COUNT:
        return;
    case OPERATION_SET:
    case OPERATION_GETSET:
    case OPERATION_INCRBY:
        words_add_number(words, operation->argument);
        return;
    case OPERATION_SET_NX:
        words_add_number(words, operation->argument);
        words_add(words, "NX");
        return;
    case OPERATION_SET_XX_GET:
        words_add_number(words, operation->argument);
        words_add(words, "XX");
        words_add(words, "GET");
        return;
    case OPERATION_SET_PX:
        words_add_number(words, operation->argument);
        words_add(words, "PX");
        words_add_number(words, operation->argument2);
        return;
    case OPERATION_SET_KEEPTTL:
        words_add_number(words, operation->argument);
        words_add(words, "KEEPTTL");
        return;
    case OPERATION_HGET:
    case OPERATION_HDEL:
        words_add_field(words, operation->field);
        return;
    case OPERATION_HSET:
    case OPERATION_HSETNX:
    case OPERATION_HINCRBY:
        words_add_field(words, operation->field);
        words_add_number(words, operation->argument);
        return;
    }
}

void operation_encode(const struct operation *operation, bool is_node_async, struct buffer *out) {
    struct request_words words;
    struct bytes arguments[3 + OPERATION_ARGUMENT_MAXIMUM] = {
        BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("WITH"),
        bytes_of_text(operation->is_async ? "async" : "sync")};
    operation_words(operation, &words);
    for (size_t i = 0; i < words.count; i++)
        arguments[3 + i] = bytes_of_text(words.text[i]);
    size_t skipped = operation->is_async == is_node_async ? 3 : 0;
    request_encode(out, arguments + skipped, 3 - skipped + words.count);
}

static bool read_fields(const struct response *response, struct result *result) {
    if (response->element_count % 2 != 0)
        return false;
    result->kind = RESULT_FIELDS;
    for (size_t i = 0; i < response->element_count; i += 2) {
        struct bytes name = response->elements[i].text;
        if (response->elements[i].kind != RESPONSE_BULK ||
            response->elements[i + 1].kind != RESPONSE_BULK)
            return false;
        if (name.length != 2 || name.data[0] != 'f' || name.data[1] < '0' ||
            name.data[1] >= '0' + MODEL_FIELD_COUNT)
            return false;
        unsigned field = name.data[1] - (unsigned)'0';
        if (result->present >> field & 1 ||
            !number_parse_i64(response->elements[i + 1].text, &result->value[field]))
            return false;
        result->present |= (uint8_t)(1u << field);
    }
    return true;
}

void operation_read_result(const struct operation *operation, const struct response *response,
                           struct result *result) {
    *result = (struct result){.kind = RESULT_STRANGE};
    if (operation->kind == OPERATION_HGETALL) {
        if (response->kind != RESPONSE_ARRAY || !read_fields(response, result))
            *result = (struct result){.kind = RESULT_STRANGE};
    } else if (response->kind == RESPONSE_SIMPLE &&
               bytes_equal(response->text, BYTES_LITERAL("OK"))) {
        result->kind = RESULT_OK;
    } else if (response->kind == RESPONSE_INTEGER) {
        *result = result_integer(response->integer);
    } else if (response->kind == RESPONSE_NULL) {
        result->kind = RESULT_NIL;
    } else if (response->kind == RESPONSE_BULK &&
               number_parse_i64(response->text, &result->value[0])) {
        result->kind = RESULT_VALUE;
    }
}

static void result_describe(const struct result *result, struct buffer *out) {
    switch (result->kind) {
    case RESULT_OK:
        buffer_append_text(out, "OK");
        return;
    case RESULT_NIL:
        buffer_append_text(out, "nil");
        return;
    case RESULT_INTEGER:
        buffer_append_format(out, "(integer) %lld", (long long)result->value[0]);
        return;
    case RESULT_VALUE:
        buffer_append_format(out, "\"%lld\"", (long long)result->value[0]);
        return;
    case RESULT_FIELDS:
        buffer_append_text(out, "{");
        for (unsigned field = 0; field < MODEL_FIELD_COUNT; field++)
            if (result->present >> field & 1)
                buffer_append_format(out, " f%u=%lld", field, (long long)result->value[field]);
        buffer_append_text(out, " }");
        return;
    case RESULT_STRANGE:
        buffer_append_text(out, "a reply that this command never gives");
        return;
    }
}

void operation_describe(const struct operation *operation, struct buffer *out) {
    struct request_words words;
    operation_words(operation, &words);
    buffer_append_format(out, "client %u [%.6f .. ", operation->client,
                         (double)operation->invoked_us / 1e6);
    if (operation->returned_us == OPERATION_UNKNOWN)
        buffer_append_text(out, "unknown]");
    else
        buffer_append_format(out, "%.6f]", (double)operation->returned_us / 1e6);
    for (size_t i = 0; i < words.count; i++)
        buffer_append_format(out, " %s", words.text[i]);
    buffer_append_text(out, operation->is_async ? " (async) -> " : " -> ");
    if (operation->returned_us == OPERATION_UNKNOWN)
        buffer_append_text(out, "?");
    else
        result_describe(&operation->result, out);
}
