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
#include "runner.h"
#include "script_text.h"
#include <ctype.h>
#include <stdlib.h>

enum { SCRIPT_ARGUMENTS_MAXIMUM = 64 };

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
    script_print(out, &response, 0);
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
        struct bytes line = script_line_cut(&script);
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

int main(int argument_count, char **arguments) {
    return script_main(argument_count, arguments, script_run);
}
