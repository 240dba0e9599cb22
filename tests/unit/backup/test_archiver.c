/* A shard that is archived to a store which refuses one call, whichever, or whose own disk does: it
 * is tried again, what has a manifest can be restored at every moment, and so can every moment of
 * the time that is kept. Whoever reads the backup is told of a call that fails, and of nothing
 * else. */
#include "../shard/world.h"
#include "../unit.h"
#include "backup/archiver_internal.h"
#include "backup/backup_read.h"
#include "base/memory.h"
#include "fake_blobs.h"
#include "store/snapshot/names.h"

enum {
    WRITES = 10,
    KEYS = 5,
    VALUE_BYTES = 1500,
    CHUNK_BYTES = 4096,
    STEP_MS = 500,
    KEEP_SECONDS = 2,
    END_MS = 3000,
    CALLS_MAXIMUM = 500
};
static const uint8_t CLUSTER_ID[BACKUP_CLUSTER_BYTES] = {0xab, 1};

/* The shard as it was. */
struct moment {
    raft_index index;
    uint64_t hash, wall_ms;
};

/* One call of the shard's disk, by a job of the archiver, that fails. */
struct disk_fault {
    enum fake_call call;
    unsigned nth; /* 0: none */
};

struct story {
    struct world *world;
    struct fake_blobs blobs;
    struct archiver_sum sum;
    struct archiver *archiver;
    struct moment moments[WRITES];
    struct disk_fault disk_fault;
    bool is_interrupted; /* somebody else leads for a moment, in the middle */
};

/* ---- archiving ---- */

static struct archiver *make_archiver(struct story *story) {
    struct replica *replica = &story->world->replicas[1];
    struct archiver_options options = {.place = {.shard = WORLD_SHARD},
                                       .store = &story->blobs.store,
                                       .disk = &replica->disk->disk,
                                       .clock = &replica->clock,
                                       .log = &replica->log,
                                       .metrics = replica->metrics,
                                       .config = &replica->config,
                                       .sum = &story->sum};
    memcpy(options.place.cluster_id, CLUSTER_ID, sizeof CLUSTER_ID);
    return archiver_new(&options);
}

static void set_up(struct story *story) {
    struct world *world = world_new(1);
    struct config *config = &world->replicas[1].config;
    world_snapshot_after(world, WORLD_SNAPSHOT_NEVER);
    config->snapshot_chunk_bytes = CHUNK_BYTES;
    config->backup_log_interval_ms = 100;
    config->backup_snapshot_interval_seconds = 1;
    config->backup_keep_seconds = KEEP_SECONDS;
    world_lead(world);
    *story = (struct story){.world = world};
    fake_blobs_init(&story->blobs);
    story->archiver = make_archiver(story);
}

/* The job's calls of the disk are counted, and no others. */
static int run_job(struct story *story, struct blob_job *job) {
    struct fake_disk *disk = story->world->replicas[1].disk;
    struct disk_fault *fault = &story->disk_fault;
    unsigned before = disk->calls[fault->call], failed = disk->failed_calls;
    fake_disk_fail_call(disk, fault->call, fault->nth);
    int status = job->run(job);
    fake_disk_fail_call(disk, fault->call, 0);
    unsigned made = disk->calls[fault->call] - before;
    if (disk->failed_calls > failed || fault->nth == 0)
        fault->nth = 0;
    else
        fault->nth -= made;
    return status;
}

static void run_jobs(struct story *story) {
    for (struct blob_job *job; (job = fake_blobs_take_job(&story->blobs));)
        job->done(job, run_job(story, job));
}

static void tear_down(struct story *story) {
    archiver_drop(story->archiver);
    run_jobs(story);
    assert_int_equal(story->sum.job_count, 0);
    assert_int_equal(story->sum.held_bytes, 0);
    fake_blobs_release(&story->blobs);
    world_free(story->world);
}

/* ---- reading ---- */

/* Entries that went before they were archived leave a gap until the snapshot behind it is there. */
static void is_bad(void *context, const char *name, const char *what) {
    if (!*(bool *)context || strstr(what, "what comes before it is missing") == NULL)
        fail_msg("%s: %s", name, what);
}

