/* Reading whole strings. */
#include "command/string_commands.h"
#include "command/key.h"

void string_reply_part(struct command_context *context, const struct record *record, size_t offset,
                       size_t length) {
    uint8_t *room = reply_bulk_room(context->reply, length);
    for (size_t done = 0; room && done < length;) {
        struct bytes piece = record_string_piece(record, offset + done, length - done);
        memcpy(room + done, piece.data, piece.length);
        done += piece.length;
    }
}

void string_reply(struct command_context *context, const struct record *record) {
    string_reply_part(context, record, 0, record_string_length(record));
}

void string_get(struct command_context *context) {
    const struct record *record = key_find_read(context, context->arguments[1]);
    if (record == NULL)
        reply_null(context->reply);
    else if (key_check_type(context, record, VALUE_STRING))
        string_reply(context, record);
}

void string_getdel(struct command_context *context) {
    const struct record *record = key_find_write(context, context->arguments[1]);
    if (record == NULL) {
        reply_null(context->reply);
        return;
    }
    if (!key_check_type(context, record, VALUE_STRING))
        return;
    string_reply(context, record);
    keyspace_delete(context->keyspace, context->arguments[1]);
}

void string_mget(struct command_context *context) {
    reply_array(context->reply, context->argument_count - 1);
    for (size_t at = 1; at < context->argument_count; at++) {
        const struct record *record = key_find_read(context, context->arguments[at]);
        if (record && record_type(record) == VALUE_STRING)
            string_reply(context, record);
        else
            reply_null(context->reply);
    }
}

void string_strlen(struct command_context *context) {
    const struct record *record = key_find_read(context, context->arguments[1]);
    if (key_check_type(context, record, VALUE_STRING))
        reply_integer(context->reply, record ? (int64_t)record_string_length(record) : 0);
}
