#include "shard/step/compare.h"

#include "shard/state/look.h"

enum {
    COMPARE_BYTES =
        256 << 10, /* that are gone through at once, about: a fraction of a millisecond */
    COMPARE_SLOT_BYTES_MAXIMUM = 1 << 20 /* a longer slot would hold everybody up: key by key */
};

static struct comparisons *comparisons_of(const struct shard *shard) {
    const struct machine_ops *ops = shard->machine->ops;
    return ops->comparisons ? ops->comparisons(shard->machine) : NULL;
}

bool compare_is_due(const struct shard *shard, uint64_t now_us) {
    uint64_t interval_us = (uint64_t)shard->io->config->compare_interval_ms * 1000;
    return interval_us > 0 && now_us >= shard->compared_us + interval_us && shard_leads(shard) &&
           comparisons_of(shard);
}

/* ---- which slots ---- */

static uint64_t slot_bytes(const struct shard *shard, unsigned slot) {
    return shard->machine->ops->slot_bytes(shard->machine, (slot_number)slot);
}

/* Too long to be gone through at once. */
static bool is_long(const struct shard *shard, unsigned slot) {
    return slot_bytes(shard, slot) > COMPARE_SLOT_BYTES_MAXIMUM && shard->machine->ops->name_keys;
}

/* Empty ones as well: they may hold something elsewhere. */
static unsigned last_from(const struct shard *shard, unsigned first) {
    uint64_t sum_bytes = slot_bytes(shard, first);
    unsigned last = first;
    while (last + 1 < SLOT_COUNT) {
        sum_bytes += slot_bytes(shard, last + 1);
        if (sum_bytes > COMPARE_BYTES)
            break;
        last++;
    }
    return last;
}

/* Is the comparison before of a long slot, and of this replica's? */
static bool is_within(const struct shard *shard, const struct comparison *before) {
    return before->is_made && before->last_slot == shard->comparing.slot;
}

/* Round the circle; in a long one for as long as it has more keys, if this replica began with it.
 */
static unsigned next_slot(const struct shard *shard, const struct comparison *before) {
    if (shard->comparing.cursor != 0 && is_within(shard, before))
        return shard->comparing.slot;
    return before->is_made ? (before->last_slot + 1u) % SLOT_COUNT : 0;
}

/* ---- the command ---- */

static void add_number(struct compare_words *words, uint64_t number) {
    char *text = words->text[words->count - 1];
    size_t length = number_format_i64(text, (int64_t)number);
    words->arguments[words->count++] = bytes_of(text, length);
}

static void name_slots(struct shard *shard, unsigned first, const struct comparison *before,
                       struct compare_words *words) {
    words->arguments[words->count++] = BYTES_LITERAL("trothdb.compare");
    add_number(words, first);
    add_number(words, last_from(shard, first));
    if (before->is_made) {
        add_number(words, before->id);
        add_number(words, before->hash);
    }
    shard->comparing = (struct long_slot){.cursor = 0};
}

static void begin_within(unsigned slot, const char *command, const struct comparison *before,
                         struct compare_words *words) {
    words->arguments[words->count++] = bytes_of_text(command);
    add_number(words, slot);
    add_number(words, before->is_made ? before->id : 0);
    add_number(words, before->is_made ? before->hash : 0);
}

static void name_keys(struct shard *shard, unsigned slot, const struct comparison *before,
                      struct compare_words *words) {
    struct comparison_keys named;
    named.count = 0;
    named.name_bytes = named.value_bytes = 0;
    named.long_cursor = named.long_count = 0;
    begin_within(slot, "trothdb.comparekeys", before, words);
    uint64_t cursor = shard->comparing.slot == slot ? shard->comparing.cursor : 0;
    cursor = shard->machine->ops->name_keys(shard->machine, (slot_number)slot, cursor, &named);
    shard->comparing = (struct long_slot){.slot = (slot_number)slot,
                                          .cursor = cursor,
                                          .long_cursor = named.long_cursor,
                                          .long_count = named.long_count};
    for (size_t i = 0; i < named.count; i++)
        words->arguments[words->count++] = named.keys[i];
}

/* A long key that has gone meanwhile is passed over; what took its place may be begun in its
 * middle, and has its turn the next time round. False: no long key is left. */
static bool find_piece(struct shard *shard, struct comparison_piece *piece) {
    struct long_slot *at = &shard->comparing;
    for (; at->long_number < at->long_count; at->long_number++, at->from = 0) {
        piece->from = at->from;
        if (shard->machine->ops->name_piece(shard->machine, at->slot, at->long_cursor,
                                            at->long_number, piece))
            return true;
    }
    return false;
}

static void name_piece(struct shard *shard, const struct comparison_piece *piece,
                       const struct comparison *before, struct compare_words *words) {
    struct long_slot *at = &shard->comparing;
    begin_within(at->slot, "trothdb.comparepiece", before, words);
    add_number(words, piece->from);
    add_number(words, piece->to);
    words->arguments[words->count++] = piece->key;
    at->long_number += piece->to == 0;
    at->from = piece->to;
}

/* Of whole slots, or of some keys of a long one. */
static void name_next(struct shard *shard, const struct comparison *before,
                      struct compare_words *words) {
    unsigned slot = next_slot(shard, before);
    if (is_long(shard, slot))
        name_keys(shard, slot, before, words);
    else
        name_slots(shard, slot, before, words);
}

void compare_begin(struct shard *shard, struct compare_words *words) {
    const struct comparison *before = &comparisons_of(shard)->newest;
    struct comparison_piece piece;
    shard->compared_us = shard_now_us(shard);
    words->count = 0;
    if (is_within(shard, before) && find_piece(shard, &piece))
        name_piece(shard, &piece, before, words);
    else
        name_next(shard, before, words);
    metric_add(shard->io->cells.comparisons, 1);
}

/* ---- what differs ---- */

void compare_look(struct shard *shard) {
    struct comparisons *comparisons = comparisons_of(shard);
    if (!comparisons || !comparisons->differing.is_made)
        return;
    const struct comparison *differing = &comparisons->differing;
    shard->difference_count++;
    metric_add(shard->io->cells.differences, 1);
    log_line(shard->io->log, LOG_ERROR,
             "this replica holds other data than the shard's leader: one of the two is wrong",
             LOG_F("shard", shard->number), LOG_F("first_slot", differing->first_slot),
             LOG_F("last_slot", differing->last_slot), LOG_F("index", shard->applied_index),
             LOG_F("term", shard->applied_term));
    comparisons->differing = (struct comparison){0};
}
