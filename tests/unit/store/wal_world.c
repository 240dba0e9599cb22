#include "wal_world.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/memory.h"
#include "base/planted.h"
#include <stdio.h>

static uint64_t world_now_us(struct clock *clock) {
    return ((struct world *)(void *)((char *)clock - offsetof(struct world, clock)))->now_us;
}

void world_init(struct world *world) {
    memset(world, 0, sizeof *world);
    world->clock.monotonic_us = world_now_us;
    fake_disk_init(&world->fake);
    world->segment_bytes = WORLD_SEGMENT_BYTES;
    world->spare_count = WORLD_SPARES;
    world->lends_every = WORLD_LENDS_EVERY;
}

void world_release(struct world *world) {
    if (world->wal)
        world_close(world);
    fake_disk_release(&world->fake);
}

struct world *world_new(void) {
    struct world *world = memory_allocate(sizeof *world);
    world_init(world);
    return world;
}

struct world *world_opened(void) {
    struct world *world = world_new();
    int status = world_open(world);
    CHECK(status == 0);
    return world;
}

struct world *world_repairing(uint64_t segment_bytes) {
    struct world *world = world_new();
    world->segment_bytes = segment_bytes;
    world->has_digests = world->has_repairer = world->has_peers = true;
    return world;
}

void world_free(struct world *world) {
    world_release(world);
    memory_free(world);
}

/* ---- the model ---- */

void world_log_apply(struct world_log *log, const struct world_append *append) {
    struct world_shard *shard = &log->shards[append->shard];
    log->replayed++;
    switch (append->kind) {
    case WORLD_ENTRY:
        CHECK(append->index < WORLD_INDEXES);
        shard->entries[append->index] = append->id;
        if (append->index > shard->last_index)
            shard->last_index = append->index;
        return;
    case WORLD_TRUNCATE:
        for (uint64_t i = append->index; i <= shard->last_index; i++)
            shard->entries[i] = 0;
        shard->last_index = append->index - 1;
        return;
    case WORLD_STATE:
        shard->term = append->term;
        shard->vote = append->vote;
        return;
    case WORLD_SNAPSHOT:
        shard->snapshot_index = append->index;
        shard->snapshot_term = append->term;
        return;
    }
}

static bool shard_is(const struct world_shard *a, const struct world_shard *b, uint64_t released) {
    if (a->term != b->term || a->vote != b->vote || a->snapshot_index != b->snapshot_index ||
        a->snapshot_term != b->snapshot_term)
        return false;
    for (uint64_t i = released + 1; i < WORLD_INDEXES; i++)
        if (a->entries[i] != b->entries[i])
            return false;
    return true;
}

bool world_log_is(const struct world *world, size_t count) {
    struct world_log *expected = memory_allocate_zeroed(1, sizeof *expected);
    for (size_t i = 1; i <= count; i++)
        world_log_apply(expected, &world->appends[i]);
    bool is_equal = true;
    for (size_t i = 0; i < WORLD_SHARDS; i++)
        is_equal =
            is_equal && shard_is(&expected->shards[i], &world->log.shards[i], world->released[i]);
    memory_free(expected);
    return is_equal;
}

/* ---- the replay ---- */

static void on_covered(void *context, uint32_t shard, uint64_t index) {
    struct world_log *log = context;
    CHECK(log->shards[shard].last_index == 0);
    log->shards[shard].covered_index = index;
}

static int on_entry(void *context, uint32_t shard, struct bytes entry) {
    struct world_append append = {.kind = WORLD_ENTRY, .shard = shard};
    CHECK(entry.length >= 12);
    memcpy(&append.id, entry.data, 4);
    memcpy(&append.index, entry.data + 4, 8);
    for (size_t i = 12; i < entry.length; i++)
        CHECK(entry.data[i] == (uint8_t)(append.id + i));
    world_log_apply(context, &append);
    return 0;
}

static int on_truncate(void *context, uint32_t shard, uint64_t from_index) {
    world_log_apply(context, &(struct world_append){
                                 .kind = WORLD_TRUNCATE, .shard = shard, .index = from_index});
    return 0;
}

static int on_state(void *context, uint32_t shard, uint64_t term, uint32_t vote) {
    world_log_apply(context, &(struct world_append){
                                 .kind = WORLD_STATE, .shard = shard, .term = term, .vote = vote});
    return 0;
}

static int on_snapshot(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    world_log_apply(context,
                    &(struct world_append){
                        .kind = WORLD_SNAPSHOT, .shard = shard, .index = index, .term = term});
    return 0;
}

static int on_floor(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    struct world_log *log = context;
    log->shards[shard].floor_index = index;
    log->shards[shard].floor_term = term;
    return 0;
}

/* ---- repairs ---- */

