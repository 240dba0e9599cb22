/* Segments and snapshots are read again while they are in use: every bit that changes is found, and
 * a damaged segment goes once nobody needs it. Of the newest one only blocks are read that no round
 * writes to any more. */
#include "../unit.h"
#include "base/memory.h"
#include "store/record/format.h"
#include "store/scrub_job.h"
#include "store/snapshot/chunk.h"
#include "store/snapshot/names.h"
#include "wal_world.h"

struct scrubbing {
    struct scrub_job job; /* first */
    int status;
    bool is_done;
};

static void on_done(struct disk_job *job, int status) {
    struct scrubbing *scrubbing = (struct scrubbing *)(void *)job;
    scrubbing->status = status;
    scrubbing->is_done = true;
}

static void scrub_begin(struct scrubbing *scrubbing, struct world *world) {
    scrub_job_init(&scrubbing->job, &world->fake.disk);
    scrubbing->job.job.done = on_done;
    world->fake.forgotten = NULL;
}

static int scrub_slice(struct scrubbing *scrubbing, struct world *world) {
    scrubbing->is_done = false;
    world->fake.disk.ops->submit(&world->fake.disk, &scrubbing->job.job);
    fake_disk_run_all(&world->fake);
    assert_true(scrubbing->is_done);
    return scrubbing->status;
}

/* The whole segment, slice by slice; *slices: in how many. */
static int scrub_slices(struct world *world, const struct wal_at_rest *segment, unsigned *slices) {
    struct scrubbing scrubbing;
    scrub_begin(&scrubbing, world);
    scrub_job_segment(&scrubbing.job, segment);
    *slices = 0;
    do {
        scrub_slice(&scrubbing, world);
        ++*slices;
    } while (scrubbing.status == 0 && !scrubbing.job.is_whole);
    scrub_job_release(&scrubbing.job);
    return scrubbing.status;
}

static int scrub(struct world *world, const struct wal_at_rest *segment) {
    unsigned slices;
    return scrub_slices(world, segment, &slices);
}

/* Of a snapshot: the chunk, or the manifest if there is none. */
static int scrub_snapshot(struct world *world, const struct snapshot_manifest *manifest,
                          const struct snapshot_chunk *chunk) {
    struct scrubbing scrubbing;
    scrub_begin(&scrubbing, world);
    if (chunk)
        scrub_job_chunk(&scrubbing.job, manifest->meta.shard, chunk);
    else
        scrub_job_manifest(&scrubbing.job, manifest);
    scrub_slice(&scrubbing, world);
    assert_true(scrubbing.job.is_whole);
    scrub_job_release(&scrubbing.job);
    return scrubbing.status;
}

static struct world *world_of(uint64_t segment_bytes) {
    struct world *world = world_new();
    world->segment_bytes = segment_bytes;
    world->has_digests = true;
    assert_int_equal(world_open(world), 0);
    return world;
}

/* Whose log fills some segments. */
static struct world *world_of_segments(void) {
    struct world *world = world_of(2048);
    world_entries(world, 0, 1, 20, 100);
    return world;
}

static size_t records_end(const struct fake_file *file) {
    struct wal_header header;
    size_t at = 0;
    while (wal_header_decode(bytes_of(file->live + at, file->live_bytes - at), &header) == 0)
        at += wal_record_bytes(header.payload_bytes);
    return at;
}

static void assert_all_sound(struct world *world, unsigned expected) {
    struct wal_at_rest segment = {.number = 0};
    unsigned count = 0;
    while (wal_at_rest_after(world->wal, segment.number, &segment)) {
        assert_int_equal(scrub(world, &segment), 0);
        assert_ptr_equal(world->fake.forgotten, world_segment(world, segment.number));
        count++;
    }
    assert_int_equal(count, expected);
}

/* The newest segment is not at rest; what was recovered is as well known as what was written. */
static void test_sound_segments_are_sound(void **state) {
    (void)state;
    struct world *world = world_of_segments();
    unsigned segments = (unsigned)world_statistics(world).segments;
    assert_true(segments > 2);
    assert_all_sound(world, segments - 1);
    world_close(world);
    assert_int_equal(world_open(world), 0);
    assert_all_sound(world, segments - 1);
    world_free(world);
}

