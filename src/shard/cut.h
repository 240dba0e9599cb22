/* A shard's state as of one index, saved chunk by chunk, some bytes a turn, while the shard goes
 * on. The machine keeps what changes meanwhile (keyspace_cut.h), so the state is that of one
 * moment, no fork is needed, and no turn pays for more than its share. */
#pragma once
#include "shard/plan.h"

struct cut;

/* Begins one of all slots of chunks that are not old. Borrows the machine, which stays until the
 * cut is freed; what the watch has noted as changed is cleared. */
struct cut *cut_new(struct machine *machine, struct slot_watch *watch, const struct plan *plan);
/* Gives up what is not saved yet; NULL is allowed. */
void cut_free(struct cut *cut);
/* Saves up to about so many bytes of a chunk that is not old, parts of which may be of part_bytes.
 * Unless it is only some: *raw is what the chunk, or this part of it, holds, owned by the caller
 * (initialised by it), and its state hash is filled in. Behind parts *raw may be empty at the end.
 */
enum cut_saved cut_save(struct cut *cut, struct snapshot_chunk *chunk, size_t bytes,
                        size_t part_bytes, struct buffer *raw);
