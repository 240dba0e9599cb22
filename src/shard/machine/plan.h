/* Into which chunks a snapshot is cut: ranges of slots that are halved again and again until they
 * are small enough, so that two replicas of like size cut alike, and a range keeps its bounds until
 * it is twice as large, or half as large, as it should be.
 *
 *      0 ............................................ 16383
 *      0 ................... 8191  8192 ............. 16383
 *      0 .... 4095  4096 ... 8191  ...
 *
 * A single slot that holds more than that is divided into parts by a hash of the keys
 * (slot/part_set.h), a chunk each, of which those are written again in which a key changed. Their
 * number stays as well until they are twice as large or a quarter as large as they should be. What
 * turns out larger than it was taken for, as it is saved, is several chunks of the same slot or
 * part. */
#pragma once
#include "shard/machine/machine.h"
#include "store/snapshot/manifest.h"

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
    bool may_split;     /* long strings, into pieces */
};

struct plan_options {
    uint64_t chunk_bytes; /* how large a chunk is at most, about */
    bool may_divide;      /* slots into parts that the manifest names */
    bool may_split;       /* long strings into pieces */
};

/* `base` is the snapshot before it, since whose index what is in `changed` was touched; NULL: there
 * is none. */
void plan_init(struct plan *plan, struct machine *machine, const struct snapshot_manifest *base,
               const struct part_set *changed, const struct plan_options *options);
void plan_release(struct plan *plan);
/* Begins a cut of the machine: of what is not old. */
void plan_cut(const struct plan *plan, struct machine *machine);
/* How much of a single slot, or of a part of it, is enough for a chunk; SIZE_MAX: all there is. */
size_t plan_enough_bytes(const struct plan *plan, uint32_t chunk);
/* What this chunk holds is more than one: another of the same slot or part follows it. */
void plan_go_on(struct plan *plan, uint32_t chunk);
/* Nothing was there for this one but, perhaps, the hash of a key whose bytes are in the chunk
 * before it, of the same slot or part: it goes. */
void plan_drop(struct plan *plan, uint32_t chunk);

/* ---- of the chunks of a plan or a manifest ---- */

/* The part of a slot that it is of; of a range, its first slot. */
struct slot_part plan_part_of(const struct snapshot_chunk *chunk);
bool plan_is_changed(const struct snapshot_chunk *chunk, const struct part_set *changed);
void plan_note_changed(const struct snapshot_chunk *chunk, struct part_set *changed);
/* From now on changes are noted by the parts that these have. The set is empty. */
void plan_divide(const struct snapshot_chunk *chunks, uint32_t chunk_count,
                 struct part_set *changed);
