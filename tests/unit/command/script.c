/* The interpreter of tests/script/command/: runs each script against a keyspace of its own and
 * compares what is replied with what the script says. With --rewrite it writes what is replied into
 * the script, for reading the difference with git.
 *
 *      # comment
 *      > at 1000                   the time, in milliseconds
 *      > seed 7                    the seed of the next command
 *      > resp 3                    the protocol
 *      > SET key "a value\n"       a command; its reply stands below it as redis-cli prints it
 *      OK
 *
 * A line "(deletes N)" follows a read that had N keys past their time deleted before it answered.
 */
#include "base/check.h"
#include "base/memory.h"
#include "runner.h"
#include "wire/response.h"
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

enum { SCRIPT_BYTES_MAXIMUM = 1024 * 1024, SCRIPT_ARGUMENTS_MAXIMUM = 64 };

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

static struct bytes line_cut(struct bytes *text) {
    const uint8_t *end = memchr(text->data, '\n', text->length);
    size_t length = end ? (size_t)(end - text->data) : text->length;
    struct bytes line = bytes_of(text->data, length);
    size_t taken = end ? length + 1 : length;
    *text = bytes_of(text->data + taken, text->length - taken);
    return line;
}

/* ---- from the text of a line to arguments */

static uint8_t escape_read(struct bytes line, size_t *at) {
    uint8_t letter = line.data[(*at)++];
    if (letter != '\\')
        return letter;
    CHECK(*at < line.length);
    letter = line.data[(*at)++];
    if (letter == 'x') {
        CHECK(*at + 2 <= line.length);
        char digits[3] = {(char)line.data[*at], (char)line.data[*at + 1], '\0'};
        *at += 2;
        return (uint8_t)strtoul(digits, NULL, 16);
    }
    return letter == 'n' ? '\n' : letter == 'r' ? '\r' : letter == 't' ? '\t' : letter;
}

/* Appends one word; it may be longer than it looks: "x"*100 is a hundred of them. */
static void word_read(struct bytes line, size_t *at, struct buffer *word) {
    if (line.data[*at] != '"') {
        while (*at < line.length && line.data[*at] != ' ')
            buffer_append_u8(word, line.data[(*at)++]);
        return;
    }
    for ((*at)++; *at < line.length && line.data[*at] != '"';)
        buffer_append_u8(word, escape_read(line, at));
    CHECK(*at < line.length);
    (*at)++;
    if (*at >= line.length || line.data[*at] != '*')
        return;
    uint8_t repeated = word->length ? buffer_data(word)[0] : 0;
    unsigned long count = 0;
    for ((*at)++; *at < line.length && isdigit(line.data[*at]); (*at)++)
        count = count * 10 + (unsigned long)(line.data[*at] - '0');
    buffer_clear(word);
    for (; count > 0; count--)
        buffer_append_u8(word, repeated);
}

static size_t words_read(struct bytes line, struct buffer *words) {
    size_t count = 0;
    for (size_t at = 0; at < line.length;) {
        if (line.data[at] == ' ') {
            at++;
            continue;
        }
        CHECK(count < SCRIPT_ARGUMENTS_MAXIMUM);
        word_read(line, &at, &words[count++]);
    }
    return count;
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

static void print_response(struct buffer *out, const struct response *response, int indent);

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
        print_response(out, &response->elements[at], deeper);
        if (is_map) {
            buffer_truncate(out, out->length - 1);
            buffer_append_text(out, " => ");
            print_response(out, &response->elements[at + 1], deeper);
        }
    }
}

/* Ends in a line end. */
static void print_response(struct buffer *out, const struct response *response, int indent) {
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

static bool directive_run(struct runner *runner, const struct buffer *words, size_t count) {
    if (count != 2)
        return false;
    struct bytes name = buffer_bytes(&words[0]);
    char digits[32] = {0};
    struct bytes value = buffer_bytes(&words[1]);
    memcpy(digits, value.data, value.length < sizeof digits ? value.length : sizeof digits - 1);
    if (bytes_equal(name, BYTES_LITERAL("at")))
        runner->now_ms = strtoull(digits, NULL, 10);
    else if (bytes_equal(name, BYTES_LITERAL("seed")))
        runner->seed = strtoull(digits, NULL, 10) - 1;
    else if (bytes_equal(name, BYTES_LITERAL("resp")))
        runner->protocol = atoi(digits);
    else
        return false;
    return true;
}

static void command_run(struct runner *runner, const struct buffer *words, size_t count,
                        struct buffer *out) {
    struct bytes arguments[SCRIPT_ARGUMENTS_MAXIMUM];
    for (size_t at = 0; at < count; at++)
        arguments[at] = buffer_bytes(&words[at]);
    size_t deletions_before = runner->deletion_count;
    runner_run(runner, arguments, count);
    struct response response;
    size_t consumed;
    CHECK(response_parse(buffer_bytes(&runner->output), &response, &consumed) == 1);
    CHECK(consumed == runner->output.length);
    print_response(out, &response, 0);
    response_release(&response);
    buffer_clear(&runner->output);
    if (runner->deletion_count > deletions_before)
        buffer_append_format(out, "(deletes %zu)\n", runner->deletion_count - deletions_before);
}

static void line_run(struct runner *runner, struct bytes line, struct buffer *out) {
    struct buffer words[SCRIPT_ARGUMENTS_MAXIMUM];
    for (size_t at = 0; at < SCRIPT_ARGUMENTS_MAXIMUM; at++)
        buffer_init(&words[at], SCRIPT_BYTES_MAXIMUM);
    size_t count = words_read(line, words);
    CHECK(count > 0);
    if (!directive_run(runner, words, count))
        command_run(runner, words, count, out);
    for (size_t at = 0; at < SCRIPT_ARGUMENTS_MAXIMUM; at++)
        buffer_release(&words[at]);
}

static void script_run(struct bytes script, struct buffer *out) {
    struct runner runner;
    runner_init(&runner);
    runner.now_ms = 1000;
    bool is_reply = false;
    while (script.length > 0) {
        struct bytes line = line_cut(&script);
        bool is_command = line.length > 2 && line.data[0] == '>';
        if (line.length == 0 || line.data[0] == '#' || is_command)
            is_reply = false;
        if (is_reply)
            continue;
        buffer_append_bytes(out, line);
        buffer_append_u8(out, '\n');
        is_reply = is_command;
        if (is_command)
            line_run(&runner, bytes_of(line.data + 1, line.length - 1), out);
    }
    runner_release(&runner);
}

static void difference_print(const char *path, struct bytes expected, struct bytes got) {
    for (int number = 1; expected.length > 0 || got.length > 0; number++) {
        struct bytes expected_line = line_cut(&expected), got_line = line_cut(&got);
        if (bytes_equal(expected_line, got_line))
            continue;
        printf("%s:%d:\n  expected  %.*s\n  got       %.*s\n", path, number,
               BYTES_PRINT(expected_line), BYTES_PRINT(got_line));
        return;
    }
}

static bool script_check(const char *path, bool is_rewriting) {
    struct buffer script, out;
    buffer_init(&script, 2 * SCRIPT_BYTES_MAXIMUM);
    buffer_init(&out, 2 * SCRIPT_BYTES_MAXIMUM);
    struct bytes expected = file_read(path, &script);
    script_run(expected, &out);
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

int main(int argument_count, char **arguments) {
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
        bad_count += !script_check(found.gl_pathv[at], is_rewriting);
    printf("%zu scripts, %zu differ\n", found.gl_pathc, bad_count);
    globfree(&found);
    return bad_count ? 1 : 0;
}
