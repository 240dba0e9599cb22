/* Reads requests of the Redis protocol from the standard input and writes replies to the standard
 * output: one keyspace with nothing around it, for tests/e2e/redis-compare.js. HELLO 2 and HELLO 3
 * switch the protocol. */
#include "runner.h"
#include "wire/request.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PIPE_READ_BYTES = 64 * 1024, PIPE_INPUT_BYTES_MAXIMUM = 1024 * 1024 * 1024 };

static uint64_t wall_clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void pipe_run(struct runner *runner, const struct request_parser *parser) {
    struct bytes hello = parser->arguments[0];
    if (parser->argument_count == 2 && bytes_equal_ignoring_case(hello, "hello")) {
        runner->protocol = bytes_equal(parser->arguments[1], BYTES_LITERAL("3")) ? 3 : 2;
        buffer_append_text(&runner->output, "+OK\r\n");
        return;
    }
    runner->now_ms = wall_clock_ms();
    runner_run(runner, parser->arguments, parser->argument_count);
}

static void pipe_write(struct buffer *output) {
    while (output->length > 0) {
        ssize_t written = write(STDOUT_FILENO, buffer_data(output), output->length);
        if (written <= 0)
            exit(1);
        buffer_consume(output, (size_t)written);
    }
}

static bool pipe_answer(struct runner *runner, struct request_parser *parser,
                        struct buffer *input) {
    for (;;) {
        size_t consumed = 0;
        enum request_status status = request_parse(parser, buffer_bytes(input), &consumed);
        if (status == REQUEST_BROKEN)
            return false;
        if (status == REQUEST_INCOMPLETE)
            return true;
        if (parser->argument_count > 0)
            pipe_run(runner, parser);
        buffer_consume(input, consumed);
    }
}

int main(void) {
    struct runner runner;
    struct request_parser parser;
    struct buffer input;
    struct request_limits limits = {512 * 1024 * 1024, 1024 * 1024, 64 * 1024};
    runner_init(&runner);
    request_parser_init(&parser, &limits);
    buffer_init(&input, PIPE_INPUT_BYTES_MAXIMUM);
    bool is_good = true;
    while (is_good) {
        uint8_t *room = buffer_reserve(&input, PIPE_READ_BYTES);
        ssize_t length = room ? read(STDIN_FILENO, room, PIPE_READ_BYTES) : 0;
        if (length <= 0)
            break;
        buffer_grew(&input, (size_t)length);
        is_good = pipe_answer(&runner, &parser, &input);
        pipe_write(&runner.output);
    }
    if (!is_good)
        fprintf(stderr, "command_pipe: %s\n", parser.problem);
    buffer_release(&input);
    request_parser_release(&parser);
    runner_release(&runner);
    return is_good ? 0 : 1;
}
