/* A string that is too long for its record: in pieces, which several strings may share.
 *
 *      one string ---> | piece | piece |   -   | piece |    -: zeros, to which nobody has written
 *      a copy of it -> |   '   |  own  |   -   |   '   |
 *
 * A piece counts the strings that hold it, and one that several hold is never changed: whoever
 * wants to writes to a copy. So a copy of a string costs a pointer a piece, a change no more than
 * the pieces it is in, and what is added at the end moves nothing. It never becomes shorter. */
#pragma once
#include "base/bytes.h"

struct long_string;

enum { LONG_STRING_PIECE_BYTES = 64 * 1024 };

struct long_string *long_string_new(size_t length); /* returns owned: all zeros */
void long_string_free(struct long_string *string);  /* takes; NULL is allowed */
/* Frees pieces, each counted as LONG_STRING_PIECE_ELEMENTS in *elements, until that is 0. True: the
 * string is gone; else nothing but this may be called. A first call with 0 leaves it as it is, but
 * its view knows. */
enum { LONG_STRING_PIECE_ELEMENTS = 32 };
bool long_string_free_some(struct long_string *string, size_t *elements);
struct long_string *long_string_share(const struct long_string *string); /* returns owned: a copy */
size_t long_string_length(const struct long_string *string);
/* As if it shared nothing, and nothing were zeros that are not there. */
size_t long_string_memory_bytes(const struct long_string *string);
/* What stands in one piece from `offset` on, at most `maximum` bytes. Borrows; good until the
 * string is changed. */
struct bytes long_string_piece(const struct long_string *string, size_t offset, size_t maximum);
/* The bytes from `offset` on, as many as there is room for. */
void long_string_read(const struct long_string *string, size_t offset, uint8_t *room,
                      size_t length);
/* Zeros follow. No less than it has. */
void long_string_extend(struct long_string *string, size_t length);
/* Over what is there, all of it within its length. */
void long_string_write(struct long_string *string, size_t offset, struct bytes bytes);
uint64_t long_string_hash(const struct long_string *string, uint64_t seed); /* bytes_hash() of it */

/* What it holds now, which is a string by itself, while it goes on changing. One at a time. The
 * string may be freed before it. `is_given`: it takes the string. What is held for the view only is
 * counted in *kept_bytes, which stays until its end. Returns owned. */
struct long_string *long_string_view(struct long_string *string, bool is_given,
                                     uint64_t *kept_bytes);
/* Takes the view. Returns it as a string, owned. */
struct long_string *long_string_end_view(struct long_string *view);