static void test_every_flip_is_found(void **state) {
    (void)state;
    struct world *world = world_of_segments();
    struct wal_at_rest segment;
    assert_true(wal_at_rest_after(world->wal, 1, &segment));
    struct fake_file *file = world_segment(world, segment.number);
    for (size_t bit = 0; bit < records_end(file) * 8; bit++) {
        file->live[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (scrub(world, &segment) != ERR_DAMAGED)
            fail_msg("bit %zu", bit);
        file->live[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(scrub(world, &segment), 0);
    world_free(world);
}

/* Another segment's bytes, an older state of the same, one that ends too early, one that cannot be
 * read, one that is gone. */
static void test_segments_that_are_others(void **state) {
    (void)state;
    struct world *world = world_of_segments();
    struct wal_at_rest segment;
    assert_true(wal_at_rest_after(world->wal, 1, &segment));
    struct fake_file *file = world_segment(world, segment.number), *other = world_segment(world, 1);
    uint8_t *kept = memory_copy(file->live, file->live_bytes);
    memcpy(file->live, other->live, file->live_bytes);
    assert_int_equal(scrub(world, &segment), ERR_DAMAGED);
    memcpy(file->live, kept, file->live_bytes);
    memset(file->live + records_end(file) - 8, 0, 8);
    assert_int_equal(scrub(world, &segment), ERR_DAMAGED);
    memcpy(file->live, kept, file->live_bytes);
    size_t whole_bytes = file->live_bytes;
    file->live_bytes = records_end(file) - 50;
    assert_int_equal(scrub(world, &segment), ERR_DAMAGED);
    file->live_bytes = whole_bytes;
    fake_disk_fail_call(&world->fake, FAKE_READ, 1);
    assert_int_equal(scrub(world, &segment), ERR_IO);
    fake_disk_fail_call(&world->fake, FAKE_READ, 0);
    assert_int_equal(scrub(world, &segment), 0);
    segment.number = 4711;
    assert_int_equal(scrub(world, &segment), ERR_NOT_FOUND);
    memory_free(kept);
    world_free(world);
}

/* Records that cross slices, and one that is longer than a slice. */
static void test_slices(void **state) {
    (void)state;
    struct world *world = world_of(SCRUB_SLICE_BYTES * 2);
    unsigned slices;
    struct wal_at_rest segment;
    static uint8_t large[SCRUB_SLICE_BYTES * 3];
    world_entries(world, 0, 1, 100, 8000);
    assert_true(wal_at_rest_after(world->wal, 0, &segment));
    assert_int_equal(scrub_slices(world, &segment, &slices), 0);
    assert_in_range(slices, 2, 4);
    world_segment(world, segment.number)->live[SCRUB_SLICE_BYTES + 5] ^= 1;
    assert_int_equal(scrub(world, &segment), ERR_DAMAGED);
    wal_append_entry(world->wal, 1, 1, bytes_of(large, sizeof large));
    wal_append_entry(world->wal, 1, 2, bytes_of(large, sizeof large));
    wal_append_entry(world->wal, 1, 3, bytes_of(large, 100));
    wal_flush(world->wal);
    world->append_count += 3;
    fake_disk_run_all(&world->fake);
    struct wal_at_rest last = segment;
    while (wal_at_rest_after(world->wal, last.number, &last))
        if (last.number > segment.number + 1)
            assert_int_equal(scrub(world, &last), 0);
    world_free(world);
}

/* It goes when the shard that needs it has a snapshot, and is not used again. */
static void test_a_damaged_segment_is_shed(void **state) {
    (void)state;
    struct world *world = world_of_segments();
    uint32_t shard = 99;
    assert_false(wal_shed_damage(world->wal, &shard));
    wal_note_damage(world->wal, 2);
    assert_true(wal_shed_damage(world->wal, &shard));
    assert_int_equal(shard, 0);
    world_let_go(world, 0, 20, WORLD_ENTRY_TERM);
    assert_false(wal_shed_damage(world->wal, &shard));
    assert_null(world_segment(world, 2));
    for (size_t i = 0; i < world->fake.names.count; i++)
        if (strncmp(world->fake.names.entries[i].name, "wal-spare-", 10) == 0)
            assert_int_equal(world->fake.names.entries[i].file->live[8], 0); /* a new one */
    world_free(world);
}

/* Nobody needs it, and nobody had yet said so. */
static void test_a_needless_damaged_segment_goes_at_once(void **state) {
    (void)state;
    struct world *world = world_of(2048);
    uint32_t shard;
    for (unsigned i = 0; i < 60; i++) {
        world_state(world, 0, i + 1, 1);
        world_flush(world);
    }
    assert_non_null(world_segment(world, 2));
    wal_note_damage(world->wal, 2);
    assert_false(wal_shed_damage(world->wal, &shard));
    fake_disk_run_all(&world->fake);
    assert_null(world_segment(world, 2));
    world_free(world);
}

/* ---- the newest segment ---- */

enum { NEWEST_BYTES = 64 << 10 };

/* A log in its first segment, idle: a mark stands behind the last entry. */
static struct world *idle_world(uint64_t entries) {
    struct world *world = world_of(NEWEST_BYTES);
    world_entries(world, 0, 1, entries, 300);
    wal_mark(world->wal);
    fake_disk_run_all(&world->fake);
    return world;
}

static struct wal_at_rest newest_at_rest(struct world *world) {
    struct wal_at_rest newest;
    assert_true(wal_at_rest_after(world->wal, 0, &newest));
    assert_true(newest.end_bytes < UINT64_MAX);
    return newest;
}

static void assert_same_rest(struct wal_at_rest a, struct wal_at_rest b) {
    assert_int_equal(a.number, b.number);
    assert_int_equal(a.end_record, b.end_record);
    assert_int_equal(a.end_crc32c, b.end_crc32c);
    assert_int_equal(a.end_bytes, b.end_bytes);
}

/* Whatever bit of what was appended: the mark is behind it, and begins a block of its own. */
static void test_every_flip_in_an_idle_newest_segment_is_found(void **state) {
    (void)state;
    struct world *world = world_of(NEWEST_BYTES);
    world_entries(world, 0, 1, 10, 300);
    size_t entries_end = records_end(world_segment(world, 1));
    assert_true(newest_at_rest(world).end_bytes < entries_end);
    wal_mark(world->wal);
    fake_disk_run_all(&world->fake);
    struct wal_at_rest newest = newest_at_rest(world);
    assert_true(newest.end_bytes >= entries_end);
    struct fake_file *file = world_segment(world, 1);
    assert_int_equal(scrub(world, &newest), 0);
    for (size_t bit = 0; bit < entries_end * 8; bit++) {
        file->live[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (scrub(world, &newest) != ERR_DAMAGED)
            fail_msg("bit %zu", bit);
        file->live[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    memset(file->live + newest.end_bytes, 0xff, file->live_bytes - newest.end_bytes);
    assert_int_equal(scrub(world, &newest), 0); /* nothing there was looked at */
    memset(file->live + newest.end_bytes - DISK_BLOCK_BYTES, 0, DISK_BLOCK_BYTES);
    assert_int_equal(scrub(world, &newest), ERR_DAMAGED); /* a write that got lost */
    world_free(world);
}

/* Nor is anything of a round that the disk has not taken yet, in this segment or the next. */
static void test_a_round_under_way_is_not_at_rest(void **state) {
    (void)state;
    struct world *world = idle_world(20);
    struct wal_at_rest before = newest_at_rest(world), during;
    for (uint64_t i = 21; i <= 60; i++)
        world_entry(world, 0, i, 2000);
    wal_flush(world->wal);
    assert_same_rest(newest_at_rest(world), before);
    fake_disk_run_all(&world->fake);
    assert_true(wal_at_rest_after(world->wal, 0, &during));
    assert_true(during.number == 1 && during.end_bytes == UINT64_MAX);
    assert_true(wal_at_rest_after(world->wal, 1, &during));
    assert_int_equal(during.number, 2);
    assert_false(wal_at_rest_after(world->wal, 2, &during));
    world_free(world);
}

/* What was found by a start is at rest as what was written. */
static void test_the_newest_segment_after_a_start(void **state) {
    (void)state;
    struct world *world = idle_world(20);
    struct wal_at_rest before = newest_at_rest(world);
    world_restart(world);
    struct wal_at_rest after = newest_at_rest(world);
    assert_same_rest(after, before);
    assert_int_equal(scrub(world, &after), 0);
    world_free(world);
}

/* Another is made ready at once; the next round leaves the damaged one for it, and that goes as any
 * other. */
static void test_a_damaged_newest_segment_is_left(void **state) {
    (void)state;
    struct world *world = idle_world(20);
    uint32_t shard = 99;
    wal_note_damage(world->wal, 1);
    assert_true(wal_shed_damage(world->wal, &shard));
    assert_int_equal(shard, 0);
    fake_disk_run_all(&world->fake);
    world_snapshot(world, 0, 20, WORLD_ENTRY_TERM);
    world_flush(world);
    assert_non_null(world_segment(world, 2));
    wal_release(world->wal, 0, 20);
    fake_disk_run_all(&world->fake);
    assert_false(wal_shed_damage(world->wal, &shard));
    assert_null(world_segment(world, 1));
    world->released[0] = 20;
    world_restart(world);
    assert_true(world_log_is(world, world->append_count));
    world_free(world);
}

/* Also if nobody needs it and nothing is written. On a full disk the log goes on in it. */
static void test_a_needless_damaged_newest_segment_is_left(void **state) {
    (void)state;
    struct world *world = world_of(16 << 10);
    uint32_t shard;
    world->fake.is_full = true;
    for (unsigned i = 1; i <= 50; i++) {
        if (i == 49)
            wal_note_damage(world->wal, 1);
        world_state(world, 0, i, 1);
        world_flush(world);
        assert_false(wal_shed_damage(world->wal, &shard));
    }
    assert_int_equal(wal_space(world->wal), WAL_SPACE_SHORT);
    assert_int_equal(world->durable, world->append_count);
    assert_non_null(world_segment(world, 1));
    world->fake.is_full = false;
    world->now_us += 1000000;
    for (unsigned i = 0; i < 5; i++) {
        wal_tick(world->wal);
        fake_disk_run_all(&world->fake);
        assert_false(wal_shed_damage(world->wal, &shard));
        fake_disk_run_all(&world->fake);
    }
    assert_null(world_segment(world, 1));
    world_restart(world);
    assert_true(world_log_is(world, world->append_count));
    world_free(world);
}

/* ---- snapshots ---- */

static struct snapshot_manifest *write_snapshot(struct world *world, const char *held) {
    struct snapshot_meta meta = {
        .shard = 2, .index = 40, .term = 3, .configuration = {1, 1}, .configuration_bytes = 2};
    struct snapshot_chunk chunk = {.last_slot = 16383, .state_hash = strlen(held)};
    struct buffer image;
    buffer_init(&image, SIZE_MAX);
    struct disk *disk = &world->fake.disk;
    assert_int_equal(snapshot_chunk_pack(2, bytes_of_text(held), &image, &chunk), 0);
    assert_int_equal(snapshot_chunk_write(disk, 2, &chunk, buffer_bytes(&image)), 0);
    buffer_release(&image);
    struct snapshot_manifest *manifest = snapshot_manifest_new(&meta, &chunk, 1);
    assert_int_equal(snapshot_manifest_write(disk, manifest), 0);
    return manifest;
}

/* The file that the job reads, asking the disk for it and not the system's memory. */
static void expect_to_be_watched(struct world *world, const char *name,
                                 const struct snapshot_manifest *manifest,
                                 const struct snapshot_chunk *chunk) {
    struct fake_file *file = fake_disk_find(&world->fake, name);
    assert_int_equal(scrub_snapshot(world, manifest, chunk), 0);
    assert_ptr_equal(world->fake.forgotten, file);
    for (size_t bit = 0; bit < file->live_bytes * 8; bit++) {
        file->live[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(scrub_snapshot(world, manifest, chunk), ERR_DAMAGED);
        file->live[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    fake_disk_fail_call(&world->fake, FAKE_READ, 1);
    assert_int_equal(scrub_snapshot(world, manifest, chunk), ERR_IO);
    assert_int_equal(scrub_snapshot(world, manifest, chunk), 0);
}

static void test_every_flip_in_a_snapshot_is_found(void **state) {
    (void)state;
    struct world *world = world_of(2048);
    struct snapshot_manifest *manifest = write_snapshot(world, "what a chunk holds");
    const struct snapshot_chunk *chunk = &manifest->chunks[0];
    char name[DISK_NAME_MAXIMUM], chunk_name[DISK_NAME_MAXIMUM];
    snapshot_manifest_name(2, 40, name);
    snapshot_chunk_name(2, chunk, chunk_name);
    expect_to_be_watched(world, name, manifest, NULL);
    expect_to_be_watched(world, chunk_name, manifest, chunk);
    struct disk *disk = &world->fake.disk;
    assert_int_equal(disk->ops->remove(disk, chunk_name), 0);
    assert_int_equal(scrub_snapshot(world, manifest, chunk), ERR_NOT_FOUND);
    assert_int_equal(disk->ops->remove(disk, name), 0);
    assert_int_equal(scrub_snapshot(world, manifest, NULL), ERR_NOT_FOUND);
    snapshot_manifest_free(write_snapshot(world, "another state")); /* under the same name */
    assert_int_equal(scrub_snapshot(world, manifest, NULL), ERR_DAMAGED);
    snapshot_manifest_free(manifest);
    world_free(world);
}

/* ---- a process that may not look, or has not what it takes ---- */

enum what { A_SEGMENT, A_MANIFEST, A_CHUNK, WHATS };

static int scrub_one(struct world *world, enum what what,
                     const struct snapshot_manifest *manifest) {
    struct wal_at_rest segment;
    if (what != A_SEGMENT)
        return scrub_snapshot(world, manifest, what == A_CHUNK ? &manifest->chunks[0] : NULL);
    assert_true(wal_at_rest_after(world->wal, 1, &segment));
    return scrub(world, &segment);
}

/* Whichever of its calls is refused; false: there is no such call. */
static bool refuse_call(struct world *world, enum what what, int error, enum fake_call call,
                        unsigned nth, const struct snapshot_manifest *manifest) {
    unsigned failed = world->fake.failed_calls;
    world->fake.fail_call_with = error;
    fake_disk_fail_call(&world->fake, call, nth);
    int status = scrub_one(world, what, manifest);
    fake_disk_fail_call(&world->fake, call, 0);
    world->fake.fail_call_with = 0;
    if (status != 0 && status != error)
        fail_msg("%d was refused with %d and is told as %d", (int)what, error, status);
    return world->fake.failed_calls > failed;
}

static void test_what_cannot_be_looked_at_is_not_damaged(void **state) {
    (void)state;
    static const int errors[] = {ERR_BUSY, ERR_REFUSED, ERR_NO_MEMORY};
    struct world *world = world_of_segments();
    struct snapshot_manifest *manifest = write_snapshot(world, "what a chunk holds");
    for (enum what what = 0; what < WHATS; what++) {
        for (unsigned i = 0; i < 3; i++) {
            unsigned opened = 1, read = 1;
            while (refuse_call(world, what, errors[i], FAKE_OPEN, opened, manifest))
                opened++;
            while (refuse_call(world, what, errors[i], FAKE_READ, read, manifest))
                read++;
            assert_true(opened > 1 && read > 1);
        }
        assert_int_equal(scrub_one(world, what, manifest), 0);
    }
    snapshot_manifest_free(manifest);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_what_cannot_be_looked_at_is_not_damaged),
          cmocka_unit_test(test_sound_segments_are_sound),
          cmocka_unit_test(test_every_flip_is_found),
          cmocka_unit_test(test_segments_that_are_others), cmocka_unit_test(test_slices),
          cmocka_unit_test(test_a_damaged_segment_is_shed),
          cmocka_unit_test(test_a_needless_damaged_segment_goes_at_once),
          cmocka_unit_test(test_every_flip_in_an_idle_newest_segment_is_found),
          cmocka_unit_test(test_a_round_under_way_is_not_at_rest),
          cmocka_unit_test(test_the_newest_segment_after_a_start),
          cmocka_unit_test(test_a_damaged_newest_segment_is_left),
          cmocka_unit_test(test_a_needless_damaged_newest_segment_is_left),
          cmocka_unit_test(test_every_flip_in_a_snapshot_is_found))
