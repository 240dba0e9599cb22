/* What a hash held at one moment, to be saved bit by bit while the hash goes on changing: the hash
 * itself if it was given, a copy of a pack, and else a table that shares what does not change. */
#pragma once
#include "base/buffer.h"

/* As struct value_kind has them. */
void *hash_view_new(void *object, bool is_given, uint64_t *kept_bytes);
bool hash_view_save(void *view, size_t maximum_bytes, struct buffer *out, uint64_t *hash);
uint8_t hash_view_encoding(const void *view);
void *hash_view_end(void *view);
