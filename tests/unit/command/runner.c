#include "runner.h"
#include "base/check.h"
#include "base/cursor.h"

enum { RUNNER_OUTPUT_BYTES_MAXIMUM = 1024 * 1024 * 1024 };

void runner_init(struct runner *runner) {
    *runner = (struct runner){.keyspace = keyspace_new(1), .protocol = 2};
    buffer_init(&runner->output, RUNNER_OUTPUT_BYTES_MAXIMUM);
}

void runner_release(struct runner *runner) {
    keyspace_free(runner->keyspace);
    buffer_release(&runner->output);
}

/* What the shard does with expired_keys: has their deletion applied. */
static void runner_delete(struct runner *runner, const struct buffer *keys) {
    struct cursor cursor = cursor_of(buffer_bytes(keys));
    runner->applied_ms = runner->now_ms;
    while (cursor_left(&cursor) > 0) {
        struct bytes arguments[2] = {BYTES_LITERAL("trothdb.expire"),
                                     cursor_length_prefixed(&cursor, SIZE_MAX)};
        const struct command *command = command_find(arguments[0], BYTES_NONE);
        struct command_context context = {.keyspace = runner->keyspace,
                                          .applied_ms = runner->now_ms,
                                          .now_ms = runner->now_ms,
                                          .arguments = arguments,
                                          .argument_count = 2,
                                          .reply = &(struct reply){.protocol = 2}};
        command->run(&context);
        runner->deletion_count++;
    }
    CHECK(!cursor.is_failed);
}

static void runner_read(struct runner *runner, const struct command *command,
                        struct command_context *context) {
    struct buffer expired;
    buffer_init(&expired, RUNNER_OUTPUT_BYTES_MAXIMUM);
    context->expired_keys = &expired;
    size_t length_before = runner->output.length;
    for (;;) {
        context->applied_ms = runner->applied_ms;
        command->run(context);
        if (expired.length == 0)
            break;
        runner_delete(runner, &expired);
        buffer_truncate(&runner->output, length_before);
        buffer_clear(&expired);
    }
    buffer_release(&expired);
}

void runner_run(struct runner *runner, const struct bytes *arguments, size_t count) {
    struct reply reply = {&runner->output, runner->protocol};
    const struct command *command;
    if (command_check(arguments, count, &command, &reply) != 0)
        return;
    if (command->run == NULL) {
        reply_error_format(&reply, "ERR '%s' is run by a session, not by a shard", command->name);
        return;
    }
    struct command_context context = {.keyspace = runner->keyspace,
                                      .now_ms = runner->now_ms,
                                      .seed = ++runner->seed,
                                      .arguments = arguments,
                                      .argument_count = count,
                                      .reply = &reply};
    if (!(command->flags & COMMAND_WRITE)) {
        runner_read(runner, command, &context);
        return;
    }
    runner->applied_ms = context.applied_ms = runner->now_ms;
    command->run(&context);
}
