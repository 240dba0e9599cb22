#include "slot/slot.h"
#include "base/check.h"
#include "base/error.h"

/* The remainder of a byte that `distance` more bytes follow, by the polynomial 0x1021 (CCITT, not
 * reflected), is the sum of what its bits leave: x^(16 + 8 * distance + bit). Eight such tables
 * take eight bytes in one step (Kounavis and Berry, "A systematic approach to building high
 * performance software-based CRC generators", 2005). */
#define POWERS_0           0x1021, 0x2042, 0x4084, 0x8108, 0x1231, 0x2462, 0x48c4, 0x9188
#define POWERS_1           0x3331, 0x6662, 0xccc4, 0x89a9, 0x0373, 0x06e6, 0x0dcc, 0x1b98
#define POWERS_2           0x3730, 0x6e60, 0xdcc0, 0xa9a1, 0x4363, 0x86c6, 0x1dad, 0x3b5a
#define POWERS_3           0x76b4, 0xed68, 0xcaf1, 0x85c3, 0x1ba7, 0x374e, 0x6e9c, 0xdd38
#define POWERS_4           0xaa51, 0x4483, 0x8906, 0x022d, 0x045a, 0x08b4, 0x1168, 0x22d0
#define POWERS_5           0x45a0, 0x8b40, 0x06a1, 0x0d42, 0x1a84, 0x3508, 0x6a10, 0xd420
#define POWERS_6           0xb861, 0x60e3, 0xc1c6, 0x93ad, 0x377b, 0x6ef6, 0xddec, 0xabf9
#define POWERS_7           0x47d3, 0x8fa6, 0x0f6d, 0x1eda, 0x3db4, 0x7b68, 0xf6d0, 0xfd81
#define BIT(x, bit, power) ((x) >> (bit)&1 ? (power) : 0)
#define SUM(x, p0, p1, p2, p3, p4, p5, p6, p7)                                                     \
    (BIT(x, 0, p0) ^ BIT(x, 1, p1) ^ BIT(x, 2, p2) ^ BIT(x, 3, p3) ^ BIT(x, 4, p4) ^               \
     BIT(x, 5, p5) ^ BIT(x, 6, p6) ^ BIT(x, 7, p7))
#define ROW_1(x, ...) SUM(x, __VA_ARGS__)
#define ROW_4(x, ...)                                                                              \
    ROW_1(x, __VA_ARGS__), ROW_1(x + 1, __VA_ARGS__), ROW_1(x + 2, __VA_ARGS__),                   \
        ROW_1(x + 3, __VA_ARGS__)
#define ROW_16(x, ...)                                                                             \
    ROW_4(x, __VA_ARGS__), ROW_4(x + 4, __VA_ARGS__), ROW_4(x + 8, __VA_ARGS__),                   \
        ROW_4(x + 12, __VA_ARGS__)
#define ROW_64(x, ...)                                                                             \
    ROW_16(x, __VA_ARGS__), ROW_16(x + 16, __VA_ARGS__), ROW_16(x + 32, __VA_ARGS__),              \
        ROW_16(x + 48, __VA_ARGS__)
#define TABLE(...)                                                                                 \
    {                                                                                              \
        ROW_64(0, __VA_ARGS__), ROW_64(64, __VA_ARGS__), ROW_64(128, __VA_ARGS__),                 \
            ROW_64(192, __VA_ARGS__)                                                               \
    }

static const uint16_t crc16_tables[8][256] = {TABLE(POWERS_0), TABLE(POWERS_1), TABLE(POWERS_2),
                                              TABLE(POWERS_3), TABLE(POWERS_4), TABLE(POWERS_5),
                                              TABLE(POWERS_6), TABLE(POWERS_7)};

#undef TABLE
#undef ROW_64
#undef ROW_16
#undef ROW_4
#undef ROW_1
#undef SUM
#undef BIT

uint16_t slot_crc16(struct bytes bytes) {
    uint16_t crc = 0;
    const uint8_t *at = bytes.data;
    size_t left = bytes.length;
    for (; left >= 8; left -= 8, at += 8)
        crc = (uint16_t)(crc16_tables[7][at[0] ^ crc >> 8] ^ crc16_tables[6][at[1] ^ (crc & 0xff)] ^
                         crc16_tables[5][at[2]] ^ crc16_tables[4][at[3]] ^ crc16_tables[3][at[4]] ^
                         crc16_tables[2][at[5]] ^ crc16_tables[1][at[6]] ^ crc16_tables[0][at[7]]);
    for (; left > 0; left--, at++)
        crc = (uint16_t)(crc << 8 ^ crc16_tables[0][(crc >> 8) ^ *at]);
    return crc;
}

