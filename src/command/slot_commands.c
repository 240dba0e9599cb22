#include "command/slot_commands.h"
#include "base/number.h"

/* The arguments as numbers. False, with an error in the reply, when they are none. */
static bool parse_slot(struct command_context *context, int64_t *slot) {
    if (number_parse_i64(context->arguments[1], slot) && *slot >= 0 && *slot < SLOT_COUNT)
        return true;
    reply_error(context->reply, "ERR Invalid slot");
    return false;
}

/* As in Redis, keys that are past their time and not deleted yet count as well. */
void slot_count_keys(struct command_context *context) {
    int64_t slot;
    if (parse_slot(context, &slot))
        reply_integer(context->reply,
                      (int64_t)keyspace_slot_key_count(context->keyspace, (slot_number)slot));
}

static void reply_key(void *context, struct bytes key) { reply_bulk(context, key); }

void slot_get_keys(struct command_context *context) {
    int64_t slot, maximum;
    if (!parse_slot(context, &slot))
        return;
    if (!number_parse_i64(context->arguments[2], &maximum) || maximum < 0) {
        reply_error(context->reply, "ERR Invalid slot or number of keys");
        return;
    }
    uint64_t held = keyspace_slot_key_count(context->keyspace, (slot_number)slot);
    uint64_t told = held < (uint64_t)maximum ? held : (uint64_t)maximum;
    reply_array(context->reply, told);
    keyspace_slot_keys(context->keyspace, (slot_number)slot, told, reply_key, context->reply);
}
