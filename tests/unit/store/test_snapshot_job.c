/* Jobs on the files of snapshots: what each of them does with a chunk or a manifest, that it is on
 * the disk when it says so, and what it refuses. */
#include "../unit.h"
#include "base/memory.h"
#include "fake_disk.h"
#include "store/snapshot/job.h"
#include "store/snapshot/names.h"

enum { SHARD = 3, INDEX = 40 };

#define HELD BYTES_LITERAL("what a chunk holds, and holds, and holds")

struct bench {
    struct fake_disk fake;
    int status; /* of the last job, and what it left */
    struct snapshot_chunk chunk;
    struct buffer bytes;
    bool is_found[3];
};

static int set_up(void **state) {
    struct bench *bench = memory_allocate_zeroed(1, sizeof *bench);
    fake_disk_init(&bench->fake);
    *state = bench;
    return 0;
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    buffer_release(&bench->bytes);
    fake_disk_release(&bench->fake);
    memory_free(bench);
    return 0;
}

/* ---- running one ---- */

static void done(struct snapshot_job *job, int status) {
    struct bench *bench = job->context;
    bench->status = status;
    bench->chunk = job->chunk;
    buffer_release(&bench->bytes);
    bench->bytes = job->bytes;
    buffer_init(&job->bytes, 0);
    for (uint32_t i = 0; job->found && i < job->manifest->chunk_count; i++)
        bench->is_found[i] = job->found[i];
}

static struct snapshot_job *new_job(struct bench *bench, enum snapshot_job_kind kind) {
    struct snapshot_job *job = snapshot_job_new(kind, &bench->fake.disk, SHARD);
    bench->status = 1;
    return job;
}

/* The power fails once it is done: whatever it did has to be there all the same. */
static int run(struct bench *bench, struct snapshot_job *job) {
    struct random random;
    random_init(&random, 1);
    snapshot_job_submit(job, done, bench);
    assert_true(fake_disk_run_job(&bench->fake, DISK_LANE_BULK));
    fake_disk_crash(&bench->fake, &random);
    return bench->status;
}

static int run_on_chunk(struct bench *bench, enum snapshot_job_kind kind,
                        const struct snapshot_chunk *chunk, struct bytes bytes) {
    struct snapshot_job *job = new_job(bench, kind);
    job->chunk = *chunk;
    buffer_append_bytes(&job->bytes, bytes);
    return run(bench, job);
}

static int run_on_manifest(struct bench *bench, enum snapshot_job_kind kind,
                           struct snapshot_manifest *manifest) {
    struct snapshot_job *job = new_job(bench, kind);
    job->manifest = manifest;
    return run(bench, job);
}

/* ---- what there is ---- */

static struct fake_file *file_of(struct bench *bench, const struct snapshot_chunk *chunk) {
    char name[DISK_NAME_MAXIMUM];
    snapshot_chunk_name(SHARD, chunk, name);
    return fake_disk_find(&bench->fake, name);
}

/* Its file's bytes, which are in memory only; owned. */
static struct snapshot_chunk packed(struct bytes held, struct buffer *image) {
    struct snapshot_chunk chunk = {.last_slot = 16383, .state_hash = 9};
    buffer_init(image, SIZE_MAX);
    assert_int_equal(snapshot_chunk_pack(SHARD, held, image, &chunk), 0);
    return chunk;
}

static struct snapshot_manifest *manifest_of(const struct snapshot_chunk *chunks, uint32_t count) {
    struct snapshot_meta meta = {.shard = SHARD,
                                 .index = INDEX,
                                 .term = 2,
                                 .configuration = {1, 1},
                                 .configuration_bytes = 2};
    return snapshot_manifest_new(&meta, chunks, count);
}

/* ---- chunks ---- */

