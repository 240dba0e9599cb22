/* Parts of strings. */
#include "command/argument.h"
#include "command/key.h"
#include "command/string_commands.h"

/* Whether a string of `held` bytes may be written on for `length` bytes from there. */
static bool string_check_length(struct command_context *context, uint64_t held, uint64_t length) {
    if (held <= STRING_BYTES_MAXIMUM && length <= STRING_BYTES_MAXIMUM - held)
        return true;
    reply_error(context->reply, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    return false;
}

void string_append(struct command_context *context) {
    struct bytes key = context->arguments[1], tail = context->arguments[2];
    struct record *record = key_find_write(context, key);
    if (!key_check_type(context, record, VALUE_STRING))
        return;
    size_t held = record ? record_string_length(record) : 0;
    if (record == NULL) {
        keyspace_put_string(context->keyspace, key, tail, string_encoding_of(tail), 0);
    } else {
        if (!string_check_length(context, held, tail.length))
            return;
        keyspace_write_string(context->keyspace, record, held, tail);
    }
    reply_integer(context->reply, (int64_t)(held + tail.length));
}

struct range {
    size_t offset, length;
};

static struct range range_within(size_t held, int64_t start, int64_t end) {
    int64_t length = (int64_t)held;
    if (start < 0 && end < 0 && start > end)
        return (struct range){0};
    if (start < 0)
        start = start + length < 0 ? 0 : start + length;
    if (end < 0)
        end = end + length < 0 ? 0 : end + length;
    if (end >= length)
        end = length - 1;
    if (start > end)
        return (struct range){0};
    return (struct range){(size_t)start, (size_t)(end - start + 1)};
}

void string_getrange(struct command_context *context) {
    int64_t start, end;
    if (!argument_i64(context, 2, &start) || !argument_i64(context, 3, &end))
        return;
    const struct record *record = key_find_read(context, context->arguments[1]);
    if (!key_check_type(context, record, VALUE_STRING))
        return;
    size_t held = record ? record_string_length(record) : 0;
    struct range range = held ? range_within(held, start, end) : (struct range){0};
    string_reply_part(context, record, range.offset, range.length);
}

void string_setrange(struct command_context *context) {
    struct bytes key = context->arguments[1], part = context->arguments[3];
    int64_t offset;
    if (!argument_i64(context, 2, &offset))
        return;
    if (offset < 0) {
        reply_error(context->reply, "ERR offset is out of range");
        return;
    }
    struct record *record = key_find_write(context, key);
    if (!key_check_type(context, record, VALUE_STRING))
        return;
    size_t held = record ? record_string_length(record) : 0;
    if (part.length == 0) { /* changes nothing, makes no key */
        reply_integer(context->reply, (int64_t)held);
        return;
    }
    if (!string_check_length(context, (uint64_t)offset, part.length))
        return;
    if (record == NULL)
        record = keyspace_put_string(context->keyspace, key, BYTES_NONE, STRING_RAW, 0);
    record = keyspace_write_string(context->keyspace, record, (size_t)offset, part);
    reply_integer(context->reply, (int64_t)record_string_length(record));
}
