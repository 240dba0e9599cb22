#include "shard/compare.h"

#include "shard/look.h"

enum {
    COMPARE_BYTES =
        256 << 10, /* that are gone through at once, about: a fraction of a millisecond */
    COMPARE_SLOT_BYTES_MAXIMUM = 1
                                 << 20 /* a longer slot would hold everybody up, and is left out */
};

static struct comparisons *comparisons_of(const struct shard *shard) {
    const struct machine_ops *ops = shard->machine->ops;
    return ops->comparisons ? ops->comparisons(shard->machine) : NULL;
}

bool compare_is_due(const struct shard *shard, uint64_t now_us) {
    uint64_t interval_us = (uint64_t)shard->io.config->compare_interval_ms * 1000;
    return interval_us > 0 && now_us >= shard->compared_us + interval_us &&
           shard_is_leader(shard) && comparisons_of(shard);
}

/* ---- which slots ---- */

static uint64_t slot_bytes(const struct shard *shard, unsigned slot) {
    return shard->machine->ops->slot_bytes(shard->machine, (slot_number)slot);
}

/* From `slot` on, round the circle; SLOT_COUNT: every slot is too long. */
static unsigned first_from(const struct shard *shard, unsigned slot) {
    for (unsigned tried = 0; tried < SLOT_COUNT; tried++) {
        unsigned next = (slot + tried) % SLOT_COUNT;
        if (slot_bytes(shard, next) <= COMPARE_SLOT_BYTES_MAXIMUM)
            return next;
    }
    return SLOT_COUNT;
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

/* ---- the command ---- */

static void add_word(struct compare_words *words, uint64_t number) {
    char *text = words->text[words->count - 1];
    size_t length = number_format_i64(text, (int64_t)number);
    words->arguments[words->count++] = bytes_of(text, length);
}

bool compare_begin(struct shard *shard, struct compare_words *words) {
    const struct comparison *before = &comparisons_of(shard)->newest;
    shard->compared_us = shard_now_us(shard);
    unsigned first = first_from(shard, before->is_made ? (before->last_slot + 1u) % SLOT_COUNT : 0);
    if (first == SLOT_COUNT)
        return false;
    words->count = 0;
    words->arguments[words->count++] = BYTES_LITERAL("trothdb.compare");
    add_word(words, first);
    add_word(words, last_from(shard, first));
    if (before->is_made) {
        add_word(words, before->id);
        add_word(words, before->hash);
    }
    metric_add(shard->cells.comparisons, 1);
    return true;
}

/* ---- what differs ---- */

void compare_look(struct shard *shard) {
    struct comparisons *comparisons = comparisons_of(shard);
    if (!comparisons || !comparisons->differing.is_made)
        return;
    const struct comparison *differing = &comparisons->differing;
    shard->difference_count++;
    metric_add(shard->cells.differences, 1);
    log_line(shard->io.log, LOG_ERROR,
             "this replica holds other data than the shard's leader: one of the two is wrong",
             LOG_F("shard", shard->number), LOG_F("first_slot", differing->first_slot),
             LOG_F("last_slot", differing->last_slot), LOG_F("index", shard->applied_index),
             LOG_F("term", shard->applied_term));
    comparisons->differing = (struct comparison){0};
}
