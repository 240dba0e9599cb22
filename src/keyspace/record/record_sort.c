#include "keyspace/record/record_sort.h"
#include "base/memory.h"
#include "slot/part_set.h"

enum { PLACES_USUAL = 128, RUN_PLACES = 4 };

struct place {
    uint64_t order; /* the hash, or the key's next bytes after what all have in common */
    struct record *record;
};

static size_t alike_bytes(struct bytes a, struct bytes b, size_t maximum) {
    size_t length = 0;
    while (length < maximum && length < a.length && length < b.length &&
           a.data[length] == b.data[length])
        length++;
    return length;
}

static size_t common_bytes(struct record *const *records, size_t count) {
    struct bytes first = record_key(records[0]);
    size_t common = first.length;
    for (size_t i = 1; i < count; i++)
        common = alike_bytes(first, record_key(records[i]), common);
    return common;
}

/* The first byte is the highest. A key that ends sooner counts as if zeros followed. Those that are
 * equal then are compared whole. */
static uint64_t order_of(struct bytes key, size_t from) {
    uint64_t order = 0;
    for (size_t i = from; i < from + sizeof order; i++)
        order = order << 8 | (i < key.length ? key.data[i] : 0);
    return order;
}

static bool stands_before(const struct place *one, const struct place *other) {
    if (one->order != other->order)
        return one->order < other->order;
    return bytes_compare(record_key(one->record), record_key(other->record)) < 0;
}

/* ---- merge sort: qsort(), which calls for each comparison, took a third of a walk ---- */

static void sort_run(struct place *places, size_t count) {
    for (size_t i = 1; i < count; i++) {
        struct place place = places[i];
        size_t at = i;
        for (; at > 0 && stands_before(&place, &places[at - 1]); at--)
            places[at] = places[at - 1];
        places[at] = place;
    }
}

/* Two runs, of which the second begins at `middle`, become one. No branch depends on the outcome of
 * a comparison, which nobody could foresee. */
static void merge_two(const struct place *from, size_t middle, size_t end, struct place *to) {
    size_t left = 0, right = middle;
    while (left < middle && right < end) {
        bool is_right = stands_before(&from[right], &from[left]);
        *to++ = from[is_right ? right : left];
        right += is_right;
        left += !is_right;
    }
    /* One of the two has a rest. */
    memcpy(to, from + left, (middle - left) * sizeof *to);
    memcpy(to, from + right, (end - right) * sizeof *to);
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Sorts `places` with as much room behind them; returns where they are then. */
static const struct place *sort_places(struct place *places, size_t count) {
    struct place *from = places, *to = places + count;
    for (size_t begin = 0; begin < count; begin += RUN_PLACES)
        sort_run(from + begin, smaller(RUN_PLACES, count - begin));
    for (size_t run = RUN_PLACES; run < count; run *= 2) {
        for (size_t begin = 0; begin < count; begin += 2 * run) {
            size_t left = count - begin;
            merge_two(from + begin, smaller(run, left), smaller(2 * run, left), to + begin);
        }
        struct place *merged = to;
        to = from;
        from = merged;
    }
    return from;
}

static struct place *places_for(size_t count, struct place few[2 * PLACES_USUAL]) {
    return count > PLACES_USUAL ? memory_allocate(2 * count * sizeof *few) : few;
}

static void sort_records(struct record **records, size_t count, struct place *places) {
    const struct place *sorted = sort_places(places, count);
    for (size_t i = 0; i < count; i++)
        records[i] = sorted[i].record;
}

void record_sort(struct record **records, size_t count) {
    if (count < 2)
        return;
    struct place few[2 * PLACES_USUAL], *places = places_for(count, few);
    size_t common = common_bytes(records, count);
    for (size_t i = 0; i < count; i++)
        places[i] = (struct place){order_of(record_key(records[i]), common), records[i]};
    sort_records(records, count, places);
    if (places != few)
        memory_free(places);
}

void record_sort_by_hash(struct record **records, size_t count) {
    struct place few[2 * PLACES_USUAL], *places = places_for(count, few);
    for (size_t i = 0; i < count; i++)
        places[i] = (struct place){slot_part_hash(record_key(records[i])), records[i]};
    sort_records(records, count, places);
    if (places != few)
        memory_free(places);
}
