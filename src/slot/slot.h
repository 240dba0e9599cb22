/* Slots: the 16384 hash slots of Redis Cluster. A key's slot is CRC16 (CCITT, XMODEM) of the key,
 * or of its hash tag (what stands between the first '{' and the next '}', if that is not empty),
 * modulo 16384. */
#pragma once
#include "base/buffer.h"
#include "base/cursor.h"

enum { SLOT_COUNT = 16384 };
typedef uint16_t slot_number;

slot_number slot_of_key(struct bytes key);
uint16_t slot_crc16(struct bytes bytes); /* the checksum itself, of all the bytes */

/* A set of slots: 2 KiB of bits. */
struct slot_set {
    uint64_t words[SLOT_COUNT / 64];
};

void slot_set_clear(struct slot_set *set);
void slot_set_add(struct slot_set *set, slot_number slot);
void slot_set_remove(struct slot_set *set, slot_number slot);
bool slot_set_has(const struct slot_set *set, slot_number slot);
unsigned slot_set_count(const struct slot_set *set);
/* Walks maximal ranges in ascending order: start with *next = 0; false at the end. */
bool slot_set_range(const struct slot_set *set, unsigned *next, slot_number *first,
                    slot_number *last);
/* As people read it: "0-1364,5461,5463-6826"; nothing of an empty set. */
void slot_set_append_text(const struct slot_set *set, struct buffer *out);
/* As maximal sorted ranges: varint count, then per range u16 first, u16 last. Each set has exactly
 * one encoding. */
void slot_set_encode(const struct slot_set *set, struct buffer *out);
/* ERR_MALFORMED for ranges that overlap, touch, stand out of order or reach beyond SLOT_COUNT. */
int slot_set_decode(struct slot_set *set, struct cursor *in);
