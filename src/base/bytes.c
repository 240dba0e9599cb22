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