static const struct shard_backup *only_shard(const struct backup_catalogue *catalogue) {
    assert_in_range(catalogue->cluster_count, 0, 1);
    return catalogue->cluster_count ? cluster_backup_shard(&catalogue->clusters[0], WORLD_SHARD)
                                    : NULL;
}

static void expect_sound(struct story *story, bool may_have_gap) {
    struct backup_reader reader = {.store = &story->blobs.store};
    struct backup_catalogue catalogue;
    story->blobs.is_sound = true;
    assert_int_equal(backup_catalogue_read(reader.store, &catalogue, &reader.problem), 0);
    const struct shard_backup *backup = only_shard(&catalogue);
    if (backup)
        assert_int_equal(backup_check_shard(&reader, backup, is_bad, &may_have_gap), 0);
    backup_catalogue_release(&catalogue);
    story->blobs.is_sound = false;
}

/* The hash of what the backup holds as of that index. */
static int restore(struct story *story, raft_index index, uint64_t *hash, raft_index *reached) {
    struct backup_reader reader = {.store = &story->blobs.store};
    struct backup_catalogue catalogue;
    struct machine *machine = keyspace_machine_new(1, NULL);
    struct replay replay;
    replay_init(&replay, machine, &(struct replay_target){.index = index, .time_ms = UINT64_MAX});
    int code = backup_catalogue_read(reader.store, &catalogue, &reader.problem);
    if (code == 0)
        code = backup_read_shard(&reader, only_shard(&catalogue), &replay);
    assert_int_equal(reader.problem.text[0] != 0, code != 0);
    *hash = machine->ops->hash(machine);
    *reached = replay.index;
    backup_catalogue_release(&catalogue);
    replay_release(&replay);
    machine->ops->free(machine);
    return code;
}

/* True: it can be restored. It is told where it cannot, as entries went before they were archived;
 * that may be so only where another leader comes. */
static bool expect_moment(struct story *story, const struct moment *moment) {
    uint64_t hash;
    raft_index reached;
    story->blobs.is_sound = true;
    int code = restore(story, moment->index, &hash, &reached);
    story->blobs.is_sound = false;
    assert_true(code == 0 || (code == ERR_NOT_FOUND && story->is_interrupted));
    if (code)
        return false;
    assert_int_equal(reached, moment->index);
    assert_true(hash == moment->hash);
    return true;
}

/* ---- the story ---- */

static uint64_t wall_ms(const struct story *story) {
    struct clock *clock = (struct clock *)(uintptr_t)&story->world->replicas[1].clock;
    return clock->wall_ms(clock);
}

static void pass(struct story *story, unsigned ms) {
    struct world *world = story->world;
    for (unsigned passed = 0; passed < ms; passed += STEP_MS) {
        world->now_us += (STEP_MS - 20) * 1000;
        world_run(world, 20);
        archiver_applied(story->archiver, world_shard(world, 1));
        archiver_tick(story->archiver, world_shard(world, 1));
        run_jobs(story);
        expect_sound(story, true);
    }
}

static void write_one(struct story *story, unsigned number) {
    struct world *world = story->world;
    char command[32 + VALUE_BYTES];
    struct random random;
    random_init(&random, number);
    size_t length = (size_t)snprintf(command, sizeof command, "SET key%u ", number % KEYS);
    while (length < VALUE_BYTES)
        command[length++] = (char)('!' + random_below(&random, 90));
    command[length] = 0;
    world_write(world, 1, command);
    story->moments[number] = (struct moment){.index = world_applied_index(world, 1),
                                             .hash = world_state_hash(world, 1),
                                             .wall_ms = wall_ms(story)};
}

/* Returns how many of them cannot be restored. */
static unsigned expect_moments_kept(struct story *story) {
    struct archiver_status status;
    unsigned missing = 0;
    uint64_t oldest_ms = wall_ms(story) - KEEP_SECONDS * 1000;
    archiver_status(story->archiver, &status);
    for (unsigned i = 0; i < WRITES; i++)
        if (story->moments[i].wall_ms >= oldest_ms &&
            story->moments[i].index <= status.archived_index)
            missing += !expect_moment(story, &story->moments[i]);
    return missing;
}

