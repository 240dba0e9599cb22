/* OBJECT and MEMORY USAGE: looking inside a key. */
#include "base/text/number.h"
#include "command/argument.h"
#include "command/key.h"
#include "command/key_commands.h"

void key_object_encoding(struct command_context *context) {
    const struct record *record = key_find_read(context, context->arguments[2]);
    if (record)
        reply_bulk_text(context->reply, record_encoding_name(record));
    else
        reply_null(context->reply);
}

/* What a copy shares here it does not share in Redis, and that shows in nothing else. Redis shares
 * its small integers, and says so by the largest count. */
void key_object_refcount(struct command_context *context) {
    enum { SHARED_INTEGER_COUNT = 10000 };
    const struct record *record = key_find_read(context, context->arguments[2]);
    if (record == NULL) {
        reply_null(context->reply);
        return;
    }
    int64_t value;
    bool is_shared = record_type(record) == VALUE_STRING &&
                     record_string_encoding(record) == STRING_INT &&
                     number_parse_i64(record_string(record), &value) && value >= 0 &&
                     value < SHARED_INTEGER_COUNT;
    reply_integer(context->reply, is_shared ? INT32_MAX : 1);
}

void key_object_freq(struct command_context *context) {
    if (key_find_read(context, context->arguments[2]) == NULL)
        reply_null(context->reply);
    else
        reply_error(context->reply,
                    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. "
                    "Please note that when switching between policies at runtime LRU and LFU data "
                    "will take some time to adjust.");
}

void key_object_help(struct command_context *context) {
    static const char *const lines[] = {
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    How the value of the key is kept in memory.",
        "FREQ <key>",
        "    How often the key is used: not counted here.",
        "REFCOUNT <key>",
        "    How many places share the value of the key.",
    };
    reply_help(context->reply, lines, sizeof lines / sizeof lines[0]);
}

/* Redis looks at so many elements and guesses; here every value knows its size. */
static bool reads_samples(struct command_context *context) {
    for (size_t at = 3; at < context->argument_count; at += 2) {
        int64_t samples = 0;
        bool is_samples = argument_is(context, at, "samples") && at + 1 < context->argument_count;
        if (is_samples && !argument_i64(context, at + 1, &samples))
            return false;
        if (!is_samples || samples < 0) {
            reply_error(context->reply, REPLY_SYNTAX);
            return false;
        }
    }
    return true;
}

void key_memory_usage(struct command_context *context) {
    if (!reads_samples(context))
        return;
    const struct record *record = key_find_read(context, context->arguments[2]);
    if (record == NULL)
        reply_null(context->reply);
    else
        reply_integer(context->reply, (int64_t)record_memory_bytes(record));
}

void key_memory_help(struct command_context *context) {
    static const char *const lines[] = {
        "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "USAGE <key> [SAMPLES <count>]",
        "    How many bytes the key and its value take. SAMPLES is taken and changes nothing: the",
        "    answer is exact.",
    };
    reply_help(context->reply, lines, sizeof lines / sizeof lines[0]);
}
