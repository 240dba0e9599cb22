/* A shard's state as of one index, saved chunk by chunk while the shard goes on: before a slot that
 * is still awaited changes for the first time, what it holds is kept aside.
 *
 *      slots    saved | saved | kept | awaited | kept | awaited | ...
 *                              ^ the walk, some bytes a turn
 *
 * So the state is that of one moment, no fork is needed, and no turn pays for more than its share.
 * What is kept aside is bounded by what the slots held: it is given back as the walk passes. */
#pragma once
#include "shard/plan.h"

struct cut;

/* Begins one: all slots of chunks that are not old are awaited. Borrows machine, watch and plan,
 * which stay until it is freed; what the watch has noted as changed is cleared. */
struct cut *cut_new(struct machine *machine, struct slot_watch *watch, const struct plan *plan);
/* Gives up what is still awaited; NULL is allowed. */
void cut_free(struct cut *cut);
/* Saves up to about so many bytes of a chunk that is not old. True once it is whole: then *raw is
 * what it holds, owned by the caller (initialised by it), and its state hash is filled in. */
bool cut_save(struct cut *cut, struct snapshot_chunk *chunk, size_t bytes, struct buffer *raw);
uint64_t cut_kept_bytes(const struct cut *cut);