/* What is under way ends, and the next archiver learns from the store how far it is. */
static void change_archiver(struct story *story) {
    archiver_tick(story->archiver, world_shard(story->world, 1));
    archiver_drop(story->archiver);
    run_jobs(story);
    story->archiver = make_archiver(story);
}

/* Returns how many moments that are archived cannot be restored. */
static unsigned tell(struct story *story) {
    for (unsigned i = 0; i < WRITES; i++) {
        write_one(story, i);
        pass(story, STEP_MS);
        if (story->is_interrupted && i == WRITES / 2)
            change_archiver(story);
    }
    unsigned missing = expect_moments_kept(story);
    pass(story, END_MS);
    struct archiver_status status;
    archiver_status(story->archiver, &status);
    assert_int_equal(status.archived_index, world_applied_index(story->world, 1));
    expect_sound(story, story->is_interrupted);
    assert_true(expect_moment(story, &story->moments[WRITES - 1]));
    return missing;
}

static bool fail_store(enum fake_blob_call call, unsigned nth, bool is_late) {
    struct story *story = memory_allocate_zeroed(1, sizeof *story);
    set_up(story);
    fake_blobs_fail(&story->blobs, call, nth, is_late);
    assert_int_equal(tell(story), 0);
    bool is_hit = story->blobs.failed_calls > 0;
    tear_down(story);
    memory_free(story);
    return is_hit;
}

static void test_any_one_call_of_the_store_fails(void **state) {
    (void)state;
    for (enum fake_blob_call call = 0; call < BLOB_CALL_COUNT; call++)
        for (unsigned is_late = 0; is_late < 2; is_late++) {
            unsigned nth = 1;
            while (fail_store(call, nth, is_late))
                assert_true(nth++ < CALLS_MAXIMUM);
            assert_true(nth > 1); /* each kind is used */
        }
}

static bool fail_disk(enum fake_call call, unsigned nth) {
    struct story *story = memory_allocate_zeroed(1, sizeof *story);
    set_up(story);
    story->disk_fault = (struct disk_fault){.call = call, .nth = nth};
    assert_int_equal(tell(story), 0);
    bool is_hit = story->disk_fault.nth == 0;
    tear_down(story);
    memory_free(story);
    return is_hit;
}

static void test_any_one_call_of_the_disk_fails(void **state) {
    (void)state;
    unsigned failures = 0;
    for (enum fake_call call = 0; call < FAKE_CALL_COUNT; call++)
        for (unsigned nth = 1; fail_disk(call, nth); nth++, failures++)
            assert_true(nth < CALLS_MAXIMUM);
    assert_true(failures > 4);
}

/* The entries that the first archiver had gathered are lost with it, and the log has let them go: a
 * moment among them is not restored, and nothing earlier is taken for it. */
static void test_what_was_let_go_is_missed(void **state) {
    (void)state;
    struct story *story = memory_allocate_zeroed(1, sizeof *story);
    set_up(story);
    story->is_interrupted = true;
    assert_in_range(tell(story), 1, WRITES / 2);
    tear_down(story);
    memory_free(story);
}

/* So much was gathered that the next entries were left to Raft's log, which let them go while a
 * snapshot that holds them was on its way already: the archive goes on behind that one. */
static void test_a_snapshot_under_way_takes_the_place(void **state) {
    (void)state;
    struct story *story = memory_allocate_zeroed(1, sizeof *story);
    struct archiver_status status;
    set_up(story);
    pass(story, STEP_MS);
    story->sum.held_bytes += ARCHIVER_HELD_BYTES_MAXIMUM;
    write_one(story, 0);
    for (unsigned i = 0; i < 4; i++) { /* it is taken, and its first job waits */
        story->world->now_us += 1000 * 1000;
        world_run(story->world, 20);
        archiver_tick(story->archiver, world_shard(story->world, 1));
    }
    assert_non_null(story->blobs.jobs);
    story->world->replicas[1].config.backup_snapshot_interval_seconds = 86400;
    story->sum.held_bytes -= ARCHIVER_HELD_BYTES_MAXIMUM;
    archiver_tick(story->archiver, world_shard(story->world, 1));
    run_jobs(story);
    write_one(story, 1);
    pass(story, END_MS);
    archiver_status(story->archiver, &status);
    assert_int_equal(status.archived_index, world_applied_index(story->world, 1));
    assert_true(expect_moment(story, &story->moments[1]));
    tear_down(story);
    memory_free(story);
}

