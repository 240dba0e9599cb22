#include "script_text.h"
#include "base/check.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bytes file_read(const char *path, struct buffer *out) {
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    uint8_t *room = buffer_reserve(out, SCRIPT_BYTES_MAXIMUM);
    CHECK(room != NULL);
    buffer_grew(out, fread(room, 1, SCRIPT_BYTES_MAXIMUM, file));
    fclose(file);
    return buffer_bytes(out);
}

static void file_write(const char *path, struct bytes text) {
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL);
    CHECK(fwrite(text.data, 1, text.length, file) == text.length);
    CHECK(fclose(file) == 0);
}

struct bytes script_line_cut(struct bytes *text) {
    const uint8_t *end = memchr(text->data, '\n', text->length);
    size_t length = end ? (size_t)(end - text->data) : text->length;
    struct bytes line = bytes_of(text->data, length);
    size_t taken = end ? length + 1 : length;
    *text = bytes_of(text->data + taken, text->length - taken);
    return line;
}

/* ---- from a reply to text */

static void print_quoted(struct buffer *out, struct bytes text) {
    buffer_append_u8(out, '"');
    for (size_t at = 0; at < text.length; at++) {
        uint8_t letter = text.data[at];
        if (letter == '"' || letter == '\\')
            buffer_append_format(out, "\\%c", letter);
        else if (letter == '\n' || letter == '\r' || letter == '\t')
            buffer_append_format(out, "\\%c", letter == '\n' ? 'n' : letter == '\r' ? 'r' : 't');
        else if (letter < 0x20 || letter > 0x7e)
            buffer_append_format(out, "\\x%02x", letter);
        else
            buffer_append_u8(out, letter);
    }
    buffer_append_u8(out, '"');
}

static void print_indent(struct buffer *out, int indent) {
    for (int column = 0; column < indent; column++)
        buffer_append_u8(out, ' ');
}

static void print_elements(struct buffer *out, const struct response *response, char mark,
                           int indent) {
    bool is_map = response->kind == RESPONSE_MAP;
    size_t step = is_map ? 2 : 1;
    for (size_t at = 0; at < response->element_count; at += step) {
        if (at > 0)
            print_indent(out, indent);
        size_t length_before = out->length;
        buffer_append_format(out, "%zu%c ", at / step + 1, mark);
        int deeper = indent + (int)(out->length - length_before);
        script_print(out, &response->elements[at], deeper);
        if (is_map) {
            buffer_truncate(out, out->length - 1);
            buffer_append_text(out, " => ");
            script_print(out, &response->elements[at + 1], deeper);
        }
    }
}

void script_print(struct buffer *out, const struct response *response, int indent) {
    switch (response->kind) {
    case RESPONSE_SIMPLE:
    case RESPONSE_VERBATIM:
    case RESPONSE_BIG_NUMBER:
        buffer_append_format(out, "%.*s\n", BYTES_PRINT(response->text));
        return;
    case RESPONSE_ERROR:
        buffer_append_format(out, "(error) %.*s\n", BYTES_PRINT(response->text));
        return;
    case RESPONSE_INTEGER:
        buffer_append_format(out, "(integer) %lld\n", (long long)response->integer);
        return;
    case RESPONSE_BULK:
        print_quoted(out, response->text);
        buffer_append_u8(out, '\n');
        return;
    case RESPONSE_NULL:
        buffer_append_text(out, "(nil)\n");
        return;
    case RESPONSE_DOUBLE:
        buffer_append_format(out, "(double) %.17g\n", response->number);
        return;
    case RESPONSE_BOOLEAN:
        buffer_append_text(out, response->integer ? "(true)\n" : "(false)\n");
        return;
    case RESPONSE_ARRAY:
    case RESPONSE_SET:
    case RESPONSE_MAP:
    case RESPONSE_PUSH:
        if (response->element_count == 0)
            buffer_append_text(out, response->kind == RESPONSE_MAP   ? "(empty map)\n"
                                    : response->kind == RESPONSE_SET ? "(empty set)\n"
                                                                     : "(empty array)\n");
        print_elements(out, response,
                       response->kind == RESPONSE_MAP   ? '#'
                       : response->kind == RESPONSE_SET ? '~'
                                                        : ')',
                       indent);
        return;
    }
}

/* ---- running */

static void difference_print(const char *path, struct bytes expected, struct bytes got) {
    for (int number = 1; expected.length > 0 || got.length > 0; number++) {
        struct bytes expected_line = script_line_cut(&expected), got_line = script_line_cut(&got);
        if (bytes_equal(expected_line, got_line))
            continue;
        printf("%s:%d:\n  expected  %.*s\n  got       %.*s\n", path, number,
               BYTES_PRINT(expected_line), BYTES_PRINT(got_line));
        return;
    }
}

static bool script_check(const char *path, bool is_rewriting, script_run_fn *run) {
    struct buffer script, out;
    buffer_init(&script, 2 * SCRIPT_BYTES_MAXIMUM);
    buffer_init(&out, 2 * SCRIPT_BYTES_MAXIMUM);
    struct bytes expected = file_read(path, &script);
    run(expected, &out);
    CHECK(!out.is_overflowed);
    bool is_same = bytes_equal(expected, buffer_bytes(&out));
    if (!is_same && is_rewriting)
        file_write(path, buffer_bytes(&out));
    else if (!is_same)
        difference_print(path, expected, buffer_bytes(&out));
    buffer_release(&script);
    buffer_release(&out);
    return is_same || is_rewriting;
}

int script_main(int argument_count, char **arguments, script_run_fn *run) {
    bool is_rewriting = argument_count == 3 && strcmp(arguments[2], "--rewrite") == 0;
    if (argument_count != 2 && !is_rewriting) {
        fprintf(stderr, "usage: script DIRECTORY [--rewrite]\n");
        return 2;
    }
    char pattern[4096];
    snprintf(pattern, sizeof pattern, "%s/*.txt", arguments[1]);
    glob_t found;
    CHECK(glob(pattern, 0, NULL, &found) == 0);
    size_t bad_count = 0;
    for (size_t at = 0; at < found.gl_pathc; at++)
        bad_count += !script_check(found.gl_pathv[at], is_rewriting, run);
    printf("%zu scripts, %zu differ\n", found.gl_pathc, bad_count);
    globfree(&found);
    return bad_count ? 1 : 0;
}
