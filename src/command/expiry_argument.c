#include "command/expiry_argument.h"
#include "command/argument.h"

static bool reply_invalid(struct command_context *context, const char *command_name) {
    reply_error_format(context->reply, "ERR invalid expire time in '%s' command", command_name);
    return false;
}

bool expiry_argument_read_any(struct command_context *context,
                              const struct expiry_argument *argument, const char *command_name,
                              int64_t *expiry_ms) {
    if (!argument_i64(context, argument->position, expiry_ms))
        return false;
    if (argument->is_seconds && __builtin_mul_overflow(*expiry_ms, 1000, expiry_ms))
        return reply_invalid(context, command_name);
    int64_t base_ms = argument->is_absolute ? 0 : (int64_t)context->now_ms;
    if (__builtin_add_overflow(*expiry_ms, base_ms, expiry_ms))
        return reply_invalid(context, command_name);
    return true;
}

bool expiry_argument_read(struct command_context *context, const struct expiry_argument *argument,
                          const char *command_name, uint64_t *expiry_ms) {
    int64_t given, at_ms;
    if (!argument_i64(context, argument->position, &given))
        return false;
    if (given <= 0)
        return reply_invalid(context, command_name);
    if (!expiry_argument_read_any(context, argument, command_name, &at_ms))
        return false;
    *expiry_ms = (uint64_t)at_ms;
    return true;
}
