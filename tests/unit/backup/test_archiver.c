/* A shard that is archived to a store which refuses one call, whichever, or whose own disk does: it
 * is tried again, what has a manifest can be restored at every moment, and so can every moment of
 * the time that is kept. Whoever reads the backup is told of a call that fails, and of nothing
 * else. */
#include "../shard/world.h"
#include "../unit.h"
#include "backup/backup_read.h"
#include "store/snapshot/names.h"
#include "story.h"

enum { RECOVERED_MS = 60000 };

/* ---- reading ---- */

/* The hash of what the backup holds as of then. */
static int restore_to(struct story *story, struct replay_target target, uint64_t *hash,
                      raft_index *reached) {
    struct backup_reader reader = {.store = &story->blobs.store};
    struct backup_catalogue catalogue;
    struct machine *machine = keyspace_machine_new(1, NULL);
    struct replay replay;
    replay_init(&replay, machine, &target);
    int code = backup_catalogue_read(reader.store, &catalogue, &reader.problem);
    if (code == 0)
        code = backup_read_to_target(&reader, &catalogue.clusters[0], WORLD_SHARD, &replay);
    assert_int_equal(reader.problem.text[0] != 0, code != 0);
    *hash = machine->ops->hash(machine);
    *reached = replay.index;
    backup_catalogue_release(&catalogue);
    replay_release(&replay);
    machine->ops->free(machine);
    return code;
}

static int restore(struct story *story, raft_index index, uint64_t *hash, raft_index *reached) {
    return restore_to(story, (struct replay_target){.index = index, .time_ms = UINT64_MAX}, hash,
                      reached);
}

