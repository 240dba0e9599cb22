#include "command/slot_commands.h"
#include "base/text/number.h"

/* The arguments as numbers. False, with an error in the reply, when they are none. */
static bool parse_slot_at(struct command_context *context, size_t position, int64_t *slot) {
    if (number_parse_i64(context->arguments[position], slot) && *slot >= 0 && *slot < SLOT_COUNT)
        return true;
    reply_error(context->reply, "ERR Invalid slot");
    return false;
}

static bool parse_slot(struct command_context *context, int64_t *slot) {
    return parse_slot_at(context, 1, slot);
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

/* ---- comparing replicas ---- */

/* What the leader says of the comparison before, as far as this replica made the same. */
static void compare_with_leader(struct command_context *context) {
    struct comparisons *comparisons = context->comparisons;
    int64_t id, hash;
    if (context->argument_count < 5 || !number_parse_i64(context->arguments[3], &id) ||
        !number_parse_i64(context->arguments[4], &hash))
        return;
    const struct comparison *mine = &comparisons->newest;
    if (mine->is_made && mine->id == (uint64_t)id && mine->hash != (uint64_t)hash)
        comparisons->differing = *mine;
}

void slot_compare(struct command_context *context) {
    int64_t first_slot, last_slot;
    if (!parse_slot_at(context, 1, &first_slot) || !parse_slot_at(context, 2, &last_slot))
        return;
    reply_ok(context->reply);
    if (!context->comparisons)
        return;
    compare_with_leader(context);
    struct comparison made = {.is_made = true,
                              .id = context->seed,
                              .first_slot = (slot_number)first_slot,
                              .last_slot = (slot_number)last_slot};
    for (int64_t slot = first_slot; slot <= last_slot; slot++)
        made.hash += keyspace_slot_hash(context->keyspace, (slot_number)slot);
    context->comparisons->newest = made;
}