/* A snapshot that is to take the place of entries that are gone does not arrive: what is archived
 * behind it is of no use until another one does, and is not said to be archived. */
static void test_nothing_is_archived_without_what_leads_up_to_it(void **state) {
    (void)state;
    struct story *story = memory_allocate_zeroed(1, sizeof *story);
    struct archiver_status status;
    set_up(story);
    write_one(story, 0);
    pass(story, END_MS);
    story->is_interrupted = true;
    story->blobs.refused = "/chunk/";
    story->sum.held_bytes += ARCHIVER_HELD_BYTES_MAXIMUM;
    write_one(story, 1);
    pass(story, END_MS);
    story->sum.held_bytes -= ARCHIVER_HELD_BYTES_MAXIMUM;
    for (unsigned i = 2; i < WRITES; i++) {
        write_one(story, i);
        pass(story, 4 * END_MS); /* the pause after a failure grows */
        archiver_status(story->archiver, &status);
        for (unsigned at = 0; at <= i; at++)
            if (story->moments[at].index == status.archived_index)
                assert_true(expect_moment(story, &story->moments[at]));
    }
    story->blobs.refused = NULL;
    pass(story, 20 * END_MS);
    archiver_status(story->archiver, &status);
    assert_int_equal(status.archived_index, world_applied_index(story->world, 1));
    assert_true(expect_moment(story, &story->moments[WRITES - 1]));
    tear_down(story);
    memory_free(story);
}

/* Some entries wait to be put when the next ones turn out to be gone: what comes behind those is
 * another piece, as one with a gap in it could not be read. */
static void test_a_piece_has_no_gap(void **state) {
    (void)state;
    struct story *story = memory_allocate_zeroed(1, sizeof *story);
    struct archiver_status status;
    set_up(story);
    pass(story, END_MS);
    struct config *config = &story->world->replicas[1].config;
    config->backup_log_interval_ms = 3600 * 1000;
    write_one(story, 0);
    archiver_applied(story->archiver, world_shard(story->world, 1));
    story->sum.held_bytes += ARCHIVER_HELD_BYTES_MAXIMUM;
    write_one(story, 1);
    pass(story, END_MS); /* a snapshot is taken, and the log goes */
    story->sum.held_bytes -= ARCHIVER_HELD_BYTES_MAXIMUM;
    pass(story, END_MS);
    write_one(story, 2);
    archiver_applied(story->archiver, world_shard(story->world, 1));
    config->backup_log_interval_ms = 100;
    pass(story, END_MS);
    archiver_status(story->archiver, &status);
    assert_int_equal(status.archived_index, world_applied_index(story->world, 1));
    assert_true(expect_moment(story, &story->moments[2]));
    tear_down(story);
    memory_free(story);
}

/* ---- who reads it ---- */

/* Damage is none: a call failed. */
static void must_not_be_told(void *context, const char *name, const char *what) {
    (void)context;
    fail_msg("%s is called bad: %s", name, what);
}

static bool fail_reading(struct story *story, enum fake_blob_call call, unsigned nth) {
    const struct moment *last = &story->moments[WRITES - 1];
    struct backup_reader reader = {.store = &story->blobs.store};
    struct backup_catalogue catalogue;
    uint64_t hash;
    raft_index reached;
    unsigned failed = story->blobs.failed_calls;
    fake_blobs_fail(&story->blobs, call, nth, nth % 2);
    int restored = restore(story, UINT64_MAX, &hash, &reached);
    if (restored == 0)
        assert_true(hash == last->hash && reached >= last->index);
    int code = backup_catalogue_read(reader.store, &catalogue, &reader.problem);
    if (code == 0)
        code = backup_check_shard(&reader, only_shard(&catalogue), must_not_be_told, NULL);
    backup_catalogue_release(&catalogue);
    bool is_hit = story->blobs.failed_calls > failed;
    fake_blobs_fail(&story->blobs, call, 0, false);
    assert_int_equal(restored != 0 || code != 0, is_hit);
    assert_int_equal(reader.problem.text[0] != 0, code != 0);
    return is_hit;
}

