#include "wire/reply.h"
#include "base/text/number.h"
#include <stdarg.h>

enum {
    REPLY_HEAD_BYTES = 1 + NUMBER_I64_TEXT_BYTES + 2, /* a type byte, a number, a line end */
};

static bool reply_is_resp3(const struct reply *reply) { return reply->protocol >= 3; }

static void reply_raw(struct reply *reply, struct bytes bytes) {
    if (reply->out != NULL)
        buffer_append_bytes(reply->out, bytes);
}

static size_t reply_format_head(char head[REPLY_HEAD_BYTES], char type, int64_t number) {
    head[0] = type;
    size_t length = 1 + number_format_i64(head + 1, number);
    head[length++] = '\r';
    head[length++] = '\n';
    return length;
}

static void reply_head(struct reply *reply, char type, int64_t number) {
    if (reply->out == NULL)
        return;
    char head[REPLY_HEAD_BYTES];
    buffer_append(reply->out, head, reply_format_head(head, type, number));
}

/* Type, length and line end in one piece, so that an overflow leaves no half of it behind; returns
 * the room between them. NULL: there is none. */
static uint8_t *reply_blob_room(struct reply *reply, char type, size_t blob_bytes) {
    if (reply->out == NULL)
        return NULL;
    char head[REPLY_HEAD_BYTES];
    size_t head_length = reply_format_head(head, type, (int64_t)blob_bytes);
    size_t length = head_length + blob_bytes + 2;
    uint8_t *room = buffer_reserve(reply->out, length);
    if (room == NULL)
        return NULL;
    memcpy(room, head, head_length);
    memcpy(room + head_length + blob_bytes, "\r\n", 2);
    buffer_grew(reply->out, length);
    return room + head_length;
}

static void reply_blob(struct reply *reply, char type, struct bytes prefix, struct bytes payload) {
    uint8_t *room = reply_blob_room(reply, type, prefix.length + payload.length);
    if (room == NULL)
        return;
    if (prefix.length > 0)
        memcpy(room, prefix.data, prefix.length);
    room += prefix.length;
    if (payload.length > 0)
        memcpy(room, payload.data, payload.length);
}

void reply_simple(struct reply *reply, const char *text) {
    reply_raw(reply, BYTES_LITERAL("+"));
    reply_raw(reply, bytes_of_text(text));
    reply_raw(reply, BYTES_LITERAL("\r\n"));
}

void reply_ok(struct reply *reply) { reply_raw(reply, BYTES_LITERAL("+OK\r\n")); }

void reply_help(struct reply *reply, const char *const *lines, size_t count) {
    reply_array(reply, count + 2);
    for (size_t i = 0; i < count; i++)
        reply_simple(reply, lines[i]);
    reply_simple(reply, "HELP");
    reply_simple(reply, "    Prints this help.");
}

/* What was appended from `begin` on becomes an error of one line, whatever it holds; or nothing at
 * all, where that is more than the buffer takes. */
static void end_error(struct reply *reply, size_t begin) {
    uint8_t *text = buffer_data(reply->out);
    for (size_t i = begin; i < reply->out->length; i++)
        if (text[i] == '\r' || text[i] == '\n')
            text[i] = ' ';
    reply_raw(reply, BYTES_LITERAL("\r\n"));
    if (reply->out->is_overflowed)
        buffer_truncate(reply->out, begin);
}

bool reply_is_error(struct bytes encoded) { return encoded.length > 0 && encoded.data[0] == '-'; }

void reply_error(struct reply *reply, const char *text) {
    if (reply->out == NULL)
        return;
    size_t begin = reply->out->length;
    reply_raw(reply, BYTES_LITERAL("-"));
    reply_raw(reply, bytes_of_text(text));
    end_error(reply, begin);
}

void reply_error_format(struct reply *reply, const char *format, ...) {
    if (reply->out == NULL)
        return;
    size_t begin = reply->out->length;
    va_list arguments;
    va_start(arguments, format);
    reply_raw(reply, BYTES_LITERAL("-"));
    buffer_append_arguments(reply->out, format, arguments);
    va_end(arguments);
    end_error(reply, begin);
}

void reply_integer(struct reply *reply, int64_t value) { reply_head(reply, ':', value); }

void reply_bulk(struct reply *reply, struct bytes bytes) {
    reply_blob(reply, '$', BYTES_NONE, bytes);
}

uint8_t *reply_bulk_room(struct reply *reply, size_t length) {
    return reply_blob_room(reply, '$', length);
}

void reply_bulk_text(struct reply *reply, const char *text) {
    reply_bulk(reply, bytes_of_text(text));
}

void reply_bulk_integer(struct reply *reply, int64_t value) {
    char digits[NUMBER_I64_TEXT_BYTES];
    reply_bulk(reply, bytes_of(digits, number_format_i64(digits, value)));
}

void reply_null(struct reply *reply) {
    reply_raw(reply, reply_is_resp3(reply) ? BYTES_LITERAL("_\r\n") : BYTES_LITERAL("$-1\r\n"));
}

void reply_array(struct reply *reply, size_t count) { reply_head(reply, '*', (int64_t)count); }

void reply_map(struct reply *reply, size_t pair_count) {
    if (reply_is_resp3(reply))
        reply_head(reply, '%', (int64_t)pair_count);
    else
        reply_head(reply, '*', (int64_t)(2 * pair_count));
}

void reply_set(struct reply *reply, size_t count) {
    reply_head(reply, reply_is_resp3(reply) ? '~' : '*', (int64_t)count);
}

void reply_push(struct reply *reply, size_t count) {
    reply_head(reply, reply_is_resp3(reply) ? '>' : '*', (int64_t)count);
}

void reply_verbatim(struct reply *reply, struct bytes text) {
    if (reply_is_resp3(reply))
        reply_blob(reply, '=', BYTES_LITERAL("txt:"), text);
    else
        reply_bulk(reply, text);
}