static void test_a_chunk_is_saved_and_read(void **state) {
    struct bench *bench = *state;
    struct snapshot_chunk slots = {.last_slot = 16383, .state_hash = 9};
    assert_int_equal(run_on_chunk(bench, SNAPSHOT_JOB_SAVE, &slots, HELD), 0);
    struct snapshot_chunk chunk = bench->chunk;
    assert_int_equal(chunk.raw_bytes, HELD.length);
    struct fake_file *file = file_of(bench, &chunk);
    assert_int_equal(run_on_chunk(bench, SNAPSHOT_JOB_VERIFY, &chunk, BYTES_NONE), 0);
    assert_int_equal(run_on_chunk(bench, SNAPSHOT_JOB_READ, &chunk, BYTES_NONE), 0);
    assert_true(bytes_equal(buffer_bytes(&bench->bytes), HELD));
    assert_int_equal(run_on_chunk(bench, SNAPSHOT_JOB_LOAD, &chunk, BYTES_NONE), 0);
    assert_true(bytes_equal(buffer_bytes(&bench->bytes), bytes_of(file->live, file->live_bytes)));
    file->live[file->live_bytes / 2] ^= 1;
    assert_int_not_equal(run_on_chunk(bench, SNAPSHOT_JOB_VERIFY, &chunk, BYTES_NONE), 0);
    assert_int_not_equal(run_on_chunk(bench, SNAPSHOT_JOB_READ, &chunk, BYTES_NONE), 0);
    assert_int_not_equal(run_on_chunk(bench, SNAPSHOT_JOB_LOAD, &chunk, BYTES_NONE), 0);
}

/* The machine had more to save than a chunk may hold. */
static void test_a_chunk_that_is_too_long_is_not_saved(void **state) {
    struct bench *bench = *state;
    struct snapshot_job *job = new_job(bench, SNAPSHOT_JOB_SAVE);
    job->bytes.is_overflowed = true;
    assert_int_equal(run(bench, job), ERR_LIMIT);
    assert_int_equal(bench->fake.names.count, 0);
}

/* What came from elsewhere is looked at before it is written. */
static void test_a_chunk_is_stored_if_it_is_whole(void **state) {
    struct bench *bench = *state;
    struct buffer image;
    struct snapshot_chunk chunk = packed(HELD, &image);
    buffer_data(&image)[image.length / 2] ^= 1;
    assert_int_not_equal(run_on_chunk(bench, SNAPSHOT_JOB_STORE, &chunk, buffer_bytes(&image)), 0);
    assert_null(file_of(bench, &chunk));
    buffer_data(&image)[image.length / 2] ^= 1;
    assert_int_equal(run_on_chunk(bench, SNAPSHOT_JOB_STORE, &chunk, buffer_bytes(&image)), 0);
    assert_non_null(file_of(bench, &chunk));
    assert_int_equal(run_on_chunk(bench, SNAPSHOT_JOB_READ, &chunk, BYTES_NONE), 0);
    assert_true(bytes_equal(buffer_bytes(&bench->bytes), HELD));
    buffer_release(&image);
}

/* The disk refuses any call of either, the reading back too: that is told. */
static void test_no_failure_of_the_disk_is_lost(void **state) {
    struct bench *bench = *state;
    struct buffer image;
    struct snapshot_chunk chunk = packed(HELD, &image);
    const enum fake_call calls[] = {FAKE_OPEN,   FAKE_READ, FAKE_WRITE,
                                    FAKE_RENAME, FAKE_SYNC, FAKE_SYNC_DIRECTORY};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (calls[i] != FAKE_SYNC_DIRECTORY) { /* the manifest's writer syncs it */
            fake_disk_fail_call(&bench->fake, calls[i], 1);
            assert_int_equal(run_on_chunk(bench, SNAPSHOT_JOB_SAVE, &chunk, HELD), ERR_IO);
        }
        fake_disk_fail_call(&bench->fake, calls[i], 1);
        assert_int_equal(run_on_chunk(bench, SNAPSHOT_JOB_STORE, &chunk, buffer_bytes(&image)),
                         ERR_IO);
    }
    buffer_release(&image);
}

/* ---- manifests ---- */

static void test_a_manifest_is_named(void **state) {
    struct bench *bench = *state;
    struct buffer image;
    struct snapshot_chunk chunk = packed(HELD, &image);
    struct snapshot_manifest *manifest = manifest_of(&chunk, 1), *read;
    fake_disk_fail_call(&bench->fake, FAKE_READ, 1);
    assert_int_equal(run_on_manifest(bench, SNAPSHOT_JOB_NAME, manifest), ERR_IO);
    fake_disk_fail_call(&bench->fake, FAKE_SYNC_DIRECTORY, 1);
    assert_int_equal(run_on_manifest(bench, SNAPSHOT_JOB_NAME, manifest), ERR_IO);
    assert_int_equal(run_on_manifest(bench, SNAPSHOT_JOB_NAME, manifest), 0);
    assert_int_equal(snapshot_manifest_read(&bench->fake.disk, SHARD, INDEX, &read), 0);
    assert_true(snapshot_manifest_state_hash(read) == snapshot_manifest_state_hash(manifest));
    snapshot_manifest_free(read);
    snapshot_manifest_free(manifest);
    buffer_release(&image);
}

