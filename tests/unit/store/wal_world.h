/* A log on a fake disk, and a model of what it must hold: every append is noted here as well, and a
 * replay is compared with what the model says of the first so many appends. */
#pragma once
#include "fake_disk.h"
#include "store/record/format.h"
#include "store/recovery/verify.h"
#include "store/wal/wal.h"

enum {
    WORLD_SHARDS = 3,
    WORLD_INDEXES = 512,
    WORLD_APPENDS = 4096,
    WORLD_SEGMENT_BYTES = 1024,
    WORLD_SPARES = 2,
    WORLD_LENDS_EVERY = 3,
    WORLD_ENTRY_TERM = 3 /* of all entries: repairs ask for it */
};

/* What a shard's log amounts to. */
struct world_shard {
    uint64_t term, snapshot_index, snapshot_term;
    uint32_t vote;
    uint64_t last_index;
    uint64_t floor_index, floor_term; /* told by a replay only */
    uint64_t covered_index;           /* told by a replay only, before the first record */
    uint32_t entries[WORLD_INDEXES];  /* by index: the id of the entry that stands there, 0: none */
};

struct world_log {
    struct world_shard shards[WORLD_SHARDS];
    unsigned replayed;
};

struct world_append {
    enum { WORLD_ENTRY, WORLD_TRUNCATE, WORLD_STATE, WORLD_SNAPSHOT } kind;
    uint32_t shard;
    uint64_t index, term;
    uint32_t id, vote;
};

struct world {
    struct fake_disk fake;
    struct wal *wal;
    uint64_t segment_bytes;
    unsigned spare_count;
    bool has_digests;
    bool has_repairer, has_peers; /* damage is repaired, if entries may be lost here */
    uint64_t reserve_bytes;
    unsigned lends_every; /* of so many entries one is lent to the log; 0: none is */
    unsigned lent_count;  /* and not given back yet */
    struct clock clock;
    uint64_t now_us;
    struct world_append
        appends[WORLD_APPENDS];       /* by sequence, from 1 on, over all lives of the log */
    size_t append_count, life_begins; /* appends before this life of the log */
    uint64_t durable;                 /* as reported, counted over all lives */
    uint64_t released[WORLD_SHARDS];
    unsigned failures;
    int failed_with;
    struct world_log log; /* what the last replay said */
    struct wal_problem problem;
};

void world_init(struct world *world);
void world_release(struct world *world);
struct world *world_new(void);    /* returns owned; its log is not open yet */
struct world *world_opened(void); /* the same, and it is */
/* Not open yet: damage will be repaired from digests, for there are peers. */
struct world *world_repairing(uint64_t segment_bytes);
void world_free(struct world *world);
/* wal_open, the replay going to world->log. */
int world_open(struct world *world);
void world_close(struct world *world);
/* Closes the log and opens it again, which must be possible. */
void world_restart(struct world *world);
/* Of a log that is closed: opens it and closes it again. */
int world_recover(struct world *world);

void world_entry(struct world *world, uint32_t shard, uint64_t index, size_t bytes);
void world_truncate(struct world *world, uint32_t shard, uint64_t from_index);
void world_state(struct world *world, uint32_t shard, uint64_t term, uint32_t vote);
void world_snapshot(struct world *world, uint32_t shard, uint64_t index, uint64_t term);
void world_flush(struct world *world); /* and runs everything */
/* A round begins, and the disk has yet to write it. */
void world_begin_round(struct world *world);
/* The disk writes the round that runs, and no more; false if none does. */
bool world_end_round(struct world *world);
/* Entries of that many bytes, each of which is a round. */
void world_entries(struct world *world, uint32_t shard, uint64_t first, uint64_t last,
                   size_t bytes);
/* Sixty states and sixty entries of growing lengths, of all shards by turns, seven of each a round:
 * more than many segments hold. */
enum { WORLD_MEDLEY_APPENDS = 120 };
void world_medley(struct world *world);
/* A snapshot covers the entries up to there, and once that is durable they are let go. */
void world_let_go(struct world *world, uint32_t shard, uint64_t index, uint64_t term);
struct wal_statistics world_statistics(const struct world *world);

/* A closed log. Three rounds in the first segment, which is then too full for the next; three in
 * the second. The last round holds two records of that many bytes together. */
struct world *world_small_log(void);
/* The same, but for one vote in its first segment. */
struct world *world_small_log_with_vote(uint32_t vote);
enum {
    SMALL_LOG_APPENDS = 9,
    SMALL_LOG_LAST_APPENDS = 2, /* in the last round */
    SMALL_LOG_LAST_ROUND_BYTES = (WAL_HEADER_BYTES + 96) * SMALL_LOG_LAST_APPENDS
};

/* The bytes of a segment, to look at or to spoil; NULL if there is none. */
struct fake_file *world_segment(struct world *world, uint64_t segment);
/* Its length up to the last byte that is not zero, to the next record's place. */
size_t world_used_bytes(const struct fake_file *file);
/* wal_verify(). Returns how much is bad. */
uint64_t world_verify(struct world *world, struct wal_verification *result);

/* Applies one append to a model. */
void world_log_apply(struct world_log *log, const struct world_append *append);
/* Is the replay what the first `count` appends amount to, entries up to released[] aside? */
bool world_log_is(const struct world *world, size_t count);
