/* Into which chunks a snapshot is cut: ranges of slots that are halved again and again until they
 * are small enough, so that two replicas of like size cut alike, and a range keeps its bounds until
 * it is twice as large, or half as large, as it should be.
 *
 *      0 ............................................ 16383
 *      0 ................... 8191  8192 ............. 16383
 *      0 .... 4095  4096 ... 8191  ...
 *
 * A single slot that holds more than that is cut into parts as it is saved: chunks of the same
 * slot, one behind the other. */
#pragma once
#include "shard/machine.h"
#include "store/snapshot_manifest.h"

enum {
    PLAN_CHUNK_HALVINGS = 4, /* a small shard's chunks may be so many times half as large */
    PLAN_CHUNKS_WANTED = 64, /* so that what is lost of a broken transfer is a small part */
    PLAN_PARTS_MAXIMUM = SNAPSHOT_CHUNK_COUNT_MAXIMUM / 4, /* beside the slots, about */
};

struct plan {
    struct snapshot_chunk *chunks; /* owned; of new ones only the slots are filled in */
    bool *is_old;                  /* owned: this chunk is the base's, unchanged */
    uint32_t chunk_count, capacity;
    uint64_t new_bytes; /* of what is not old, as it stands in memory, about */
    size_t part_bytes;  /* of a part of a slot, about */
};

/* `chunk_bytes` is how large a chunk is at most, about. `base` is the snapshot before it, since
 * whose index the slots in `changed` were touched; NULL: there is none. */
void plan_init(struct plan *plan, struct machine *machine, const struct snapshot_manifest *base,
               const struct slot_set *changed, uint64_t chunk_bytes);
void plan_release(struct plan *plan);
/* How large a part of this chunk may be; SIZE_MAX: it has none. */
size_t plan_part_bytes(const struct plan *plan, uint32_t chunk);
/* What this chunk holds is more than one: another of the same slot follows it. */
void plan_add_part(struct plan *plan, uint32_t chunk);
/* Nothing was left for this one but, perhaps, the hash of a key whose bytes are in the part before
 * it: it goes, and that part is the last. */
void plan_end_parts(struct plan *plan, uint32_t chunk);
bool plan_is_changed(const struct snapshot_chunk *chunk, const struct slot_set *changed);
