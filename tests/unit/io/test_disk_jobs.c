/* Jobs of the real disk: on the threads of their lanes, in order, reported to the loop that gave
 * them, and how long the way there and back takes. */
#include "base/check.h"
#include "io/real/real_clock.h"
#include "place.h"

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
    struct disk *disk = place_open(path, &place->loop);
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
    place_remove(path);
}

/* ---- how long a round takes ---- */

enum { ROUNDS = 200, ROUND_BYTES = 600 };

struct timed {
    struct disk_job job;
    struct disk *disk;
    struct disk_file *file;
    struct disk_write write;
    struct clock clock;
    uint64_t offset, begun_us, inside_us, whole_us;
    unsigned left;
};

static int timed_run(struct disk_job *job) {
    const struct disk_write *write = &((struct timed *)(void *)job)->write;
    return ((struct timed *)(void *)job)
        ->disk->ops->write_durable(write->file, write->offset, write->pieces, write->count);
}

static void timed_start(struct timed *timed) {
    static const uint8_t data[ROUND_BYTES];
    static const struct bytes piece = {.data = data, .length = sizeof data};
    timed->write = (struct disk_write){
        .file = timed->file, .offset = timed->offset, .pieces = &piece, .count = 1};
    timed->offset += ROUND_BYTES;
    timed->job.write = &timed->write;
    timed->begun_us = timed->clock.monotonic_us(&timed->clock);
    timed->disk->ops->submit(timed->disk, &timed->job);
}

static void timed_done(struct disk_job *job, int status) {
    struct timed *timed = (struct timed *)(void *)job;
    CHECK(status == 0);
    uint64_t write_us, sync_us;
    timed->disk->ops->durable_times(timed->disk, &write_us, &sync_us);
    timed->inside_us += write_us + sync_us;
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
    print_message(
        "a round of %d bytes by %s: %llu us on the disk, %llu us more to go there and back\n",
        ROUND_BYTES, place->has_ring ? "io_uring" : "a thread",
        (unsigned long long)(timed.inside_us / ROUNDS),
        (unsigned long long)((timed.whole_us - timed.inside_us) / ROUNDS));
}

RUN_TESTS(ON_BOTH(test_runs_jobs_of_a_lane_in_order), ON_BOTH(test_finishes_jobs_when_closed),
          ON_BOTH(test_measures_a_round), ON_BOTH(test_runs_here_what_is_awaited))
