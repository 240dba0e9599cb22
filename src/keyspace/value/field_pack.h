/* A few short fields with their values in one allocation, in order of insertion:
 *
 *      | bytes 4 | count 2 | field length 1 | value length 1 | field ... | value ... | next pair
 * ...
 *
 * Searched from the front. Field and value are at most FIELD_PACK_LONGEST_BYTES each, a pack holds
 * at most FIELD_PACK_COUNT_MAXIMUM pairs: Redis's hash-max-listpack-value and
 * hash-max-listpack-entries. A pack moves when it changes; NULL is the empty pack. */
#pragma once
#include "base/bytes.h"

struct field_pack;

enum { FIELD_PACK_COUNT_MAXIMUM = 512, FIELD_PACK_LONGEST_BYTES = 64 };

void field_pack_free(struct field_pack *pack);                     /* takes */
struct field_pack *field_pack_copy(const struct field_pack *pack); /* returns owned */
size_t field_pack_count(const struct field_pack *pack);
size_t field_pack_memory_bytes(const struct field_pack *pack);
/* Borrows; good until the pack changes. */
bool field_pack_get(const struct field_pack *pack, struct bytes field, struct bytes *value);
/* The next pair at *position (0 begins); false at the end. */
bool field_pack_next(const struct field_pack *pack, size_t *position, struct bytes *field,
                     struct bytes *value);
/* Adds at the end, or gives the field its new value in its place; true if it was added. The
 * arguments may not stand inside the pack. */
bool field_pack_set(struct field_pack **pack, struct bytes field, struct bytes value);
/* False if it was absent. */
bool field_pack_remove(struct field_pack **pack, struct bytes field);
