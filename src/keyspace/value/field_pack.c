#include "keyspace/value/field_pack.h"
#include "base/check.h"
#include "base/memory.h"
#include "keyspace/value/memory_class.h"

struct field_pack {
    uint32_t length_bytes; /* of the pairs */
    uint16_t count;
    uint8_t pairs[];
};

enum { FIELD_PAIR_HEADER_BYTES = 2 };

static size_t pack_block_bytes(size_t length_bytes) {
    return offsetof(struct field_pack, pairs) + length_bytes;
}

static struct bytes pair_field(const uint8_t *pair) {
    return bytes_of(pair + FIELD_PAIR_HEADER_BYTES, pair[0]);
}

static struct bytes pair_value(const uint8_t *pair) {
    return bytes_of(pair + FIELD_PAIR_HEADER_BYTES + pair[0], pair[1]);
}

static size_t pair_bytes(const uint8_t *pair) {
    return FIELD_PAIR_HEADER_BYTES + (size_t)pair[0] + pair[1];
}

void field_pack_free(struct field_pack *pack) { memory_free(pack); }

struct field_pack *field_pack_copy(const struct field_pack *pack) {
    return pack == NULL ? NULL : memory_copy(pack, pack_block_bytes(pack->length_bytes));
}

size_t field_pack_count(const struct field_pack *pack) { return pack == NULL ? 0 : pack->count; }

size_t field_pack_memory_bytes(const struct field_pack *pack) {
    return pack == NULL ? 0 : memory_class(pack_block_bytes(pack->length_bytes));
}

/* Where the pair begins among the pairs, or their length if it is absent. */
static size_t pack_find(const struct field_pack *pack, struct bytes field) {
    size_t at = 0;
    while (at < pack->length_bytes && !bytes_equal(pair_field(pack->pairs + at), field))
        at += pair_bytes(pack->pairs + at);
    return at;
}

bool field_pack_get(const struct field_pack *pack, struct bytes field, struct bytes *value) {
    if (pack == NULL)
        return false;
    size_t at = pack_find(pack, field);
    if (at == pack->length_bytes)
        return false;
    *value = pair_value(pack->pairs + at);
    return true;
}

bool field_pack_next(const struct field_pack *pack, size_t *position, struct bytes *field,
                     struct bytes *value) {
    if (pack == NULL || *position >= pack->length_bytes)
        return false;
    const uint8_t *pair = pack->pairs + *position;
    *field = pair_field(pair);
    *value = pair_value(pair);
    *position += pair_bytes(pair);
    return true;
}

/* Makes the `before` bytes at `at` into `after` bytes, moving what follows. */
static struct field_pack *pack_splice(struct field_pack *pack, size_t at, size_t before,
                                      size_t after) {
    size_t length = pack->length_bytes, tail = length - at - before;
    if (after > before)
        pack = memory_resize(pack, pack_block_bytes(length + after - before));
    memmove(pack->pairs + at + after, pack->pairs + at + before, tail);
    if (after < before)
        pack = memory_resize(pack, pack_block_bytes(length + after - before));
    pack->length_bytes = (uint32_t)(length + after - before);
    return pack;
}

bool field_pack_set(struct field_pack **pack, struct bytes field, struct bytes value) {
    CHECK(field.length <= FIELD_PACK_LONGEST_BYTES);
    CHECK(value.length <= FIELD_PACK_LONGEST_BYTES);
    if (*pack == NULL)
        *pack = memory_allocate_zeroed(1, pack_block_bytes(0));
    size_t at = pack_find(*pack, field);
    bool is_new = at == (*pack)->length_bytes;
    size_t before = is_new ? 0 : pair_bytes((*pack)->pairs + at);
    size_t after = FIELD_PAIR_HEADER_BYTES + field.length + value.length;
    if (before != after)
        *pack = pack_splice(*pack, at, before, after);
    uint8_t *pair = (*pack)->pairs + at;
    pair[0] = (uint8_t)field.length;
    pair[1] = (uint8_t)value.length;
    pair += FIELD_PAIR_HEADER_BYTES;
    if (is_new && field.length > 0)
        memcpy(pair, field.data, field.length);
    if (value.length > 0)
        memcpy(pair + field.length, value.data, value.length);
    if (is_new)
        (*pack)->count++;
    CHECK((*pack)->count <= FIELD_PACK_COUNT_MAXIMUM);
    return is_new;
}

bool field_pack_remove(struct field_pack **pack, struct bytes field) {
    if (*pack == NULL)
        return false;
    size_t at = pack_find(*pack, field);
    if (at == (*pack)->length_bytes)
        return false;
    (*pack)->count--;
    *pack = pack_splice(*pack, at, pair_bytes((*pack)->pairs + at), 0);
    return true;
}