static void test_any_one_call_of_a_reader_fails(void **state) {
    (void)state;
    struct story *story = memory_allocate_zeroed(1, sizeof *story);
    unsigned failures = 0;
    set_up(story);
    assert_int_equal(tell(story), 0);
    for (enum fake_blob_call call = 0; call < BLOB_CALL_COUNT; call++)
        for (unsigned nth = 1; fail_reading(story, call, nth); nth++, failures++)
            assert_true(nth < CALLS_MAXIMUM);
    assert_true(failures > 8);
    tear_down(story);
    memory_free(story);
}

/* ---- what is too old cannot be removed ---- */

/* Because of the rights of its key, say: nothing that is put waits for it, nobody is told of a
 * failure, and it is removed when it can be, though nothing is written any more. */
static void test_a_removal_that_fails_holds_nothing_up(void **state) {
    (void)state;
    struct story *story = memory_allocate_zeroed(1, sizeof *story);
    struct archiver_status status;
    set_up(story);
    fake_blobs_fail(&story->blobs, BLOB_REMOVE, 1, false);
    for (unsigned i = 0; story->blobs.failed_calls == 0; i++) {
        assert_true(i < 100);
        write_one(story, i % WRITES);
        pass(story, STEP_MS);
    }
    archiver_status(story->archiver, &status);
    assert_false(status.has_failed);
    write_one(story, 0);
    uint64_t index = world_applied_index(story->world, 1);
    unsigned puts = story->blobs.calls[BLOB_PUT], removals = story->blobs.calls[BLOB_REMOVE];
    pass(story, 2 * STEP_MS);
    archiver_status(story->archiver, &status);
    assert_int_equal(status.archived_index, index);
    assert_true(story->blobs.calls[BLOB_PUT] > puts);
    pass(story, END_MS);
    assert_true(story->blobs.calls[BLOB_REMOVE] > removals);
    tear_down(story);
    memory_free(story);
}

/* ---- another leader beside this one ---- */

/* A chunk as somebody else puts it: its name, and what it says of itself in a manifest. */
static void put_stray(struct story *story, const char *text, struct snapshot_chunk *chunk,
                      char name[BLOB_NAME_MAXIMUM]) {
    struct backup_place place = {.shard = WORLD_SHARD};
    struct blob_problem problem;
    struct buffer image;
    memcpy(place.cluster_id, CLUSTER_ID, sizeof CLUSTER_ID);
    *chunk = (struct snapshot_chunk){.first_slot = 1, .last_slot = 1};
    buffer_init(&image, 4096);
    assert_int_equal(snapshot_chunk_pack(WORLD_SHARD, bytes_of_text(text), &image, chunk), 0);
    backup_chunk_name(&place, chunk, 0, name);
    story->blobs.is_sound = true;
    assert_int_equal(
        story->blobs.store.ops->put(&story->blobs.store, name, buffer_bytes(&image), &problem), 0);
    story->blobs.is_sound = false;
    buffer_release(&image);
}

