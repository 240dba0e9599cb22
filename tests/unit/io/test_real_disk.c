/* The real disk keeps to the door's words: on a directory of its own under the system's temporary
 * one. */
#include "../unit.h"
#include "base/check.h"
#include "base/memory.h"
#include "io/real/real_clock.h"
#include "io/real/real_disk.h"
#include <stdlib.h>
#include <unistd.h>

struct place {
    char parent[64];
    char path[96];
    uv_loop_t loop;
    struct disk *disk;
};

static struct disk *open_at(const char *path, uv_loop_t *loop) {
    struct disk *disk;
    struct disk_real_problem problem;
    int status = disk_real_open(path, loop, &disk, &problem);
    if (status)
        print_message("%s\n", problem.text);
    assert_int_equal(status, 0);
    return disk;
}

static int setup(void **state) {
    struct place *place = memory_allocate_zeroed(1, sizeof *place);
    strcpy(place->parent, "/tmp/trothdb-test-disk-XXXXXX");
    CHECK(mkdtemp(place->parent) != NULL);
    snprintf(place->path, sizeof place->path, "%s/a/b", place->parent);
    CHECK(uv_loop_init(&place->loop) == 0);
    place->disk = open_at(place->path, &place->loop);
    *state = place;
    return 0;
}

static void remove_listed(void *context, const char *name) {
    struct disk *disk = context;
    CHECK(disk->ops->remove(disk, name) == 0);
}

static int teardown(void **state) {
    struct place *place = *state;
    CHECK(place->disk->ops->list(place->disk, remove_listed, place->disk) == 0);
    disk_real_close(place->disk);
    uv_run(&place->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&place->loop) == 0);
    char name[128];
    snprintf(name, sizeof name, "%s/LOCK", place->path);
    unlink(name);
    rmdir(place->path);
    snprintf(name, sizeof name, "%s/a", place->parent);
    rmdir(name);
    CHECK(rmdir(place->parent) == 0);
    memory_free(place);
    return 0;
}

static void test_reads_back_what_it_wrote(void **state) {
    struct disk *disk = ((struct place *)*state)->disk;
    struct disk_file *file;
    uint8_t got_bytes[16];
    size_t got;
    assert_int_equal(disk->ops->open(disk, "one", DISK_OPEN_READ, &file), ERR_NOT_FOUND);
    assert_int_equal(disk->ops->open(disk, "one", DISK_OPEN_WRITE, &file), ERR_NOT_FOUND);
    assert_int_equal(disk->ops->open(disk, "one", DISK_CREATE, &file), 0);
    assert_int_equal(disk->ops->write(file, 3, BYTES_LITERAL("hello")), 0);
    assert_int_equal(disk->ops->sync(file), 0);
    assert_int_equal(disk->ops->read(file, 1, got_bytes, sizeof got_bytes, &got), 0);
    assert_int_equal(got, 7);
    assert_memory_equal(got_bytes, "\0\0hello", 7);
    assert_int_equal(disk->ops->read(file, 9, got_bytes, 4, &got), 0);
    assert_int_equal(got, 0);
    disk->ops->close(file);
    assert_int_equal(disk->ops->open(disk, "one", DISK_CREATE, &file), ERR_EXISTS);
}

static void test_preallocates_zeros_behind_what_is_there(void **state) {
    struct disk *disk = ((struct place *)*state)->disk;
    struct disk_file *file;
    uint64_t bytes;
    assert_int_equal(disk->ops->open(disk, "segment", DISK_CREATE, &file), 0);
    assert_int_equal(disk->ops->write(file, 0, BYTES_LITERAL("kept")), 0);
    assert_int_equal(disk->ops->preallocate(file, 3000001), 0);
    assert_int_equal(disk->ops->size(file, &bytes), 0);
    assert_int_equal(bytes, 3000001);
    assert_int_equal(disk->ops->preallocate(file, 10), 0);
    disk->ops->close(file);
    uint8_t *data;
    size_t length;
    assert_int_equal(disk_read_all(disk, "segment", 3000000, &data, &length), ERR_LIMIT);
    assert_int_equal(disk_read_all(disk, "segment", 3000001, &data, &length), 0);
    assert_int_equal(length, 3000001);
    assert_memory_equal(data, "kept\0\0", 6);
    assert_int_equal(data[length - 1], 0);
    memory_free(data);
}

static void collect(void *context, const char *name) {
    strcat(context, name);
    strcat(context, " ");
}

