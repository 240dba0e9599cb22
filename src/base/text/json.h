/* Writes JSON into a buffer, on one line. Names are NULL inside an array. */
#pragma once
#include "base/buffer.h"

struct json {
    struct buffer *out;
    bool needs_comma;
};

void json_open(struct json *json, const char *name, char bracket); /* '{' or '[' */
void json_close(struct json *json, char bracket);                  /* '}' or ']' */
void json_text(struct json *json, const char *name, const char *text);
/* Any bytes: each that is no UTF-8, which JSON must be, becomes U+FFFD. */
void json_bytes(struct json *json, const char *name, struct bytes bytes);
void json_integer(struct json *json, const char *name, int64_t number);
void json_number(struct json *json, const char *name, uint64_t number);
void json_boolean(struct json *json, const char *name, bool is_true);
void json_null(struct json *json, const char *name);
