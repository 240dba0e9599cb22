#include "slot/slot.h"
#include "base/check.h"
#include "base/error.h"

/* Remainders of every byte by the polynomial 0x1021 (CCITT), not reflected. */
static const uint16_t crc16_table[256] = {
    /* clang-format off */
    0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b,
    0xc18c, 0xd1ad, 0xe1ce, 0xf1ef, 0x1231, 0x0210, 0x3273, 0x2252, 0x52b5, 0x4294, 0x72f7, 0x62d6,
    0x9339, 0x8318, 0xb37b, 0xa35a, 0xd3bd, 0xc39c, 0xf3ff, 0xe3de, 0x2462, 0x3443, 0x0420, 0x1401,
    0x64e6, 0x74c7, 0x44a4, 0x5485, 0xa56a, 0xb54b, 0x8528, 0x9509, 0xe5ee, 0xf5cf, 0xc5ac, 0xd58d,
    0x3653, 0x2672, 0x1611, 0x0630, 0x76d7, 0x66f6, 0x5695, 0x46b4, 0xb75b, 0xa77a, 0x9719, 0x8738,
    0xf7df, 0xe7fe, 0xd79d, 0xc7bc, 0x48c4, 0x58e5, 0x6886, 0x78a7, 0x0840, 0x1861, 0x2802, 0x3823,
    0xc9cc, 0xd9ed, 0xe98e, 0xf9af, 0x8948, 0x9969, 0xa90a, 0xb92b, 0x5af5, 0x4ad4, 0x7ab7, 0x6a96,
    0x1a71, 0x0a50, 0x3a33, 0x2a12, 0xdbfd, 0xcbdc, 0xfbbf, 0xeb9e, 0x9b79, 0x8b58, 0xbb3b, 0xab1a,
    0x6ca6, 0x7c87, 0x4ce4, 0x5cc5, 0x2c22, 0x3c03, 0x0c60, 0x1c41, 0xedae, 0xfd8f, 0xcdec, 0xddcd,
    0xad2a, 0xbd0b, 0x8d68, 0x9d49, 0x7e97, 0x6eb6, 0x5ed5, 0x4ef4, 0x3e13, 0x2e32, 0x1e51, 0x0e70,
    0xff9f, 0xefbe, 0xdfdd, 0xcffc, 0xbf1b, 0xaf3a, 0x9f59, 0x8f78, 0x9188, 0x81a9, 0xb1ca, 0xa1eb,
    0xd10c, 0xc12d, 0xf14e, 0xe16f, 0x1080, 0x00a1, 0x30c2, 0x20e3, 0x5004, 0x4025, 0x7046, 0x6067,
    0x83b9, 0x9398, 0xa3fb, 0xb3da, 0xc33d, 0xd31c, 0xe37f, 0xf35e, 0x02b1, 0x1290, 0x22f3, 0x32d2,
    0x4235, 0x5214, 0x6277, 0x7256, 0xb5ea, 0xa5cb, 0x95a8, 0x8589, 0xf56e, 0xe54f, 0xd52c, 0xc50d,
    0x34e2, 0x24c3, 0x14a0, 0x0481, 0x7466, 0x6447, 0x5424, 0x4405, 0xa7db, 0xb7fa, 0x8799, 0x97b8,
    0xe75f, 0xf77e, 0xc71d, 0xd73c, 0x26d3, 0x36f2, 0x0691, 0x16b0, 0x6657, 0x7676, 0x4615, 0x5634,
    0xd94c, 0xc96d, 0xf90e, 0xe92f, 0x99c8, 0x89e9, 0xb98a, 0xa9ab, 0x5844, 0x4865, 0x7806, 0x6827,
    0x18c0, 0x08e1, 0x3882, 0x28a3, 0xcb7d, 0xdb5c, 0xeb3f, 0xfb1e, 0x8bf9, 0x9bd8, 0xabbb, 0xbb9a,
    0x4a75, 0x5a54, 0x6a37, 0x7a16, 0x0af1, 0x1ad0, 0x2ab3, 0x3a92, 0xfd2e, 0xed0f, 0xdd6c, 0xcd4d,
    0xbdaa, 0xad8b, 0x9de8, 0x8dc9, 0x7c26, 0x6c07, 0x5c64, 0x4c45, 0x3ca2, 0x2c83, 0x1ce0, 0x0cc1,
    0xef1f, 0xff3e, 0xcf5d, 0xdf7c, 0xaf9b, 0xbfba, 0x8fd9, 0x9ff8, 0x6e17, 0x7e36, 0x4e55, 0x5e74,
    0x2e93, 0x3eb2, 0x0ed1, 0x1ef0,
    /* clang-format on */
};

uint16_t slot_crc16(struct bytes bytes) {
    uint16_t crc = 0;
    for (size_t i = 0; i < bytes.length; i++)
        crc = (uint16_t)((crc << 8) ^ crc16_table[(crc >> 8) ^ bytes.data[i]]);
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
