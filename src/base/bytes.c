#include "base/bytes.h"
#include "base/memory.h"

/* Inlined here, because most keys are short and the call would cost as much as the hash. */
#define XXH_INLINE_ALL
#include <xxhash.h>

int bytes_compare(struct bytes a, struct bytes b) {
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
    if (order != 0)
        return order;
    return (a.length > b.length) - (a.length < b.length);
}

bool bytes_equal_ignoring_case(struct bytes a, const char *lower) {
    for (size_t i = 0; i < a.length; i++) {
        uint8_t byte = a.data[i];
        if (byte >= 'A' && byte <= 'Z')
            byte = (uint8_t)(byte | 0x20);
        if (lower[i] == '\0' || byte != (uint8_t)lower[i])
            return false;
    }
    return lower[a.length] == '\0';
}

bool bytes_are_word(struct bytes text) {
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < '!' || text.data[i] > '~')
            return false;
    return true;
}

struct bytes bytes_take_until(struct bytes *rest, uint8_t mark) {
    const uint8_t *found = rest->length ? memchr(rest->data, mark, rest->length) : NULL;
    size_t length = found ? (size_t)(found - rest->data) : rest->length;
    struct bytes before = bytes_of(rest->data, length);
    *rest = found ? bytes_of(found + 1, rest->length - length - 1) : BYTES_NONE;
    return before;
}

char *bytes_copy_text(struct bytes text) {
    char *copy = memory_allocate(text.length + 1);
    if (text.length)
        memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    return copy;
}

uint64_t bytes_hash(struct bytes b, uint64_t seed) {
    return XXH3_64bits_withSeed(b.length ? (const void *)b.data : "", b.length, seed);
}

enum { HASHER_ALIGNMENT = 64 }; /* more than the heap promises */

struct bytes_hasher {
    XXH3_state_t *state; /* within room */
    uint8_t room[sizeof(XXH3_state_t) + HASHER_ALIGNMENT - 1];
};

struct bytes_hasher *bytes_hasher_new(uint64_t seed) {
    struct bytes_hasher *hasher = memory_allocate_zeroed(1, sizeof *hasher);
    size_t behind = (uintptr_t)hasher->room % HASHER_ALIGNMENT;
    hasher->state = (void *)(hasher->room + (behind ? HASHER_ALIGNMENT - behind : 0));
    XXH3_64bits_reset_withSeed(hasher->state, seed);
    return hasher;
}

void bytes_hasher_free(struct bytes_hasher *hasher) { memory_free(hasher); }

void bytes_hasher_add(struct bytes_hasher *hasher, struct bytes b) {
    if (b.length > 0)
        XXH3_64bits_update(hasher->state, b.data, b.length);
}

uint64_t bytes_hasher_sum(const struct bytes_hasher *hasher) {
    return XXH3_64bits_digest(hasher->state);
}
