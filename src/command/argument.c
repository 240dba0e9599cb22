#include "command/argument.h"
#include "base/text/number.h"

bool argument_i64(struct command_context *context, size_t position, int64_t *value) {
    if (number_parse_i64(context->arguments[position], value))
        return true;
    reply_error(context->reply, REPLY_NOT_INTEGER);
    return false;
}

bool argument_float(struct command_context *context, size_t position, struct extended *value) {
    if (extended_parse(context->arguments[position], value))
        return true;
    reply_error(context->reply, REPLY_NOT_FLOAT);
    return false;
}
