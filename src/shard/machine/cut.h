/* A shard's state as of one index, saved chunk by chunk, some bytes a turn, while the shard goes
 * on. The machine keeps what changes meanwhile (keyspace_cut.h), so the state is that of one
 * moment, no fork is needed, and no turn pays for more than its share. */
#pragma once
#include "shard/machine/plan.h"

struct cut;

/* Begins one of all that is in chunks that are not old. Borrows the machine, which stays until the
 * cut is freed. What the watch has noted as changed is cleared; from now on it notes by the plan's
 * parts. */
struct cut *cut_new(struct machine *machine, struct slot_watch *watch, const struct plan *plan);
/* Gives up what is not saved yet; NULL is allowed. True: the machine has more to give up, and no
 * other cut of it begins before its end_cut() has said that this is done. */
bool cut_free(struct cut *cut) MUST_CHECK;
/* Saves up to about so many bytes of a chunk that is not old and for which enough_bytes are enough.
 * Unless it is only some: *raw is what the chunk holds, owned by the caller (initialised by it),
 * and its state hash is filled in. *raw may be empty: of a part without keys, or at the end of what
 * goes on over several chunks. */
enum cut_saved cut_save(struct cut *cut, struct snapshot_chunk *chunk, size_t bytes,
                        size_t enough_bytes, struct buffer *raw);