static void test_replaces_whole_files(void **state) {
    struct disk *disk = ((struct place *)*state)->disk;
    uint8_t *data;
    size_t length;
    assert_int_equal(disk_write_all(disk, "b.new", BYTES_LITERAL("in the way")), 0);
    assert_int_equal(disk_write_all(disk, "b", BYTES_LITERAL("old and longer")), 0);
    assert_int_equal(disk_write_all(disk, "b", BYTES_LITERAL("new")), 0);
    assert_int_equal(disk_write_all(disk, "a", BYTES_NONE), 0);
    assert_int_equal(disk_read_all(disk, "b", 100, &data, &length), 0);
    assert_int_equal(length, 3);
    assert_memory_equal(data, "new", 3);
    memory_free(data);
    char names[100] = "";
    assert_int_equal(disk->ops->list(disk, collect, names), 0);
    assert_string_equal(names, "a b ");
    assert_int_equal(disk->ops->remove(disk, "a"), 0);
    assert_int_equal(disk->ops->remove(disk, "a"), ERR_NOT_FOUND);
    assert_int_equal(disk->ops->rename(disk, "a", "c"), ERR_NOT_FOUND);
}

static void test_is_locked(void **state) {
    struct place *place = *state;
    struct disk *second;
    struct disk_real_problem problem;
    assert_int_equal(disk_real_open(place->path, NULL, &second, &problem), ERR_BUSY);
    assert_non_null(strstr(problem.text, place->path));
    assert_non_null(strstr(problem.text, "in use by another process"));
    assert_int_equal(disk_real_open("/proc/nothing/here", NULL, &second, &problem), ERR_NOT_FOUND);
    assert_non_null(strstr(problem.text, "cannot make the directory /proc/nothing/here"));
}

/* Whoever only looks makes no directory, disturbs no other reader, and is no owner's guest. */
static void test_opens_to_read(void **state) {
    struct place *place = *state;
    struct disk *first, *second;
    struct disk_real_problem problem;
    assert_int_equal(disk_real_open_to_read(place->path, &first, &problem), ERR_BUSY);
    assert_non_null(strstr(problem.text, "in use by another process"));
    char path[300];
    snprintf(path, sizeof path, "%s/inner", place->path);
    assert_int_equal(disk_real_open_to_read(path, &first, &problem), ERR_NOT_FOUND);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(disk_real_open(path, NULL, &first, &problem), 0);
    disk_real_close(first);
    assert_int_equal(disk_real_open_to_read(path, &first, &problem), 0);
    assert_int_equal(disk_real_open_to_read(path, &second, &problem), 0);
    struct disk *owner;
    assert_int_equal(disk_real_open(path, NULL, &owner, &problem), ERR_BUSY);
    disk_real_close(first);
    disk_real_close(second);
    char lock[320];
    snprintf(lock, sizeof lock, "%s/LOCK", path);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(rmdir(path), 0);
}

/* ---- jobs ---- */

struct note {
    struct disk_job job;
    uv_thread_t loop_thread;
    unsigned *order; /* guarded by the lane: one job at a time */
    unsigned ran_as, done_as;
    unsigned *done_order;
};

static int note_run(struct disk_job *job) {
    struct note *note = (struct note *)(void *)job;
    uv_thread_t self = uv_thread_self();
    CHECK(!uv_thread_equal(&self, &note->loop_thread));
    note->ran_as = ++*note->order;
    return -(int)note->ran_as;
}

static void note_done(struct disk_job *job, int status) {
    struct note *note = (struct note *)(void *)job;
    uv_thread_t self = uv_thread_self();
    CHECK(uv_thread_equal(&self, &note->loop_thread));
    CHECK(status == -(int)note->ran_as);
    note->done_as = ++*note->done_order;
}

enum { NOTES = 100 };

static void test_runs_jobs_of_a_lane_in_order(void **state) {
    struct place *place = *state;
    struct note notes[NOTES];
    unsigned orders[DISK_LANE_COUNT] = {0}, done_order = 0;
    for (unsigned i = 0; i < NOTES; i++) {
        enum disk_lane lane = i % 2 ? DISK_LANE_LOG : DISK_LANE_BULK;
        notes[i] = (struct note){.job = {.run = note_run, .done = note_done, .lane = lane},
                                 .loop_thread = uv_thread_self(),
                                 .order = &orders[lane],
                                 .done_order = &done_order};
        place->disk->ops->submit(place->disk, &notes[i].job);
    }
    while (done_order < NOTES)
        uv_run(&place->loop, UV_RUN_ONCE);
    for (unsigned i = 0; i < NOTES; i++) {
        assert_int_equal(notes[i].ran_as, i / 2 + 1);
        if (i >= 2)
            assert_true(notes[i].done_as > notes[i - 2].done_as);
    }
}

static int note_run_here(struct disk_job *job) {
    struct note *note = (struct note *)(void *)job;
    uv_thread_t self = uv_thread_self();
    CHECK(uv_thread_equal(&self, &note->loop_thread));
    note->ran_as = ++*note->order;
    return -(int)note->ran_as;
}

/* A job that is awaited runs at once and is reported when the owner asks; not so while another of
 * its lane is under way, which it must not overtake. */
