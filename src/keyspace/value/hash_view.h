/* What a hash held at one moment, to be saved bit by bit while the hash goes on changing: a copy of
 * it if it is small, the hash itself if it was given, and else its table, shared, with a cut. */
#pragma once
#include "base/buffer.h"

enum { HASH_VIEW_COPY_BYTES = 64 * 1024 };

/* As struct value_kind has them. */
void *hash_view_new(void *object, bool is_given, uint64_t *kept_bytes);
bool hash_view_save(void *view, size_t maximum_bytes, struct buffer *out, uint64_t *hash);
uint8_t hash_view_encoding(const void *view);
void *hash_view_end(void *view);
