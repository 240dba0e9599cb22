/* What the allocator knows of the memory that is in use, if it is jemalloc. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

enum { HEAP_TEXT_MAXIMUM_BYTES = 32 << 20 };

/* Appends jemalloc's own statistics, text. ERR_NOT_FOUND: this program runs on another allocator.
 */
int heap_write_statistics(struct buffer *out) MUST_CHECK;
/* Gives the kernel what this thread, and all, freed but the allocator keeps for the next time. */
void heap_give_back(void);
/* Appends a heap profile in pprof's format: what was sampled and is still in use, by where it was
 * allocated. ERR_REFUSED where the process was not started with MALLOC_CONF=prof:true;
 * ERR_NOT_FOUND as above; ERR_IO, ERR_LIMIT. */
int heap_write_profile(struct buffer *out) MUST_CHECK;

/* Turns what jemalloc dumps ("heap_v2") into a profile. ERR_MALFORMED. */
int heap_profile_convert(struct bytes dump, uint64_t now_ns, struct buffer *out) MUST_CHECK;