/* The part of the key that is hashed (Redis Cluster specification, "Hash tags"). */
static struct bytes slot_hashed_part(struct bytes key) {
    const uint8_t *open = key.length ? memchr(key.data, '{', key.length) : NULL;
    if (open == NULL)
        return key;
    const uint8_t *tag = open + 1;
    const uint8_t *close = memchr(tag, '}', (size_t)(key.data + key.length - tag));
    if (close == NULL || close == tag)
        return key;
    return bytes_of(tag, (size_t)(close - tag));
}

slot_number slot_of_key(struct bytes key) {
    return slot_crc16(slot_hashed_part(key)) & (SLOT_COUNT - 1);
}

void slot_set_clear(struct slot_set *set) { memset(set, 0, sizeof *set); }

static uint64_t slot_bit(slot_number slot) { return (uint64_t)1 << (slot % 64); }

static unsigned slot_word(slot_number slot) {
    CHECK(slot < SLOT_COUNT);
    return slot / 64;
}

void slot_set_add(struct slot_set *set, slot_number slot) {
    set->words[slot_word(slot)] |= slot_bit(slot);
}

void slot_set_remove(struct slot_set *set, slot_number slot) {
    set->words[slot_word(slot)] &= ~slot_bit(slot);
}

bool slot_set_has(const struct slot_set *set, slot_number slot) {
    return (set->words[slot_word(slot)] & slot_bit(slot)) != 0;
}

unsigned slot_set_count(const struct slot_set *set) {
    unsigned count = 0;
    for (unsigned i = 0; i < SLOT_COUNT / 64; i++)
        count += (unsigned)__builtin_popcountll(set->words[i]);
    return count;
}

/* The first slot from `from` on that is in the set (or is not, if `is_member` is false); SLOT_COUNT
 * if there is none. */
static unsigned slot_set_find(const struct slot_set *set, unsigned from, bool is_member) {
    while (from < SLOT_COUNT) {
        uint64_t word = is_member ? set->words[from / 64] : ~set->words[from / 64];
        word >>= from % 64;
        if (word != 0)
            return from + (unsigned)__builtin_ctzll(word);
        from = (from / 64 + 1) * 64;
    }
    return SLOT_COUNT;
}

bool slot_set_range(const struct slot_set *set, unsigned *next, slot_number *first,
                    slot_number *last) {
    unsigned begin = slot_set_find(set, *next, true);
    if (begin == SLOT_COUNT) {
        *next = SLOT_COUNT;
        return false;
    }
    unsigned end = slot_set_find(set, begin, false);
    *first = (slot_number)begin;
    *last = (slot_number)(end - 1);
    *next = end;
    return true;
}

void slot_set_append_text(const struct slot_set *set, struct buffer *out) {
    const char *comma = "";
    unsigned next = 0;
    slot_number first, last;
    for (; slot_set_range(set, &next, &first, &last); comma = ",")
        buffer_append_format(out, first == last ? "%s%u" : "%s%u-%u", comma, first, last);
}

void slot_set_encode(const struct slot_set *set, struct buffer *out) {
    unsigned next = 0, range_count = 0;
    slot_number first, last;
    while (slot_set_range(set, &next, &first, &last))
        range_count++;
    buffer_append_varint(out, range_count);
    next = 0;
    while (slot_set_range(set, &next, &first, &last)) {
        buffer_append_u16(out, first);
        buffer_append_u16(out, last);
    }
}

int slot_set_decode(struct slot_set *set, struct cursor *in) {
    slot_set_clear(set);
    uint64_t range_count = cursor_varint(in);
    unsigned lowest =
        0; /* a range that touched the one before it would have another, shorter encoding */
    for (uint64_t i = 0; i < range_count; i++) {
        unsigned first = cursor_u16(in), last = cursor_u16(in);
        if (in->is_failed || first < lowest || first > last || last >= SLOT_COUNT)
            return ERR_MALFORMED;
        for (unsigned slot = first; slot <= last; slot++)
            slot_set_add(set, (slot_number)slot);
        lowest = last + 2;
    }
    return in->is_failed ? ERR_MALFORMED : 0;
}