/* Of three chunks one is here, one is another shard's, and of one there is what a write left. The
 * one that is here was compressed otherwise: it is named as it is. */
static void test_chunks_that_are_here_are_found(void **state) {
    struct bench *bench = *state;
    struct disk *disk = &bench->fake.disk;
    struct buffer images[3];
    struct snapshot_chunk chunks[3] = {packed(HELD, &images[0]),
                                       packed(BYTES_LITERAL("elsewhere"), &images[1]),
                                       packed(BYTES_LITERAL("never whole"), &images[2])};
    assert_int_equal(snapshot_chunk_write(disk, SHARD, &chunks[0], buffer_bytes(&images[0])), 0);
    assert_int_equal(snapshot_chunk_write(disk, SHARD + 1, &chunks[1], buffer_bytes(&images[1])),
                     0);
    char name[DISK_NAME_MAXIMUM], new_name[DISK_NAME_MAXIMUM + 4];
    snapshot_chunk_name(SHARD, &chunks[2], name);
    snprintf(new_name, sizeof new_name, "%s.new", name);
    fake_disk_put(&bench->fake, new_name, buffer_bytes(&images[2]));
    struct snapshot_manifest *manifest = manifest_of(chunks, 3);
    manifest->chunks[0].stored_bytes++;
    manifest->chunks[0].stored_checksum++;
    assert_int_equal(run_on_manifest(bench, SNAPSHOT_JOB_FIND, manifest), 0);
    assert_true(bench->is_found[0]);
    assert_false(bench->is_found[1] || bench->is_found[2]);
    assert_int_equal(manifest->chunks[0].stored_bytes, chunks[0].stored_bytes);
    assert_true(manifest->chunks[0].stored_checksum == chunks[0].stored_checksum);
    fake_disk_fail_call(&bench->fake, FAKE_LIST, 1);
    assert_int_equal(run_on_manifest(bench, SNAPSHOT_JOB_FIND, manifest), ERR_IO);
    snapshot_manifest_free(manifest);
    for (unsigned i = 0; i < 3; i++)
        buffer_release(&images[i]);
}

/* A chunk that is here and cannot be opened for want of descriptors is not lacking, and fetching it
 * anew would want more of them. One that the disk cannot read may as well be fetched. */
static void test_a_chunk_that_cannot_be_looked_at_is_not_lacking(void **state) {
    struct bench *bench = *state;
    struct disk *disk = &bench->fake.disk;
    struct buffer image;
    struct snapshot_chunk chunk = packed(HELD, &image);
    assert_int_equal(snapshot_chunk_write(disk, SHARD, &chunk, buffer_bytes(&image)), 0);
    struct snapshot_manifest *manifest = manifest_of(&chunk, 1);
    const int of_process[] = {ERR_BUSY, ERR_REFUSED, ERR_NO_MEMORY};
    for (size_t i = 0; i < sizeof of_process / sizeof *of_process; i++) {
        bench->fake.no_open = of_process[i];
        assert_int_equal(run_on_manifest(bench, SNAPSHOT_JOB_FIND, manifest), of_process[i]);
    }
    bench->fake.no_open = ERR_IO;
    assert_int_equal(run_on_manifest(bench, SNAPSHOT_JOB_FIND, manifest), 0);
    assert_false(bench->is_found[0]);
    bench->fake.no_open = 0;
    assert_int_equal(run_on_manifest(bench, SNAPSHOT_JOB_FIND, manifest), 0);
    assert_true(bench->is_found[0]);
    snapshot_manifest_free(manifest);
    buffer_release(&image);
}

#define ON_A_DISK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

RUN_TESTS(ON_A_DISK(test_a_chunk_is_saved_and_read),
          ON_A_DISK(test_a_chunk_that_is_too_long_is_not_saved),
          ON_A_DISK(test_a_chunk_is_stored_if_it_is_whole),
          ON_A_DISK(test_no_failure_of_the_disk_is_lost), ON_A_DISK(test_a_manifest_is_named),
          ON_A_DISK(test_chunks_that_are_here_are_found),
          ON_A_DISK(test_a_chunk_that_cannot_be_looked_at_is_not_lacking))
