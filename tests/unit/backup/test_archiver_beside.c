/* What another leader does to a backup at the same time: one that was deposed and does not know it,
 * or the next one. What has a manifest can be restored at every moment. */
#include "../unit.h"
#include "backup/archiver_internal.h"
#include "base/memory.h"
#include "store/snapshot/names.h"
#include "story.h"

/* As somebody else does it. */
static void put_blob(struct story *story, const char *name, const struct buffer *bytes) {
    struct blob_problem problem;
    story->blobs.is_sound = true;
    assert_int_equal(
        story->blobs.store.ops->put(&story->blobs.store, name, buffer_bytes(bytes), &problem), 0);
    story->blobs.is_sound = false;
}

static struct backup_place place_of_cluster(void) {
    struct backup_place place = {.shard = WORLD_SHARD};
    memcpy(place.cluster_id, STORY_CLUSTER_ID, sizeof STORY_CLUSTER_ID);
    return place;
}

/* A chunk, its name, and what it says of itself in a manifest. */
static void put_stray(struct story *story, const char *text, struct snapshot_chunk *chunk,
                      char name[BLOB_NAME_MAXIMUM]) {
    struct backup_place place = place_of_cluster();
    struct buffer image;
    *chunk = (struct snapshot_chunk){.first_slot = 1, .last_slot = 1};
    buffer_init(&image, 4096);
    assert_int_equal(snapshot_chunk_pack(WORLD_SHARD, bytes_of_text(text), &image, chunk), 0);
    backup_chunk_name(&place, chunk, 0, name);
    put_blob(story, name, &image);
    buffer_release(&image);
}

static void put_manifest_of(struct story *story, const struct snapshot_chunk *chunk) {
    struct backup_place place = place_of_cluster();
    struct buffer encoded;
    struct snapshot_chunk chunks[] = {*chunk};
    struct snapshot_manifest manifest = {
        .meta = {.shard = WORLD_SHARD,
                 .index = world_applied_index(story->world, 1) + 1000,
                 .stamp_ms = story_wall_ms(story)},
        .chunk_count = 1,
        .chunks = chunks};
    const struct backup_snapshot snapshot = {manifest.meta.index, manifest.meta.stamp_ms};
    char name[BLOB_NAME_MAXIMUM];
    buffer_init(&encoded, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
    snapshot_manifest_encode(&manifest, &encoded);
    backup_snapshot_name(&place, &snapshot, name);
    put_blob(story, name, &encoded);
    buffer_release(&encoded);
}

/* Writes until so many old snapshots more were removed. */
static void pass_removals(struct story *story, unsigned *writes, unsigned removals) {
    for (unsigned i = 0; removals > 0; i++) {
        unsigned before = story->blobs.calls[BLOB_REMOVE];
        assert_true(i < 100);
        story_write(story, (*writes)++ % WRITES);
        story_pass(story, 2 * STEP_MS);
        removals -= story->blobs.calls[BLOB_REMOVE] > before;
    }
}

/* This leader was deposed and does not know it; the next one puts the chunks of a snapshot, and its
 * manifest only when this one has removed what is old. */
static void test_chunks_on_their_way_stay(void **state) {
    (void)state;
    struct story *story = story_new();
    struct snapshot_chunk chunk;
    char name[BLOB_NAME_MAXIMUM];
    unsigned writes = 0;
    pass_removals(story, &writes, 1);
    put_stray(story, "a chunk on its way", &chunk, name);
    pass_removals(story, &writes, 1);
    assert_non_null(fake_blobs_find(&story->blobs, name));
    put_manifest_of(story, &chunk);
    pass_removals(story, &writes, 2); /* each looks at what has a manifest */
    assert_non_null(fake_blobs_find(&story->blobs, name));
    story_free(story);
}

/* Of a snapshot that was broken off: nobody will ever put its manifest. */
static void test_strays_go_in_the_end(void **state) {
    (void)state;
    struct story *story = story_new();
    struct snapshot_chunk chunk;
    char name[BLOB_NAME_MAXIMUM];
    unsigned writes = 0;
    pass_removals(story, &writes, 1);
    put_stray(story, "a chunk left behind", &chunk, name);
    pass_removals(story, &writes, 3);
    assert_null(fake_blobs_find(&story->blobs, name));
    story_free(story);
}

/* The process of a leader that was deposed stands still for an hour when it has seen which
 * manifests there are, and before it removes a chunk that none of them names. Meanwhile the next
 * leader puts one that does. */
struct standstill {
    struct story *story;
    struct snapshot_chunk chunk;
    unsigned lists; /* in a row: of chunks, and then of manifests */
    bool is_due;
};

static void stand_still(void *context, enum fake_blob_call call) {
    struct standstill *still = context;
    if (still->is_due && call == BLOB_GET && still->lists == 2) {
        still->is_due = false;
        put_manifest_of(still->story, &still->chunk);
        still->story->world->now_us += (uint64_t)3600 * 1000 * 1000;
    }
    still->lists = call == BLOB_LIST ? still->lists + 1 : 0;
}

static void test_a_removal_that_stood_still_looks_again(void **state) {
    (void)state;
    struct story *story = story_new();
    struct standstill still = {.story = story};
    char name[BLOB_NAME_MAXIMUM];
    unsigned writes = 0;
    pass_removals(story, &writes, 1);
    put_stray(story, "a chunk that is needed again", &still.chunk, name);
    pass_removals(story, &writes, 1);
    story->blobs.before_call = stand_still;
    story->blobs.context = &still;
    still.is_due = true;
    pass_removals(story, &writes, 3);
    assert_false(still.is_due);
    assert_non_null(fake_blobs_find(&story->blobs, name));
    story_free(story);
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
    struct story *story = story_new();
    struct snapshot_chunk chunks[CHUNKS];
    char names[CHUNKS][BLOB_NAME_MAXIMUM];
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
    story_free(story);
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
    struct story *story = story_new();
    char file[DISK_NAME_MAXIMUM], piece[BLOB_NAME_MAXIMUM];
    size_t bytes = BACKUP_CHUNK_PIECE_BYTES + 1;
    uint8_t *image = memory_allocate_zeroed(1, bytes);
    struct snapshot_chunk chunk = {.raw_bytes = 1, .stored_bytes = bytes};
    chunk.stored_checksum = checksum_xxh64(bytes_of(image, bytes), 0);
    struct snapshot_manifest manifest = {
        .meta = {.shard = WORLD_SHARD, .index = 7}, .chunk_count = 1, .chunks = &chunk};
    const struct backup_place place = {.shard = WORLD_SHARD};
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
    story_free(story);
}

RUN_TESTS(cmocka_unit_test(test_chunks_on_their_way_stay),
          cmocka_unit_test(test_a_removal_that_stood_still_looks_again),
          cmocka_unit_test(test_strays_go_in_the_end),
          cmocka_unit_test(test_a_chunk_that_is_removed_meanwhile_is_put_again),
          cmocka_unit_test(test_a_piece_that_is_missing_is_put_again))
