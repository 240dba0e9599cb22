#include "cli/terminal/refusal.h"

#include <stdio.h>

#include "base/json.h"

void refusal_print_json(const char *text) {
    struct buffer out;
    buffer_init(&out, SIZE_MAX);
    struct json json = {.out = &out};
    json_open(&json, NULL, '{');
    json_text(&json, "error", text);
    json_close(&json, '}');
    printf("%.*s\n", BYTES_PRINT(buffer_bytes(&out)));
    buffer_release(&out);
}
