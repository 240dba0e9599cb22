#include "command/scan_options.h"
#include "base/text/glob.h"
#include "command/argument.h"

enum { SCAN_COUNT_DEFAULT = 10 };

bool scan_cursor_read(struct bytes text, uint64_t *cursor) {
    bool has_sign = text.length > 0 && (text.data[0] == '-' || text.data[0] == '+');
    uint64_t value = 0;
    size_t at = has_sign;
    for (; at < text.length && text.data[at] != '\0'; at++) {
        unsigned digit = (unsigned)text.data[at] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *cursor = has_sign && text.data[0] == '-' ? -value : value;
    return !(has_sign && at == 1);
}

bool scan_parse_cursor(struct command_context *context, size_t cursor_position, uint64_t *cursor) {
    if (scan_cursor_read(context->arguments[cursor_position], cursor))
        return true;
    reply_error(context->reply, "ERR invalid cursor");
    return false;
}

static bool scan_parse_count(struct command_context *context, size_t position, uint64_t *count) {
    int64_t value;
    if (!argument_i64(context, position, &value))
        return false;
    if (value < 1) {
        reply_error(context->reply, REPLY_SYNTAX);
        return false;
    }
    *count = (uint64_t)value;
    return true;
}

bool scan_parse_options(struct command_context *context, size_t options_position,
                        bool is_type_allowed, struct scan_options *options) {
    options->count = SCAN_COUNT_DEFAULT;
    options->has_pattern = options->has_type = false;
    for (size_t at = options_position; at < context->argument_count; at += 2) {
        bool has_value = at + 1 < context->argument_count;
        if (has_value && argument_is(context, at, "count")) {
            if (!scan_parse_count(context, at + 1, &options->count))
                return false;
        } else if (has_value && argument_is(context, at, "match")) {
            options->pattern = context->arguments[at + 1];
            /* Redis takes "*" as no pattern: it lets the empty name pass, which the glob does not.
             */
            options->has_pattern = !bytes_equal(options->pattern, BYTES_LITERAL("*"));
        } else if (has_value && is_type_allowed && argument_is(context, at, "type")) {
            options->type = context->arguments[at + 1];
            options->has_type = true;
        } else {
            reply_error(context->reply, REPLY_SYNTAX);
            return false;
        }
    }
    return true;
}

bool scan_matches(const struct scan_options *options, struct bytes name) {
    return !options->has_pattern || glob_match(options->pattern, name, false);
}
