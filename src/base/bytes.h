/* Bytes: a pointer with a length, borrowed. Everything that is not NUL-terminated text travels as
 * this. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t length;
};

#define BYTES_LITERAL(text) ((struct bytes){(const uint8_t *)(text), sizeof(text) - 1})
#define BYTES_NONE          ((struct bytes){NULL, 0})
/* For printf("%.*s"): the length as int and the data as char pointer. Names its argument twice, so
 * what changes something, as bytes_take_until() does, is called before (tools/tidy holds to it). */
#define BYTES_PRINT(b) (int)(b).length, (const char *)(b).data

static inline struct bytes bytes_of(const void *data, size_t length) {
    return (struct bytes){(const uint8_t *)data, length};
}
static inline struct bytes bytes_of_text(const char *text) { return bytes_of(text, strlen(text)); }
static inline bool bytes_equal(struct bytes a, struct bytes b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}
/* Lexicographic by unsigned byte, the shorter first: negative, 0 or positive. */
int bytes_compare(struct bytes a, struct bytes b);
/* ASCII letters compare without case; `lower` must be lower case already. */
bool bytes_equal_ignoring_case(struct bytes a, const char *lower);
/* Printable ASCII without blanks, every byte of it; so is nothing at all. */
bool bytes_are_word(struct bytes text);
/* Takes what stands before the first `mark`, and the mark, off the front of *rest; where there is
 * none, all of it. Borrows. */
struct bytes bytes_take_until(struct bytes *rest, uint8_t mark);
/* A copy with a NUL behind it. Returns owned. */
char *bytes_copy_text(struct bytes text);
/* A 64-bit hash (xxHash XXH3 with a seed), the same on every machine. */
uint64_t bytes_hash(struct bytes b, uint64_t seed);
/* The same, of bytes that come bit by bit. */
struct bytes_hasher;
struct bytes_hasher *bytes_hasher_new(uint64_t seed); /* returns owned */
void bytes_hasher_free(struct bytes_hasher *hasher);  /* NULL is allowed */
void bytes_hasher_add(struct bytes_hasher *hasher, struct bytes b);
uint64_t bytes_hasher_sum(const struct bytes_hasher *hasher); /* of all that came so far */
