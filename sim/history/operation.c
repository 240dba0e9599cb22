#include "sim/history/operation.h"
#include "base/check.h"
#include "base/text/number.h"
#include "wire/request.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void operation_object_name(const struct operation *operation, char out[OPERATION_NAME_BYTES]) {
    static const char *const kinds[OBJECT_COUNT] = {
        [OBJECT_STRING] = "key", [OBJECT_HASH] = "hash", [OBJECT_GROUP] = "group"};
    enum operation_object object = operation_kind_facts(operation->kind)->object;
    const char *format = object == OBJECT_GROUP ? "{%s:%u}" : "%s:%u";
    snprintf(out, OPERATION_NAME_BYTES, format, kinds[object], operation->key);
}

/* A member of a group is a key of its own, in the slot of the group's name. */
void operation_member_name(const char *group, unsigned field, char *out, size_t out_bytes) {
    snprintf(out, out_bytes, "%sf%u", group, field);
}

enum { OPERATION_ARGUMENT_MAXIMUM = 1 + 2 * MODEL_FIELD_COUNT };
struct request_words {
    char text[OPERATION_ARGUMENT_MAXIMUM][40];
    size_t count;
};

static void words_add(struct request_words *words, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void words_add(struct request_words *words, const char *format, ...) {
    CHECK(words->count < OPERATION_ARGUMENT_MAXIMUM);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words->text[words->count++], sizeof words->text[0], format, arguments);
    va_end(arguments);
}

static void words_add_member(struct request_words *words, const char *group, unsigned field) {
    char text[OPERATION_NAME_BYTES + 8];
    operation_member_name(group, field, text, sizeof text);
    words_add(words, "%s", text);
}

static void words_add_members(struct request_words *words, const char *group,
                              const struct operation *operation, bool has_values) {
    for (unsigned field = 0; field < MODEL_FIELD_COUNT; field++) {
        words_add_member(words, group, field);
        if (has_values)
            words_add(words, "%" PRId64, operation_group_value(operation, field));
    }
}

/* One word of the operation's row. */
static void words_add_row_word(struct request_words *words, const char *name,
                               const struct operation *operation, struct bytes word) {
    if (bytes_equal(word, BYTES_LITERAL("key")))
        words_add(words, "%s", name);
    else if (bytes_equal(word, BYTES_LITERAL("field")))
        words_add(words, "f%u", operation->field);
    else if (bytes_equal(word, BYTES_LITERAL("value")))
        words_add(words, "%" PRId64, operation->argument);
    else if (bytes_equal(word, BYTES_LITERAL("time")))
        words_add(words, "%" PRId64, operation->argument2);
    else if (bytes_equal(word, BYTES_LITERAL("member")))
        words_add_member(words, name, operation->field);
    else if (bytes_equal(word, BYTES_LITERAL("members")))
        words_add_members(words, name, operation, false);
    else if (bytes_equal(word, BYTES_LITERAL("pairs")))
        words_add_members(words, name, operation, true);
    else
        words_add(words, "%.*s", BYTES_PRINT(word));
}

static void operation_words(const struct operation *operation, struct request_words *words) {
    char name[OPERATION_NAME_BYTES];
    *words = (struct request_words){0};
    operation_object_name(operation, name);
    for (const char *at = operation_kind_facts(operation->kind)->words; *at != '\0';) {
        size_t length = strcspn(at, " ");
        words_add_row_word(words, name, operation, bytes_of(at, length));
        at += length + strspn(at + length, " ");
    }
}

void operation_encode(const struct operation *operation, bool is_said, struct buffer *out) {
    struct request_words words;
    struct bytes arguments[3 + OPERATION_ARGUMENT_MAXIMUM] = {
        BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("WITH"),
        bytes_of_text(operation->is_async ? "async" : "sync")};
    operation_words(operation, &words);
    for (size_t i = 0; i < words.count; i++)
        arguments[3 + i] = bytes_of_text(words.text[i]);
    size_t skipped = is_said ? 0 : 3;
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

static bool read_members(const struct response *response, struct result *result) {
    if (response->element_count != MODEL_FIELD_COUNT)
        return false;
    result->kind = RESULT_FIELDS;
    for (unsigned field = 0; field < MODEL_FIELD_COUNT; field++) {
        const struct response *element = &response->elements[field];
        if (element->kind == RESPONSE_NULL)
            continue;
        if (element->kind != RESPONSE_BULK ||
            !number_parse_i64(element->text, &result->value[field]))
            return false;
        result->present |= (uint8_t)(1u << field);
    }
    return true;
}

static bool read_array(enum operation_kind kind, const struct response *response,
                       struct result *result) {
    if (response->kind != RESPONSE_ARRAY)
        return false;
    return kind == OPERATION_MGET ? read_members(response, result) : read_fields(response, result);
}

void operation_read_result(const struct operation *operation, const struct response *response,
                           struct result *result) {
    *result = (struct result){.kind = RESULT_STRANGE};
    if (operation->kind == OPERATION_HGETALL || operation->kind == OPERATION_MGET) {
        if (!read_array(operation->kind, response, result))
            *result = (struct result){.kind = RESULT_STRANGE};
    } else if (response->kind == RESPONSE_SIMPLE &&
               bytes_equal(response->text, BYTES_LITERAL("OK"))) {
        result->kind = RESULT_OK;
    } else if (response->kind == RESPONSE_INTEGER) {
        *result = (struct result){.kind = RESULT_INTEGER, .value = {response->integer}};
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
    if (operation->client == OPERATION_OF_BACKUP)
        buffer_append_text(out, "a backup, as of");
    else
        buffer_append_format(out, "client %u", operation->client);
    buffer_append_format(out, " [%.6f .. ", (double)operation->invoked_us / 1e6);
    if (operation->returned_us == OPERATION_UNKNOWN)
        buffer_append_text(out, "unknown]");
    else
        buffer_append_format(out, "%.6f%s]", (double)operation->returned_us / 1e6,
                             operation->is_perhaps ? ", or never" : "");
    for (size_t i = 0; i < words.count; i++)
        buffer_append_format(out, " %s", words.text[i]);
    buffer_append_text(out, operation->is_async ? " (async) -> " : " -> ");
    if (operation->returned_us == OPERATION_UNKNOWN)
        buffer_append_text(out, "?");
    else
        result_describe(&operation->result, out);
}
