#include "cli/terminal/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text/json.h"
#include "base/utf8.h"

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

/* What was said may stand in it as it was said: it moves no cursor. */
static void print_shown(const char *command, struct bytes text) {
    struct buffer shown;
    buffer_init(&shown, SIZE_MAX);
    utf8_append_shown(&shown, text);
    fprintf(stderr, "trothdb %s: %.*s\n", command, BYTES_PRINT(buffer_bytes(&shown)));
    buffer_release(&shown);
}

void refusal_tell(const char *command, bool is_json, const char *format, ...) {
    struct buffer out;
    buffer_init(&out, SIZE_MAX);
    va_list arguments;
    va_start(arguments, format);
    buffer_append_arguments(&out, format, arguments);
    va_end(arguments);
    print_shown(command, buffer_bytes(&out));
    buffer_append_u8(&out, 0);
    if (is_json)
        refusal_print_json((const char *)buffer_data(&out));
    buffer_release(&out);
}

bool refusal_is_json(int argc, char **argv) {
    bool is_json = false;
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        is_json |= strcmp(argv[i], "--json") == 0;
    return is_json;
}
