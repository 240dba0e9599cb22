#include "keyspace/record_sort.h"
#include "base/memory.h"
#include <stdlib.h>

enum { PLACES_USUAL = 128 };

struct place {
    uint64_t order; /* the key's next bytes after what all have in common, the first one highest */
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

/* A key that ends sooner counts as if zeros followed. Those that are equal then are compared whole.
 */
static uint64_t order_of(struct bytes key, size_t from) {
    uint64_t order = 0;
    for (size_t i = from; i < from + sizeof order; i++)
        order = order << 8 | (i < key.length ? key.data[i] : 0);
    return order;
}

static int compare(const void *a, const void *b) {
    const struct place *left = a, *right = b;
    if (left->order != right->order)
        return left->order < right->order ? -1 : 1;
    return bytes_compare(record_key(left->record), record_key(right->record));
}

void record_sort(struct record **records, size_t count) {
    if (count < 2)
        return;
    struct place few[PLACES_USUAL], *places = few;
    if (count > PLACES_USUAL)
        places = memory_allocate(count * sizeof *places);
    size_t common = common_bytes(records, count);
    for (size_t i = 0; i < count; i++)
        places[i] = (struct place){order_of(record_key(records[i]), common), records[i]};
    qsort(places, count, sizeof *places, compare);
    for (size_t i = 0; i < count; i++)
        records[i] = places[i].record;
    if (places != few)
        memory_free(places);
}
