/* Strings that are numbers. */
#include "base/text/number.h"
#include "command/argument.h"
#include "command/key.h"
#include "command/string_commands.h"

static void string_add(struct command_context *context, int64_t increment) {
    struct bytes key = context->arguments[1];
    const struct record *record = key_find_write(context, key);
    if (!key_check_type(context, record, VALUE_STRING))
        return;
    int64_t value = 0;
    if (record &&
        (record_is_long_string(record) || !number_parse_i64(record_string(record), &value))) {
        reply_error(context->reply, REPLY_NOT_INTEGER);
        return;
    }
    if (__builtin_add_overflow(value, increment, &value)) {
        reply_error(context->reply, "ERR increment or decrement would overflow");
        return;
    }
    char digits[NUMBER_I64_TEXT_BYTES];
    struct bytes text = bytes_of(digits, number_format_i64(digits, value));
    keyspace_put_string(context->keyspace, key, text, STRING_INT,
                        record ? record_expiry_ms(record) : 0);
    reply_integer(context->reply, value);
}

void string_incr(struct command_context *context) { string_add(context, 1); }
void string_decr(struct command_context *context) { string_add(context, -1); }

void string_incrby(struct command_context *context) {
    int64_t increment;
    if (argument_i64(context, 2, &increment))
        string_add(context, increment);
}

void string_decrby(struct command_context *context) {
    int64_t decrement;
    if (!argument_i64(context, 2, &decrement))
        return;
    if (decrement == INT64_MIN)
        reply_error(context->reply, "ERR decrement would overflow");
    else
        string_add(context, -decrement);
}

void string_incrbyfloat(struct command_context *context) {
    struct bytes key = context->arguments[1];
    const struct record *record = key_find_write(context, key);
    if (!key_check_type(context, record, VALUE_STRING))
        return;
    struct extended value = {0}, increment;
    if (record &&
        (record_is_long_string(record) || !extended_parse(record_string(record), &value))) {
        reply_error(context->reply, REPLY_NOT_FLOAT);
        return;
    }
    if (!argument_float(context, 2, &increment))
        return;
    if (!extended_add(value, increment, &value) || value.is_infinite) {
        reply_error(context->reply, "ERR increment would produce NaN or Infinity");
        return;
    }
    char digits[EXTENDED_TEXT_BYTES];
    struct bytes text = bytes_of(digits, extended_format(digits, value));
    /* Redis never takes the result of a sum of floats for an integer. */
    enum string_encoding encoding =
        text.length <= STRING_EMBSTR_BYTES_MAXIMUM ? STRING_EMBSTR : STRING_RAW;
    keyspace_put_string(context->keyspace, key, text, encoding,
                        record ? record_expiry_ms(record) : 0);
    reply_bulk(context->reply, text);
}
