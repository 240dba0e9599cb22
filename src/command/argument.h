/* Reading the arguments of a command. Those that return bool reply the error themselves. */
#pragma once
#include "command/command.h"
#include "command/extended.h"

/* Arguments by position, with Redis's "ERR value is not an integer or out of range". */
bool argument_i64(struct command_context *context, size_t position, int64_t *value);
/* "ERR value is not a valid float". */
bool argument_float(struct command_context *context, size_t position, struct extended *value);
/* Whether the argument is this word, any case; `lower` is lower case. */
static inline bool argument_is(const struct command_context *context, size_t position,
                               const char *lower) {
    return bytes_equal_ignoring_case(context->arguments[position], lower);
}