static bool may_lose(void *context, uint32_t shard) {
    (void)shard;
    return ((struct world *)context)->has_peers;
}
static uint64_t entry_term(struct bytes entry) {
    (void)entry;
    return WORLD_ENTRY_TERM;
}
static void restart(void *context) {
    struct world *world = context;
    memset(&world->log, 0, sizeof world->log);
}

static void on_durable(void *context, uint64_t sequence) {
    struct world *world = context;
    CHECK(world->failures == 0);
    CHECK(world->life_begins + sequence > world->durable);
    CHECK(world->life_begins + sequence <= world->append_count);
    world->durable = world->life_begins + sequence;
}

static void on_failure(void *context, int error, const char *what) {
    struct world *world = context;
    CHECK(what != NULL);
    world->failures++;
    world->failed_with = error;
}

int world_open(struct world *world) {
    struct wal_repairer repairer = {
        .may_lose = may_lose, .entry_term = entry_term, .restart = restart, .context = world};
    struct wal_options options = {.disk = &world->fake.disk,
                                  .has_digests = world->has_digests,
                                  .repairer = world->has_repairer ? &repairer : NULL,
                                  .tuning = {.segment_bytes = world->segment_bytes,
                                             .round_bytes = 8 << 20,
                                             .spare_count = world->spare_count,
                                             .reserve_bytes = world->reserve_bytes},
                                  .clock = &world->clock,
                                  .seed = world->append_count + 1,
                                  .on_durable = on_durable,
                                  .on_failure = on_failure,
                                  .context = world};
    struct wal_visitor visitor = {.covered = on_covered,
                                  .entry = on_entry,
                                  .truncate = on_truncate,
                                  .state = on_state,
                                  .snapshot = on_snapshot,
                                  .floor = on_floor,
                                  .context = &world->log};
    memset(&world->log, 0, sizeof world->log);
    world->failures = 0;
    world->life_begins = world->append_count;
    int status = wal_open(&options, &visitor, &world->wal, &world->problem);
    for (size_t i = 0; i < WORLD_SHARDS && !status && !PLANTED(LOG_CUT_AT_BAD_CHECKSUM); i++)
        CHECK(world->log.shards[i].covered_index <= world->log.shards[i].snapshot_index);
    return status;
}

void world_close(struct world *world) {
    wal_free(world->wal);
    CHECK(world->lent_count == 0);
    world->wal = NULL;
}

void world_restart(struct world *world) {
    world_close(world);
    int status = world_open(world);
    if (status)
        fprintf(stderr, "%s\n", world->problem.text);
    CHECK(status == 0);
}

int world_recover(struct world *world) {
    size_t appended = world->append_count;
    int status = world_open(world);
    if (status == 0)
        world_close(world);
    world->append_count = appended;
    return status;
}

/* ---- appending ---- */

static void world_note(struct world *world, struct world_append append, uint64_t sequence) {
    CHECK(world->append_count + 1 < WORLD_APPENDS);
    world->appends[++world->append_count] = append;
    CHECK(world->life_begins + sequence == world->append_count);
}

/* Memory of its own, so that whoever looks at it too late is found out. */
struct lent_memory {
    struct world *world;
    uint8_t bytes[];
};

static void give_back(void *owner) {
    struct lent_memory *memory = owner;
    memory->world->lent_count--;
    memory_free(memory);
}

/* All but the first bytes, now more of them and now fewer. */
static uint64_t lend(struct world *world, uint32_t shard, uint64_t index, struct bytes entry) {
    size_t front_bytes = entry.data[0] % entry.length, rest_bytes = entry.length - front_bytes;
    struct lent_memory *memory = memory_allocate(sizeof *memory + rest_bytes);
    memory->world = world;
    memcpy(memory->bytes, entry.data + front_bytes, rest_bytes);
    struct bytes rest = bytes_of(memory->bytes, rest_bytes);
    const struct wal_lent lent = {
        .bytes = rest, .crc32c = checksum_crc32c(0, rest), .give_back = give_back, .owner = memory};
    world->lent_count++;
    return wal_append_lent_entry(world->wal, shard, index, bytes_of(entry.data, front_bytes),
                                 &lent);
}

void world_entry(struct world *world, uint32_t shard, uint64_t index, size_t bytes) {
    uint8_t entry[8192];
    uint32_t id = (uint32_t)world->append_count + 1;
    CHECK(bytes >= 12 && bytes <= sizeof entry);
    memcpy(entry, &id, 4);
    memcpy(entry + 4, &index, 8);
    for (size_t i = 12; i < bytes; i++)
        entry[i] = (uint8_t)(id + i);
    bool is_lent = world->lends_every && id % world->lends_every == 0;
    uint64_t sequence = is_lent
                            ? lend(world, shard, index, bytes_of(entry, bytes))
                            : wal_append_entry(world->wal, shard, index, bytes_of(entry, bytes));
    world_note(world,
               (struct world_append){.kind = WORLD_ENTRY, .shard = shard, .index = index, .id = id},
               sequence);
}

