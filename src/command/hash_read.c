#include "command/hash_commands.h"

bool hash_find_read(struct command_context *context, const struct hash_value **hash) {
    const struct record *record = key_find_read(context, context->arguments[1]);
    *hash = NULL;
    if (!key_check_type(context, record, VALUE_HASH))
        return false;
    if (record != NULL)
        *hash = record_object(record);
    return true;
}

/* The value of arguments[2], where the hash has it. */
static bool hash_get_argument(const struct command_context *context, const struct hash_value *hash,
                              struct bytes *value) {
    return hash != NULL && hash_value_get(hash, context->arguments[2], value);
}

void hash_hget(struct command_context *context) {
    const struct hash_value *hash;
    struct bytes value;
    if (!hash_find_read(context, &hash))
        return;
    if (hash_get_argument(context, hash, &value))
        reply_bulk(context->reply, value);
    else
        reply_null(context->reply);
}

void hash_hmget(struct command_context *context) {
    const struct hash_value *hash;
    struct bytes value;
    if (!hash_find_read(context, &hash))
        return;
    reply_array(context->reply, context->argument_count - 2);
    for (size_t i = 2; i < context->argument_count; i++)
        if (hash != NULL && hash_value_get(hash, context->arguments[i], &value))
            reply_bulk(context->reply, value);
        else
            reply_null(context->reply);
}

void hash_hexists(struct command_context *context) {
    const struct hash_value *hash;
    struct bytes value;
    if (hash_find_read(context, &hash))
        reply_integer(context->reply, hash_get_argument(context, hash, &value));
}

void hash_hstrlen(struct command_context *context) {
    const struct hash_value *hash;
    struct bytes value = BYTES_NONE;
    if (!hash_find_read(context, &hash))
        return;
    hash_get_argument(context, hash, &value);
    reply_integer(context->reply, (int64_t)value.length);
}

void hash_hlen(struct command_context *context) {
    const struct hash_value *hash;
    if (hash_find_read(context, &hash))
        reply_integer(context->reply, hash == NULL ? 0 : (int64_t)hash_value_count(hash));
}

enum hash_side { HASH_FIELDS = 1, HASH_VALUES = 2 };

static void hash_reply_all(struct command_context *context, unsigned sides) {
    const struct hash_value *hash;
    if (!hash_find_read(context, &hash))
        return;
    size_t count = hash == NULL ? 0 : hash_value_count(hash);
    if (sides == (HASH_FIELDS | HASH_VALUES))
        reply_map(context->reply, count);
    else
        reply_array(context->reply, count);
    struct hash_position position = {0};
    struct bytes field, value;
    while (hash != NULL && hash_value_next(hash, &position, &field, &value)) {
        if (sides & HASH_FIELDS)
            reply_bulk(context->reply, field);
        if (sides & HASH_VALUES)
            reply_bulk(context->reply, value);
    }
}

void hash_hgetall(struct command_context *context) {
    hash_reply_all(context, HASH_FIELDS | HASH_VALUES);
}

void hash_hkeys(struct command_context *context) { hash_reply_all(context, HASH_FIELDS); }

void hash_hvals(struct command_context *context) { hash_reply_all(context, HASH_VALUES); }
