#include "base/text/json.h"
#include "base/utf8.h"

/* Returns how many bytes of `text`, which is not empty, it took. */
static size_t append_character(struct buffer *out, struct bytes text) {
    uint8_t first = text.data[0];
    size_t length = utf8_sequence(text);
    if (length == 0) {
        buffer_append_text(out, "\\ufffd");
        return 1;
    }
    if (first < 0x20)
        buffer_append_format(out, "\\u%04x", first);
    else if (first == '"' || first == '\\')
        buffer_append_format(out, "\\%c", first);
    else
        buffer_append(out, text.data, length);
    return length;
}

/* How many bytes stand for themselves, from here on. */
static size_t plain_length(struct bytes text) {
    size_t length = 0;
    while (length < text.length && text.data[length] >= 0x20 && text.data[length] < 0x80 &&
           text.data[length] != '"' && text.data[length] != '\\')
        length++;
    return length;
}

static void append_quoted(struct buffer *out, struct bytes text) {
    buffer_append_u8(out, '"');
    for (size_t at = 0; at < text.length;) {
        struct bytes rest = bytes_of(text.data + at, text.length - at);
        size_t plain = plain_length(rest);
        buffer_append(out, rest.data, plain);
        at += plain > 0 ? plain : append_character(out, rest);
    }
    buffer_append_u8(out, '"');
}

static void begin(struct json *json, const char *name) {
    if (json->needs_comma)
        buffer_append_u8(json->out, ',');
    json->needs_comma = true;
    if (name) {
        append_quoted(json->out, bytes_of_text(name));
        buffer_append_u8(json->out, ':');
    }
}

void json_open(struct json *json, const char *name, char bracket) {
    begin(json, name);
    buffer_append_u8(json->out, (uint8_t)bracket);
    json->needs_comma = false;
}

void json_close(struct json *json, char bracket) {
    buffer_append_u8(json->out, (uint8_t)bracket);
    json->needs_comma = true;
}

void json_text(struct json *json, const char *name, const char *text) {
    begin(json, name);
    append_quoted(json->out, bytes_of_text(text));
}

void json_bytes(struct json *json, const char *name, struct bytes bytes) {
    begin(json, name);
    append_quoted(json->out, bytes);
}

void json_integer(struct json *json, const char *name, int64_t number) {
    begin(json, name);
    buffer_append_format(json->out, "%lld", (long long)number);
}

void json_number(struct json *json, const char *name, uint64_t number) {
    begin(json, name);
    buffer_append_format(json->out, "%llu", (unsigned long long)number);
}

void json_boolean(struct json *json, const char *name, bool is_true) {
    begin(json, name);
    buffer_append_text(json->out, is_true ? "true" : "false");
}

void json_null(struct json *json, const char *name) {
    begin(json, name);
    buffer_append_text(json->out, "null");
}
