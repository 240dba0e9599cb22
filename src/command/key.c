#include "command/key.h"
#include "base/planted.h"

bool key_is_live(struct command_context *context, const struct record *record) {
    if (!record_is_expired(record, context->now_ms))
        return true;
    bool needs_deletion = !record_is_expired(record, context->applied_ms);
    bool has_room =
        context->expired_keys && context->expired_keys->length < KEY_EXPIRED_BYTES_MAXIMUM;
    if (needs_deletion && has_room && !PLANTED(EXPIRED_READ_WITHOUT_DELETION))
        buffer_append_length_prefixed(context->expired_keys, record_key(record));
    return false;
}

const struct record *key_find_read(struct command_context *context, struct bytes key) {
    const struct record *record = keyspace_find(context->keyspace, key);
    bool is_found = record && key_is_live(context, record);
    if (context->use) {
        context->use->hits += is_found;
        context->use->misses += !is_found;
    }
    return is_found ? record : NULL;
}

bool key_delete_expired(struct command_context *context, struct bytes key) {
    bool is_deleted = keyspace_delete(context->keyspace, key);
    if (context->use)
        context->use->expired += is_deleted;
    return is_deleted;
}

struct record *key_find_write(struct command_context *context, struct bytes key) {
    struct record *record = keyspace_find(context->keyspace, key);
    if (record == NULL || !record_is_expired(record, context->now_ms))
        return record;
    key_delete_expired(context, key);
    return NULL;
}

bool key_check_type(struct command_context *context, const struct record *record,
                    enum value_type type) {
    if (record == NULL || record_type(record) == type)
        return true;
    reply_error(context->reply, REPLY_WRONG_TYPE);
    return false;
}