void world_truncate(struct world *world, uint32_t shard, uint64_t from_index) {
    uint64_t sequence = wal_append_truncate(world->wal, shard, from_index);
    world_note(world,
               (struct world_append){.kind = WORLD_TRUNCATE, .shard = shard, .index = from_index},
               sequence);
}

void world_state(struct world *world, uint32_t shard, uint64_t term, uint32_t vote) {
    uint64_t sequence = wal_append_state(world->wal, shard, term, vote);
    world_note(
        world,
        (struct world_append){.kind = WORLD_STATE, .shard = shard, .term = term, .vote = vote},
        sequence);
}

void world_snapshot(struct world *world, uint32_t shard, uint64_t index, uint64_t term) {
    uint64_t sequence = wal_append_snapshot(world->wal, shard, index, term);
    world_note(
        world,
        (struct world_append){.kind = WORLD_SNAPSHOT, .shard = shard, .index = index, .term = term},
        sequence);
}

void world_flush(struct world *world) {
    wal_flush(world->wal);
    fake_disk_run_all(&world->fake);
}

void world_entries(struct world *world, uint32_t shard, uint64_t first, uint64_t last,
                   size_t bytes) {
    for (uint64_t index = first; index <= last; index++) {
        world_entry(world, shard, index, bytes);
        world_flush(world);
    }
}

void world_begin_round(struct world *world) { wal_flush(world->wal); }

bool world_end_round(struct world *world) { return fake_disk_run_job(&world->fake, DISK_LANE_LOG); }

void world_medley(struct world *world) {
    for (uint64_t i = 1; i <= WORLD_MEDLEY_APPENDS / 2; i++) {
        uint32_t shard = (uint32_t)(i % WORLD_SHARDS);
        world_state(world, shard, i, 1);
        world_entry(world, shard, i, 12 + i * 3);
        if (i % 7 == 0)
            world_flush(world);
    }
    world_flush(world);
}

void world_let_go(struct world *world, uint32_t shard, uint64_t index, uint64_t term) {
    world_snapshot(world, shard, index, term);
    world_flush(world);
    world->released[shard] = index;
    wal_release(world->wal, shard, index);
    fake_disk_run_all(&world->fake);
}

struct wal_statistics world_statistics(const struct world *world) {
    struct wal_statistics statistics;
    wal_statistics(world->wal, &statistics);
    return statistics;
}

/* ---- a log to spoil ---- */

struct world *world_small_log(void) {
    return world_small_log_with_vote(1);
}

struct world *world_small_log_with_vote(uint32_t vote) {
    struct world *world = world_opened();
    world_state(world, 0, 3, vote);
    world_entry(world, 0, 1, 100);
    world_flush(world);
    world_entry(world, 1, 1, 200);
    world_entry(world, 0, 2, 61);
    world_flush(world);
    world_snapshot(world, 2, 9, 3);
    world_flush(world);
    world_entry(world, 0, 3, 301);
    world_flush(world);
    world_truncate(world, 0, 3);
    world_flush(world);
    world_entry(world, 0, 3, 90);
    world_entry(world, 0, 4, 91);
    world_flush(world);
    world_close(world);
    return world;
}

struct fake_file *world_segment(struct world *world, uint64_t segment) {
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(segment, name);
    return fake_disk_find(&world->fake, name);
}

size_t world_used_bytes(const struct fake_file *file) {
    size_t used = file->live_bytes;
    while (used > 0 && file->live[used - 1] == 0)
        used--;
    return (used + 7) / 8 * 8;
}

/* ---- verifying ---- */

static int ignore_entry(void *context, uint32_t shard, struct bytes encoded) {
    (void)context, (void)shard, (void)encoded;
    return 0;
}
static int ignore_truncate(void *context, uint32_t shard, uint64_t from_index) {
    (void)context, (void)shard, (void)from_index;
    return 0;
}
static int ignore_state(void *context, uint32_t shard, uint64_t term, uint32_t vote) {
    (void)context, (void)shard, (void)term, (void)vote;
    return 0;
}
static int ignore_snapshot(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    (void)context, (void)shard, (void)index, (void)term;
    return 0;
}
static void ignore_bad(void *context, const struct wal_bad *bad) { (void)context, (void)bad; }

uint64_t world_verify(struct world *world, struct wal_verification *result) {
    struct wal_verifier verifier = {.visitor = {.entry = ignore_entry,
                                                .truncate = ignore_truncate,
                                                .state = ignore_state,
                                                .snapshot = ignore_snapshot},
                                    .bad = ignore_bad};
    CHECK(wal_verify(&world->fake.disk, &verifier, result) == 0);
    return result->bad_count;
}
