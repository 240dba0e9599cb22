#include "command/slot_commands.h"
#include "base/text/number.h"
#include "keyspace/edit.h"

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

static struct bytes argument_at(const struct command_context *context, size_t position) {
    return position < context->argument_count ? context->arguments[position] : BYTES_NONE;
}

void slot_compare(struct command_context *context) {
    int64_t first_slot, last_slot;
    if (!parse_slot_at(context, 1, &first_slot) || !parse_slot_at(context, 2, &last_slot))
        return;
    reply_ok(context->reply);
    if (!context->comparisons)
        return;
    struct comparison made = {.is_made = true,
                              .id = context->seed,
                              .first_slot = (slot_number)first_slot,
                              .last_slot = (slot_number)last_slot};
    for (int64_t slot = first_slot; slot <= last_slot; slot++)
        made.hash += keyspace_slot_hash(context->keyspace, (slot_number)slot);
    comparisons_take(context->comparisons, argument_at(context, 3), argument_at(context, 4), &made);
}

/* Keys that are held here only are not named; they are counted. */
static struct comparison begin_within(const struct command_context *context, int64_t slot) {
    return (struct comparison){.is_made = true,
                               .id = context->seed,
                               .first_slot = (slot_number)slot,
                               .last_slot = (slot_number)slot,
                               .hash =
                                   keyspace_slot_key_count(context->keyspace, (slot_number)slot)};
}

void slot_compare_keys(struct command_context *context) {
    int64_t slot;
    if (!parse_slot(context, &slot))
        return;
    reply_ok(context->reply);
    if (!context->comparisons)
        return;
    struct comparison made = begin_within(context, slot);
    for (size_t i = 4; i < context->argument_count; i++) {
        const struct record *record = keyspace_find(context->keyspace, context->arguments[i]);
        made.hash += record ? record_hash(record) : 0;
    }
    comparisons_take(context->comparisons, argument_at(context, 2), argument_at(context, 3), &made);
}

void slot_compare_piece(struct command_context *context) {
    int64_t slot, from, to;
    if (!parse_slot(context, &slot))
        return;
    if (!number_parse_i64(context->arguments[4], &from) ||
        !number_parse_i64(context->arguments[5], &to) || from < 0 || to < 0) {
        reply_error(context->reply, "ERR Invalid piece");
        return;
    }
    reply_ok(context->reply);
    if (!context->comparisons)
        return;
    struct comparison made = begin_within(context, slot);
    const struct record *record = keyspace_find(context->keyspace, context->arguments[6]);
    made.hash += record ? record_hash_between(record, (uint64_t)from, (uint64_t)to) : 0;
    comparisons_take(context->comparisons, argument_at(context, 2), argument_at(context, 3), &made);
}