static void test_runs_here_what_is_awaited(void **state) {
    struct place *place = *state;
    unsigned order = 0, done_order = 0;
    struct note note = {
        .job = {.run = note_run_here, .done = note_done, .lane = DISK_LANE_LOG, .is_awaited = true},
        .loop_thread = uv_thread_self(),
        .order = &order,
        .done_order = &done_order};
    assert_false(disk_real_deliver(place->disk));
    place->disk->ops->submit(place->disk, &note.job);
    assert_int_equal(note.ran_as, 1);
    assert_int_equal(note.done_as, 0);
    assert_true(disk_real_deliver(place->disk));
    assert_int_equal(note.done_as, 1);

    struct note earlier = note, later = note;
    earlier.job.is_awaited = false;
    earlier.job.run = later.job.run = note_run;
    place->disk->ops->submit(place->disk, &earlier.job);
    place->disk->ops->submit(place->disk, &later.job);
    assert_false(disk_real_deliver(place->disk));
    while (done_order < 3)
        uv_run(&place->loop, UV_RUN_ONCE);
    assert_true(later.ran_as > earlier.ran_as);
}

/* Closing runs what was submitted and says so. */
static void test_finishes_jobs_when_closed(void **state) {
    struct place *place = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/a/b/c", place->parent);
    struct disk *disk = open_at(path, &place->loop);
    struct note notes[NOTES];
    unsigned order = 0, done_order = 0;
    for (unsigned i = 0; i < NOTES; i++) {
        notes[i] = (struct note){.job = {.run = note_run, .done = note_done, .lane = DISK_LANE_LOG},
                                 .loop_thread = uv_thread_self(),
                                 .order = &order,
                                 .done_order = &done_order};
        disk->ops->submit(disk, &notes[i].job);
    }
    disk_real_close(disk);
    assert_int_equal(done_order, NOTES);
    uv_run(&place->loop, UV_RUN_NOWAIT);
    strcat(path, "/LOCK");
    assert_int_equal(unlink(path), 0);
    path[strlen(path) - 5] = 0;
    assert_int_equal(rmdir(path), 0);
}

/* ---- how long a round takes ---- */

enum { ROUNDS = 200, ROUND_BYTES = 600 };

struct timed {
    struct disk_job job;
    struct disk *disk;
    struct disk_file *file;
    struct clock clock;
    uint64_t offset, begun_us, inside_us, whole_us;
    unsigned left;
};

static int timed_run(struct disk_job *job) {
    struct timed *timed = (struct timed *)(void *)job;
    static const uint8_t data[ROUND_BYTES];
    uint64_t begun = timed->clock.monotonic_us(&timed->clock);
    int status = timed->disk->ops->write(timed->file, timed->offset, bytes_of(data, sizeof data));
    if (status == 0)
        status = timed->disk->ops->sync(timed->file);
    timed->offset += ROUND_BYTES;
    timed->inside_us += timed->clock.monotonic_us(&timed->clock) - begun;
    return status;
}

static void timed_start(struct timed *timed) {
    timed->begun_us = timed->clock.monotonic_us(&timed->clock);
    timed->disk->ops->submit(timed->disk, &timed->job);
}

static void timed_done(struct disk_job *job, int status) {
    struct timed *timed = (struct timed *)(void *)job;
    CHECK(status == 0);
    timed->whole_us += timed->clock.monotonic_us(&timed->clock) - timed->begun_us;
    if (--timed->left)
        timed_start(timed);
}

/* Prints rather than asserts: the machine may be busy. */
static void test_measures_a_round(void **state) {
    struct place *place = *state;
    struct timed timed = {.job = {.run = timed_run, .done = timed_done, .lane = DISK_LANE_LOG},
                          .disk = place->disk,
                          .left = ROUNDS};
    clock_real_init(&timed.clock);
    assert_true(timed.clock.wall_ms(&timed.clock) > 1000000000000);
    assert_int_equal(place->disk->ops->open(place->disk, "rounds", DISK_CREATE, &timed.file), 0);
    assert_int_equal(place->disk->ops->preallocate(timed.file, ROUNDS * ROUND_BYTES), 0);
    timed_start(&timed);
    while (timed.left)
        uv_run(&place->loop, UV_RUN_ONCE);
    place->disk->ops->close(timed.file);
    print_message("a round of %d bytes: %llu us on the disk, %llu us more to go there and back\n",
                  ROUND_BYTES, (unsigned long long)(timed.inside_us / ROUNDS),
                  (unsigned long long)((timed.whole_us - timed.inside_us) / ROUNDS));
}

#define ON_A_DISK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
RUN_TESTS(ON_A_DISK(test_reads_back_what_it_wrote),
          ON_A_DISK(test_preallocates_zeros_behind_what_is_there),
          ON_A_DISK(test_replaces_whole_files), ON_A_DISK(test_is_locked),
          ON_A_DISK(test_opens_to_read), ON_A_DISK(test_runs_jobs_of_a_lane_in_order),
          ON_A_DISK(test_finishes_jobs_when_closed), ON_A_DISK(test_measures_a_round),
          ON_A_DISK(test_runs_here_what_is_awaited))