static bool expect_latest(struct story *story, const struct moment *moment) {
    uint64_t hash;
    raft_index reached;
    story->blobs.is_sound = true;
    int code = restore(story, UINT64_MAX, &hash, &reached);
    story->blobs.is_sound = false;
    return code == 0 && reached == moment->index && hash == moment->hash;
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

/* What a shard has that was recovered without its majority: two of the five entries that are
 * archived. */
static struct story *story_recovered(void) {
    struct story *story = story_new();
    for (unsigned i = 0; i < WRITES / 2; i++) {
        story_write(story, i);
        story_pass(story, STEP_MS);
    }
    story_pass(story, END_MS);
    story_lose_all(story);
    story->world->now_us += (uint64_t)RECOVERED_MS * 1000;
    world_write(story->world, 1, "SET key0 again");
    world_write(story->world, 1, "SET key1 again");
    assert_true(world_applied_index(story->world, 1) < story->moments[WRITES / 2 - 1].index);
    story->recovery = 1;
    story->archiver = story_new_archiver(story);
    return story;
}

/* What was given up and what came after it at the same indexes are never mixed: what is latest is
 * of now, what was before is to be had as it was, and until the first snapshot of now is there what
 * was archived is still the latest. */
static void test_what_was_given_up_is_not_mixed_with_what_came_after(void **state) {
    (void)state;
    struct story *story = story_recovered();
    struct archiver_status status;
    story->blobs.refused = "/snapshot/";
    story_write(story, WRITES - 1);
    story_pass(story, STEP_MS);
    assert_true(expect_latest(story, &story->moments[WRITES / 2 - 1]));

    story->blobs.refused = NULL;
    story_pass(story, 2 * END_MS);
    assert_true(expect_latest(story, &story->moments[WRITES - 1]));
    story_write(story, WRITES - 2);
    story_pass(story, END_MS);
    archiver_status(story->archiver, &status);
    assert_int_equal(status.archived_index, world_applied_index(story->world, 1));
    assert_true(expect_latest(story, &story->moments[WRITES - 2]));
    assert_true(expect_moment(story, &story->moments[0]));
    story_free(story);
}

/* What the shard did between the last that was archived and its first snapshot since may be in
 * neither place: it is not passed over. */
static void test_what_may_be_missing_before_a_recovery_is_refused(void **state) {
    (void)state;
    struct story *story = story_recovered();
    const struct moment *last = &story->moments[WRITES / 2 - 1];
    struct replay_target target = {.index = UINT64_MAX,
                                   .time_ms = last->wall_ms + RECOVERED_MS / 2};
    uint64_t hash;
    raft_index reached;
    assert_int_equal(restore_to(story, target, &hash, &reached), 0); /* nothing is known of more */
    assert_int_equal(reached, last->index);
    story_pass(story, END_MS);
    assert_int_equal(restore_to(story, target, &hash, &reached), ERR_NOT_FOUND);
    target.time_ms = last->wall_ms - 1;
    assert_int_equal(restore_to(story, target, &hash, &reached), 0);
    assert_int_equal(reached, last->index - 1);
    story_free(story);
}

static unsigned expect_moments_kept(struct story *story) {
    struct archiver_status status;
    unsigned missing = 0;
    uint64_t oldest_ms = story_wall_ms(story) - KEEP_SECONDS * 1000;
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
    story_run_jobs(story);
    story->archiver = story_new_archiver(story);
}

/* Returns how many moments that are archived cannot be restored. */
static unsigned tell(struct story *story) {
    for (unsigned i = 0; i < WRITES; i++) {
        story_write(story, i);
        story_pass(story, STEP_MS);
        if (story->is_interrupted && i == WRITES / 2)
            change_archiver(story);
    }
    unsigned missing = expect_moments_kept(story);
    story_pass(story, END_MS);
    struct archiver_status status;
    archiver_status(story->archiver, &status);
    assert_int_equal(status.archived_index, world_applied_index(story->world, 1));
    story_expect_sound(story, story->is_interrupted);
    assert_true(expect_moment(story, &story->moments[WRITES - 1]));
    return missing;
}

static bool fail_store(enum fake_blob_call call, unsigned nth, bool is_late) {
    struct story *story = story_new();
    fake_blobs_fail(&story->blobs, call, nth, is_late);
    assert_int_equal(tell(story), 0);
    bool is_hit = story->blobs.failed_calls > 0;
    story_free(story);
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
    struct story *story = story_new();
    story->disk_fault = (struct disk_fault){.call = call, .nth = nth};
    assert_int_equal(tell(story), 0);
    bool is_hit = story->disk_fault.nth == 0;
    story_free(story);
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
    struct story *story = story_new();
    story->is_interrupted = true;
    assert_in_range(tell(story), 1, WRITES / 2);
    story_free(story);
}

/* So much was gathered that the next entries were left to Raft's log, which let them go while a
 * snapshot that holds them was on its way already: the archive goes on behind that one. */
static void test_a_snapshot_under_way_takes_the_place(void **state) {
    (void)state;
    struct story *story = story_new();
    struct archiver_status status;
    story_pass(story, STEP_MS);
    story->sum.held_bytes += ARCHIVER_HELD_BYTES_MAXIMUM;
    story_write(story, 0);
    for (unsigned i = 0; i < 4; i++) { /* it is taken, and its first job waits */
        story->world->now_us += 1000 * 1000;
        world_run(story->world, 20);
        archiver_tick(story->archiver, world_shard(story->world, 1));
    }
    assert_non_null(story->blobs.jobs);
    story->world->replicas[1].config.backup_snapshot_interval_seconds = 86400;
    story->sum.held_bytes -= ARCHIVER_HELD_BYTES_MAXIMUM;
    archiver_tick(story->archiver, world_shard(story->world, 1));
    story_run_jobs(story);
    story_write(story, 1);
    story_pass(story, END_MS);
    archiver_status(story->archiver, &status);
    assert_int_equal(status.archived_index, world_applied_index(story->world, 1));
    assert_true(expect_moment(story, &story->moments[1]));
    story_free(story);
}

/* A snapshot that is to take the place of entries that are gone does not arrive: what is archived
 * behind it is of no use until another one does, and is not said to be archived. */
static void test_nothing_is_archived_without_what_leads_up_to_it(void **state) {
    (void)state;
    struct story *story = story_new();
    struct archiver_status status;
    story_write(story, 0);
    story_pass(story, END_MS);
    story->is_interrupted = true;
    story->blobs.refused = "/chunk/";
    story->sum.held_bytes += ARCHIVER_HELD_BYTES_MAXIMUM;
    story_write(story, 1);
    story_pass(story, END_MS);
    story->sum.held_bytes -= ARCHIVER_HELD_BYTES_MAXIMUM;
    for (unsigned i = 2; i < WRITES; i++) {
        story_write(story, i);
        story_pass(story, 4 * END_MS); /* the pause after a failure grows */
        archiver_status(story->archiver, &status);
        for (unsigned at = 0; at <= i; at++)
            if (story->moments[at].index == status.archived_index)
                assert_true(expect_moment(story, &story->moments[at]));
    }
    story->blobs.refused = NULL;
    story_pass(story, 20 * END_MS);
    archiver_status(story->archiver, &status);
    assert_int_equal(status.archived_index, world_applied_index(story->world, 1));
    assert_true(expect_moment(story, &story->moments[WRITES - 1]));
    story_free(story);
}

/* Some entries wait to be put when the next ones turn out to be gone: what comes behind those is
 * another piece, as one with a gap in it could not be read. */
static void test_a_piece_has_no_gap(void **state) {
    (void)state;
    struct story *story = story_new();
    struct archiver_status status;
    story_pass(story, END_MS);
    struct config *config = &story->world->replicas[1].config;
    config->backup_log_interval_ms = 3600 * 1000;
    story_write(story, 0);
    archiver_applied(story->archiver, world_shard(story->world, 1));
    story->sum.held_bytes += ARCHIVER_HELD_BYTES_MAXIMUM;
    story_write(story, 1);
    story_pass(story, END_MS); /* a snapshot is taken, and the log goes */
    story->sum.held_bytes -= ARCHIVER_HELD_BYTES_MAXIMUM;
    story_pass(story, END_MS);
    story_write(story, 2);
    archiver_applied(story->archiver, world_shard(story->world, 1));
    config->backup_log_interval_ms = 100;
    story_pass(story, END_MS);
    archiver_status(story->archiver, &status);
    assert_int_equal(status.archived_index, world_applied_index(story->world, 1));
    assert_true(expect_moment(story, &story->moments[2]));
    story_free(story);
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
        code = backup_check_shard(&reader, story_backup(&catalogue), must_not_be_told, NULL);
    backup_catalogue_release(&catalogue);
    bool is_hit = story->blobs.failed_calls > failed;
    fake_blobs_fail(&story->blobs, call, 0, false);
    assert_int_equal(restored != 0 || code != 0, is_hit);
    assert_int_equal(reader.problem.text[0] != 0, code != 0);
    return is_hit;
}

static void test_any_one_call_of_a_reader_fails(void **state) {
    (void)state;
    struct story *story = story_new();
    unsigned failures = 0;
    assert_int_equal(tell(story), 0);
    for (enum fake_blob_call call = 0; call < BLOB_CALL_COUNT; call++)
        for (unsigned nth = 1; fail_reading(story, call, nth); nth++, failures++)
            assert_true(nth < CALLS_MAXIMUM);
    assert_true(failures > 8);
    story_free(story);
}

/* ---- what is too old cannot be removed ---- */

/* Because of the rights of its key, say: nothing that is put waits for it, nobody is told of a
 * failure, and it is removed when it can be, though nothing is written any more. */
static void test_a_removal_that_fails_holds_nothing_up(void **state) {
    (void)state;
    struct story *story = story_new();
    struct archiver_status status;
    fake_blobs_fail(&story->blobs, BLOB_REMOVE, 1, false);
    for (unsigned i = 0; story->blobs.failed_calls == 0; i++) {
        assert_true(i < 100);
        story_write(story, i % WRITES);
        story_pass(story, STEP_MS);
    }
    archiver_status(story->archiver, &status);
    assert_false(status.has_failed);
    story_write(story, 0);
    uint64_t index = world_applied_index(story->world, 1);
    unsigned puts = story->blobs.calls[BLOB_PUT], removals = story->blobs.calls[BLOB_REMOVE];
    story_pass(story, 2 * STEP_MS);
    archiver_status(story->archiver, &status);
    assert_int_equal(status.archived_index, index);
    assert_true(story->blobs.calls[BLOB_PUT] > puts);
    story_pass(story, END_MS);
    assert_true(story->blobs.calls[BLOB_REMOVE] > removals);
    story_free(story);
}

/* ---- what the disk has lost ---- */

static unsigned spoil_chunks(struct story *story) {
    const struct fake_names *names = &story->world->replicas[1].disk->names;
    unsigned count = 0;
    for (size_t i = 0; i < names->count; i++) {
        struct fake_file *file = names->entries[i].file;
        struct snapshot_file parsed;
        snapshot_file_parse(names->entries[i].name, &parsed);
        if (parsed.kind != SNAPSHOT_FILE_CHUNK)
            continue;
        file->live[file->live_bytes / 2] ^= 1;
        count++;
    }
    return count;
}

/* A chunk rots before the store has it: nobody waits for the node to find that out by itself, and
 * nothing needs to be written for it to be saved again. */
static void test_a_chunk_that_the_disk_has_lost_is_written_anew(void **state) {
    (void)state;
    struct story *story = story_new();
    struct archiver_status status;
    story_write(story, 0);
    for (unsigned i = 0; !spoil_chunks(story); i++) {
        assert_true(i < 20);
        story->world->now_us += STEP_MS * 1000;
        world_run(story->world, 20);
        archiver_tick(story->archiver, world_shard(story->world, 1));
        if (i == 0)
            story_run_jobs(story); /* the listing */
    }
    story_pass(story, END_MS);
    story_pass(story, END_MS);
    archiver_status(story->archiver, &status);
    assert_true(status.snapshot_index >= story->moments[0].index);
    assert_false(status.has_failed);
    assert_true(expect_moment(story, &story->moments[0]));
    story_free(story);
}

/* ---- wrong clocks ---- */

#define YEAR_MS ((uint64_t)365 * 86400 * 1000)

static void write_for(struct story *story, unsigned first, unsigned count) {
    for (unsigned i = first; i < first + count; i++) {
        story_write(story, i % WRITES);
        story_pass(story, STEP_MS);
    }
}

/* In the middle the leader's wall clock jumps a year ahead: what is younger than is kept can be
 * restored all the same. It goes when it has grown old, as snapshots come and go. */
static void test_a_clock_that_jumps_removes_nothing(void **state) {
    (void)state;
    struct story *story = story_new();
    story->world->replicas[1].config.backup_keep_seconds = WRITES * STEP_MS / 1000 + 2;
    write_for(story, 0, WRITES / 2);
    story->world->replicas[1].wall_ahead_ms = YEAR_MS;
    write_for(story, WRITES / 2, WRITES / 2);
    story_pass(story, STEP_MS);
    for (unsigned i = 0; i < WRITES; i++)
        assert_true(expect_moment(story, &story->moments[i]));
    assert_int_equal(story->blobs.calls[BLOB_REMOVE], 0);
    write_for(story, 0, 2 * WRITES);
    assert_true(story->blobs.calls[BLOB_REMOVE] > 0);
    story_free(story);
}

/* It is put right: a shard's stamps stand still then, and snapshots are backed up as before. */
static void test_a_clock_that_is_put_right_holds_up_no_snapshot(void **state) {
    (void)state;
    struct story *story = story_new();
    struct archiver_status before, after;
    story->world->replicas[1].wall_ahead_ms = YEAR_MS;
    write_for(story, 0, WRITES / 2);
    story->world->replicas[1].wall_ahead_ms = 0;
    archiver_status(story->archiver, &before);
    assert_true(before.snapshot_index > 0);
    write_for(story, WRITES / 2, WRITES / 2);
    archiver_status(story->archiver, &after);
    assert_true(after.snapshot_index > before.snapshot_index);
    change_archiver(story);
    write_for(story, 0, WRITES / 2);
    archiver_status(story->archiver, &before);
    assert_true(before.snapshot_index > after.snapshot_index);
    story_free(story);
}

RUN_TESTS(cmocka_unit_test(test_any_one_call_of_the_store_fails),
          cmocka_unit_test(test_any_one_call_of_the_disk_fails),
          cmocka_unit_test(test_what_was_given_up_is_not_mixed_with_what_came_after),
          cmocka_unit_test(test_what_may_be_missing_before_a_recovery_is_refused),
          cmocka_unit_test(test_what_was_let_go_is_missed),
          cmocka_unit_test(test_a_snapshot_under_way_takes_the_place),
          cmocka_unit_test(test_nothing_is_archived_without_what_leads_up_to_it),
          cmocka_unit_test(test_a_piece_has_no_gap),
          cmocka_unit_test(test_any_one_call_of_a_reader_fails),
          cmocka_unit_test(test_a_removal_that_fails_holds_nothing_up),
          cmocka_unit_test(test_a_chunk_that_the_disk_has_lost_is_written_anew),
          cmocka_unit_test(test_a_clock_that_jumps_removes_nothing),
          cmocka_unit_test(test_a_clock_that_is_put_right_holds_up_no_snapshot))