static void put_manifest_of(struct story *story, const struct snapshot_chunk *chunk) {
    struct backup_place place = {.shard = WORLD_SHARD};
    struct blob_problem problem;
    struct buffer encoded;
    struct snapshot_chunk chunks[] = {*chunk};
    struct snapshot_manifest manifest = {
        .meta = {.shard = WORLD_SHARD,
                 .index = world_applied_index(story->world, 1) + 1000,
                 .stamp_ms = wall_ms(story)},
        .chunk_count = 1,
        .chunks = chunks};
    const struct backup_snapshot snapshot = {manifest.meta.index, manifest.meta.stamp_ms};
    char name[BLOB_NAME_MAXIMUM];
    memcpy(place.cluster_id, CLUSTER_ID, sizeof CLUSTER_ID);
    buffer_init(&encoded, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
    snapshot_manifest_encode(&manifest, &encoded);
    backup_snapshot_name(&place, &snapshot, name);
    story->blobs.is_sound = true;
    assert_int_equal(
        story->blobs.store.ops->put(&story->blobs.store, name, buffer_bytes(&encoded), &problem),
        0);
    story->blobs.is_sound = false;
    buffer_release(&encoded);
}

/* Writes until so many old snapshots more were removed. */
static void pass_removals(struct story *story, unsigned *writes, unsigned removals) {
    for (unsigned i = 0; removals > 0; i++) {
        unsigned before = story->blobs.calls[BLOB_REMOVE];
        assert_true(i < 100);
        write_one(story, (*writes)++ % WRITES);
        pass(story, 2 * STEP_MS);
        removals -= story->blobs.calls[BLOB_REMOVE] > before;
    }
}

/* This leader was deposed and does not know it; the next one puts the chunks of a snapshot, and its
 * manifest only when this one has removed what is old. */
static void test_chunks_on_their_way_stay(void **state) {
    (void)state;
    struct story *story = memory_allocate_zeroed(1, sizeof *story);
    struct snapshot_chunk chunk;
    char name[BLOB_NAME_MAXIMUM];
    unsigned writes = 0;
    set_up(story);
    pass_removals(story, &writes, 1);
    put_stray(story, "a chunk on its way", &chunk, name);
    pass_removals(story, &writes, 1);
    assert_non_null(fake_blobs_find(&story->blobs, name));
    put_manifest_of(story, &chunk);
    pass_removals(story, &writes, 2); /* each looks at what has a manifest */
    assert_non_null(fake_blobs_find(&story->blobs, name));
    tear_down(story);
    memory_free(story);
}

/* Of a snapshot that was broken off: nobody will ever put its manifest. */
static void test_strays_go_in_the_end(void **state) {
    (void)state;
    struct story *story = memory_allocate_zeroed(1, sizeof *story);
    struct snapshot_chunk chunk;
    char name[BLOB_NAME_MAXIMUM];
    unsigned writes = 0;
    set_up(story);
    pass_removals(story, &writes, 1);
    put_stray(story, "a chunk left behind", &chunk, name);
    pass_removals(story, &writes, 3);
    assert_null(fake_blobs_find(&story->blobs, name));
    tear_down(story);
    memory_free(story);
}

/* ---- a snapshot, put step by step ---- */

static struct snapshot_job *begin_snapshot(struct story *story,
                                           const struct snapshot_manifest *manifest) {
    struct snapshot_job *job = memory_allocate_zeroed(1, sizeof *job);
    job->base.store = &story->blobs.store;
    job->base.place = (struct backup_place){.shard = WORLD_SHARD};
    job->disk = &story->world->replicas[1].disk->disk;
    job->manifest = snapshot_manifest_new(&manifest->meta, manifest->chunks, manifest->chunk_count);
    return job;
}

static void finish_snapshot(struct snapshot_job *job) {
    while (!job->is_finished)
        assert_int_equal(snapshot_run(&job->base.job), 0);
    snapshot_job_release(job);
}

static void put_snapshot(struct story *story, const struct snapshot_manifest *manifest) {
    finish_snapshot(begin_snapshot(story, manifest));
}

static void remove_blob(struct story *story, const char *name) {
    struct blob_problem problem;
    assert_non_null(fake_blobs_find(&story->blobs, name));
    assert_int_equal(story->blobs.store.ops->remove(&story->blobs.store, name, &problem), 0);
}

enum { CHUNKS = ARCHIVER_CHUNKS_A_JOB + 2 };

/* So many chunks on the disk, and what a manifest says of them. */
static void make_chunks(struct story *story, struct snapshot_chunk chunks[CHUNKS],
                        char names[CHUNKS][BLOB_NAME_MAXIMUM]) {
    const struct backup_place place = {.shard = WORLD_SHARD};
    for (unsigned i = 0; i < CHUNKS; i++) {
        char file[DISK_NAME_MAXIMUM], text[] = {(char)('a' + i), 0};
        struct bytes image = bytes_of_text(text);
        chunks[i] = (struct snapshot_chunk){.first_slot = (uint16_t)i,
                                            .last_slot = (uint16_t)i,
                                            .raw_bytes = 1,
                                            .stored_bytes = image.length,
                                            .stored_checksum = checksum_xxh64(image, 0)};
        snapshot_chunk_name(WORLD_SHARD, &chunks[i], file);
        fake_disk_put(story->world->replicas[1].disk, file, image);
        backup_chunk_name(&place, &chunks[i], 0, names[i]);
    }
}

/* The store had the first chunk when this leader asked, so it need not put it. Then the leader of
 * before, who still takes away what was too old for him, removes it. */
static bool remove_after_step(unsigned steps) {
    struct story *story = memory_allocate_zeroed(1, sizeof *story);
    struct snapshot_chunk chunks[CHUNKS];
    char names[CHUNKS][BLOB_NAME_MAXIMUM];
    set_up(story);
    make_chunks(story, chunks, names);
    struct snapshot_manifest manifest = {
        .meta = {.shard = WORLD_SHARD, .index = 7}, .chunk_count = 1, .chunks = chunks};
    put_snapshot(story, &manifest);
    manifest.meta.index++;
    manifest.chunk_count = CHUNKS;
    struct snapshot_job *job = begin_snapshot(story, &manifest);
    for (; steps > 0 && !job->is_finished; steps--)
        assert_int_equal(snapshot_run(&job->base.job), 0);
    bool is_meanwhile = !job->is_finished;
    if (is_meanwhile)
        remove_blob(story, names[0]);
    finish_snapshot(job);
    for (unsigned i = 0; i < CHUNKS; i++)
        assert_non_null(fake_blobs_find(&story->blobs, names[i]));
    tear_down(story);
    memory_free(story);
    return is_meanwhile;
}

static void test_a_chunk_that_is_removed_meanwhile_is_put_again(void **state) {
    (void)state;
    unsigned steps = 1;
    while (remove_after_step(steps))
        steps++;
    assert_true(steps > 2); /* before the manifest, and behind it */
}

/* ---- a chunk of several pieces ---- */

/* A removal broke off when it had taken the first piece, and the chunk is needed again: that the
 * last piece is there says nothing of the others. */
static void test_a_piece_that_is_missing_is_put_again(void **state) {
    (void)state;
    struct story *story = memory_allocate_zeroed(1, sizeof *story);
    char file[DISK_NAME_MAXIMUM], piece[BLOB_NAME_MAXIMUM];
    size_t bytes = BACKUP_CHUNK_PIECE_BYTES + 1;
    uint8_t *image = memory_allocate_zeroed(1, bytes);
    struct snapshot_chunk chunk = {.raw_bytes = 1, .stored_bytes = bytes};
    chunk.stored_checksum = checksum_xxh64(bytes_of(image, bytes), 0);
    struct snapshot_manifest manifest = {
        .meta = {.shard = WORLD_SHARD, .index = 7}, .chunk_count = 1, .chunks = &chunk};
    const struct backup_place place = {.shard = WORLD_SHARD};
    set_up(story);
    snapshot_chunk_name(WORLD_SHARD, &chunk, file);
    fake_disk_put(story->world->replicas[1].disk, file, bytes_of(image, bytes));
    memory_free(image);
    for (unsigned gone = 0; gone < 2; gone++) {
        put_snapshot(story, &manifest);
        backup_chunk_name(&place, &chunk, gone, piece);
        remove_blob(story, piece);
        manifest.meta.index++;
        put_snapshot(story, &manifest);
        assert_non_null(fake_blobs_find(&story->blobs, piece));
    }
    tear_down(story);
    memory_free(story);
}

RUN_TESTS(cmocka_unit_test(test_any_one_call_of_the_store_fails),
          cmocka_unit_test(test_any_one_call_of_the_disk_fails),
          cmocka_unit_test(test_what_was_let_go_is_missed),
          cmocka_unit_test(test_a_snapshot_under_way_takes_the_place),
          cmocka_unit_test(test_nothing_is_archived_without_what_leads_up_to_it),
          cmocka_unit_test(test_a_piece_has_no_gap),
          cmocka_unit_test(test_any_one_call_of_a_reader_fails),
          cmocka_unit_test(test_a_removal_that_fails_holds_nothing_up),
          cmocka_unit_test(test_chunks_on_their_way_stay),
          cmocka_unit_test(test_strays_go_in_the_end),
          cmocka_unit_test(test_a_chunk_that_is_removed_meanwhile_is_put_again),
          cmocka_unit_test(test_a_piece_that_is_missing_is_put_again))
