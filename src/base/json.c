#include "base/json.h"

static void append_quoted(struct buffer *out, struct bytes text) {
    buffer_append_u8(out, '"');
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.data[i];
        if (byte == '"' || byte == '\\') {
            buffer_append_u8(out, '\\');
            buffer_append_u8(out, byte);
        } else if (byte < 0x20) {
            buffer_append_format(out, "\\u%04x", byte);
        } else {
            buffer_append_u8(out, byte);
        }
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
