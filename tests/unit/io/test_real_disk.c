/* The real disk keeps to the door's words: on a directory of its own under the system's temporary
 * one. */
#include "../unit.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/random.h"
#include "io/real/real_clock.h"
#include "io/real/real_disk.h"
#include "io/real/real_file.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct place {
    bool has_ring;
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

/* The same disk, where plain writes go through an io_uring. */
static int setup_ring(void **state) {
    struct disk_real_problem problem;
    setup(state);
    struct place *place = *state;
    place->has_ring = disk_real_start_ring(place->disk, &problem) == 0;
    if (!place->has_ring)
        print_message("%s\n", problem.text);
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

/* Whole blocks of zeros go past the page cache: what stands before them stays, and they are seen by
 * who reads through it. */
static void test_preallocates_whole_blocks(void **state) {
    enum { KEPT = DISK_BLOCK_BYTES, END = (5 << 20) / 2 + DISK_BLOCK_BYTES };
    struct disk *disk = ((struct place *)*state)->disk;
    struct disk_file *file;
    static uint8_t kept[KEPT];
    memset(kept, 'x', sizeof kept);
    assert_int_equal(disk->ops->open(disk, "blocks", DISK_CREATE, &file), 0);
    assert_int_equal(disk->ops->write(file, 0, bytes_of(kept, sizeof kept)), 0);
    assert_int_equal(disk->ops->preallocate(file, END), 0);
    disk->ops->close(file);
    uint8_t *data;
    size_t length;
    assert_int_equal(disk_read_all(disk, "blocks", END, &data, &length), 0);
    assert_int_equal(length, END);
    for (size_t at = 0; at < length; at++)
        assert_int_equal(data[at], at < KEPT ? 'x' : 0);
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

/* ---- plain writes ---- */

enum { FILE_BYTES = 300000, PLAIN_WRITES = 300 };

struct plain {
    struct disk_job job;
    struct disk_write write;
    struct disk *disk;
    bool is_done;
    int status;
};

static int plain_run(struct disk_job *job) {
    const struct plain *plain = (struct plain *)(void *)job;
    const struct disk_write *write = &plain->write;
    return plain->disk->ops->write_durable(write->file, write->offset, write->pieces, write->count);
}

static void plain_done(struct disk_job *job, int status) {
    struct plain *plain = (struct plain *)(void *)job;
    plain->is_done = true;
    plain->status = status;
}

static void plain_submit(struct plain *plain, struct place *place, struct disk_file *file,
                         uint64_t offset, const struct bytes *pieces) {
    *plain = (struct plain){.job = {.run = plain_run, .done = plain_done, .lane = DISK_LANE_LOG},
                            .write = {.file = file, .offset = offset, .pieces = pieces, .count = 2},
                            .disk = place->disk};
    plain->job.write = &plain->write;
    place->disk->ops->submit(place->disk, &plain->job);
}

static int write_plainly(struct place *place, struct disk_file *file, uint64_t offset,
                         const struct bytes *pieces) {
    struct plain plain;
    plain_submit(&plain, place, file, offset, pieces);
    while (!plain.is_done)
        uv_run(&place->loop, UV_RUN_ONCE);
    return plain.status;
}

static struct disk_file *preallocated(struct disk *disk, const char *name, uint64_t bytes) {
    struct disk_file *file;
    assert_int_equal(disk->ops->open(disk, name, DISK_CREATE, &file), 0);
    assert_int_equal(disk->ops->preallocate(file, bytes), 0);
    return file;
}

static void assert_holds(struct disk *disk, const char *name, const uint8_t *expected,
                         size_t length) {
    uint8_t *data;
    size_t got;
    assert_int_equal(disk_read_all(disk, name, FILE_BYTES * 2, &data, &got), 0);
    assert_true(got >= length);
    assert_memory_equal(data, expected, length);
    memory_free(data);
}

/* Writes of any length, one behind the other as a log is written, over blocks that are full and
 * blocks that are not; now and then over the last one again, with the file opened anew, or changed
 * by a plain write(). */
static void test_plain_writes_of_any_length(void **state) {
    struct place *place = *state;
    struct disk *disk = place->disk;
    struct disk_file *file = preallocated(disk, "log", FILE_BYTES);
    struct random random;
    static uint8_t expected[FILE_BYTES], data[9000];
    uint64_t end = 0, last = 0;
    memset(expected, 0, sizeof expected);
    random_init(&random, 7);
    for (unsigned i = 0; i < PLAIN_WRITES && end + sizeof data < FILE_BYTES; i++) {
        uint64_t offset = random_chance(&random, 0.1) ? last : end;
        size_t length = (size_t)random_between(&random, 1, i % 5 ? 900 : sizeof data);
        size_t first = (size_t)random_below(&random, length);
        memset(data, (int)i + 1, length);
        struct bytes pieces[] = {bytes_of(data, first), bytes_of(data + first, length - first)};
        assert_int_equal(write_plainly(place, file, offset, pieces), 0);
        memcpy(expected + offset, data, length);
        last = offset;
        end = offset + length;
        if (i % 16 == 7) {
            assert_int_equal(disk->ops->write(file, offset, BYTES_LITERAL("x")), 0);
            expected[offset] = 'x';
        }
        if (i % 16 == 15) {
            disk->ops->close(file);
            assert_int_equal(disk->ops->open(disk, "log", DISK_OPEN_WRITE, &file), 0);
        }
        if (i % 8 == 0)
            assert_holds(disk, "log", expected, (size_t)end);
    }
    disk->ops->close(file);
    assert_holds(disk, "log", expected, (size_t)end);
}

/* As long as the disk itself says that a write took, whose owner looks only now and then. */
static uint64_t durable_write_us(struct place *place, struct disk_file *file, unsigned busy_us) {
    struct bytes pieces[] = {BYTES_LITERAL("nearly "), BYTES_LITERAL("there")};
    struct plain plain;
    uint64_t write_us, sync_us;
    plain_submit(&plain, place, file, 0, pieces);
    while (!plain.is_done) {
        usleep(busy_us);
        disk_real_look(place->disk);
    }
    assert_int_equal(plain.status, 0);
    place->disk->ops->durable_times(place->disk, &write_us, &sync_us);
    return write_us + sync_us;
}

/* The owner does something else for a while, and the write ends meanwhile, be it by a thread or by
 * the kernel: the time that the owner took is not the disk's. A busy disk may be slow at times. */
static void test_a_busy_owner_does_not_make_the_disk_slow(void **state) {
    enum { BUSY_US = 200 * 1000, TRIES = 100 };
    struct place *place = *state;
    struct disk_file *file = preallocated(place->disk, "log", FILE_BYTES);
    uint64_t least_us = UINT64_MAX;
    for (unsigned i = 0; i < TRIES && least_us > BUSY_US / 2; i++) {
        uint64_t took_us = durable_write_us(place, file, BUSY_US);
        least_us = took_us < least_us ? took_us : least_us;
    }
    assert_in_range(least_us, 1, BUSY_US / 2);
    place->disk->ops->close(file);
}

/* Where a file begins that nobody has written: there the file system may have reserved only. */
static uint64_t hole_of(const struct place *place, const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", place->path, name);
    int file = open(path, O_RDONLY);
    off_t hole = lseek(file, 0, SEEK_HOLE);
    assert_true(file >= 0 && hole >= 0);
    close(file);
    return (uint64_t)hole;
}

/* A log past the page cache fills its file as it goes, so that nothing is written twice: small
 * writes some way ahead, a large one no more than itself, and none what is filled already. */
static void test_fills_a_reserved_file_as_it_is_written(void **state) {
    enum { FILL = DISK_REAL_FILL_BYTES, LARGE = DISK_REAL_LARGE_BYTES, BYTES = 4 * FILL };
    struct place *place = *state;
    struct disk *disk = place->disk;
    struct disk_file *file = preallocated(disk, "log", BYTES);
    bool is_filled_ahead = hole_of(place, "log") == BYTES;
    if (is_filled_ahead || !place->has_ring) {
        print_message("skipped: without io_uring, or here, files are filled ahead\n");
        disk->ops->close(file);
        return;
    }
    static uint8_t large[LARGE], expected[BYTES];
    memset(large, 'x', sizeof large);
    struct bytes small[] = {BYTES_LITERAL("a "), BYTES_LITERAL("step")};
    const struct bytes leap[] = {bytes_of(large, LARGE), BYTES_NONE};
    const struct {
        const struct bytes *pieces;
        uint64_t offset, hole;
    } steps[] = {{small, 0, FILL},
                 {small, 6, FILL},
                 {small, FILL - 6, FILL},
                 {small, FILL - 2, 2 * FILL},
                 {leap, 2 * FILL, 2 * FILL + LARGE},
                 {leap, 2 * FILL + LARGE - DISK_BLOCK_BYTES, 3 * FILL + LARGE},
                 {small, 3 * FILL + LARGE, BYTES},
                 {small, 100, BYTES}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_int_equal(write_plainly(place, file, steps[i].offset, steps[i].pieces), 0);
        assert_int_equal(hole_of(place, "log"), steps[i].hole);
        uint8_t *at = expected + steps[i].offset;
        memcpy(at, steps[i].pieces[0].data, steps[i].pieces[0].length);
        if (steps[i].pieces == small)
            memcpy(at + 2, "step", 4);
        disk->ops->close(file); /* what is filled is found again */
        assert_int_equal(disk->ops->open(disk, "log", DISK_OPEN_WRITE, &file), 0);
    }
    disk->ops->close(file);
    uint8_t *data;
    size_t got;
    assert_int_equal(disk_read_all(disk, "log", BYTES, &data, &got), 0);
    assert_int_equal(got, BYTES);
    assert_memory_equal(data, expected, BYTES);
    memory_free(data);
}

/* The last block of a file that is no multiple of blocks, and what lies behind its end. */
static void test_plain_writes_at_the_end_of_a_file(void **state) {
    struct place *place = *state;
    struct disk_file *file = preallocated(place->disk, "log", 10000);
    uint64_t bytes;
    for (unsigned i = 0; i < 3; i++) {
        struct bytes pieces[] = {BYTES_LITERAL("nearly "), BYTES_LITERAL("there")};
        assert_int_equal(write_plainly(place, file, 9950 + i * 24, pieces), 0);
    }
    assert_int_equal(place->disk->ops->size(file, &bytes), 0);
    assert_int_equal(bytes, 10010);
    place->disk->ops->close(file);
    uint8_t expected[10010] = {0};
    for (unsigned i = 0; i < 3; i++)
        memcpy(expected + 9950 + i * 24, "nearly there", 12);
    assert_holds(place->disk, "log", expected, sizeof expected);
}

/* What the kernel refuses is an error, and is not tried again. */
static void test_a_write_that_fails(void **state) {
    struct place *place = *state;
    struct disk_file *file = preallocated(place->disk, "log", FILE_BYTES);
    struct bytes pieces[] = {BYTES_LITERAL("to be"), BYTES_LITERAL(" lost")};
    struct rlimit whole, short_files = {.rlim_cur = 8192, .rlim_max = RLIM_INFINITY};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &whole), 0);
    short_files.rlim_max = whole.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(write_plainly(place, file, 0, pieces), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &short_files), 0);
    int status = write_plainly(place, file, 100000, pieces);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &whole), 0);
    assert_int_equal(status, ERR_IO);
    place->disk->ops->close(file);
}

/* How an asynchronous write may end. */
static void test_what_the_kernel_reports(void **state) {
    struct place *place = *state;
    struct disk_file *file = preallocated(place->disk, "log", FILE_BYTES);
    static uint8_t block[DISK_BLOCK_BYTES];
    struct direct_write write = {.bytes = bytes_of(block, sizeof block)};
    const struct {
        int64_t result;
        int status;
        bool is_repeated;
    } ends[] = {{DISK_BLOCK_BYTES, 0, false},
                {-EIO, ERR_IO, false},
                {-ENOSPC, ERR_NO_SPACE, false},
                {512, 0, true},
                {-EINTR, 0, true},
                {-EAGAIN, 0, true},
                {-EINVAL, 0, true}};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        bool is_repeated;
        assert_int_equal(disk_real_file_written(file, &write, ends[i].result, &is_repeated),
                         ends[i].status);
        assert_int_equal(is_repeated, ends[i].is_repeated);
    }
    assert_int_equal(disk_real_file_direct(file), -1); /* a file system that refused */
    place->disk->ops->close(file);
}

/* A write that is under way when the disk is closed is finished and reported; one that waits behind
 * a job of its lane does not overtake it. */
static void test_closes_behind_a_write(void **state) {
    struct place *place = *state;
    char path[128];
    struct disk_real_problem problem;
    snprintf(path, sizeof path, "%s/a/b/c", place->parent);
    struct place second = {.loop = place->loop, .disk = open_at(path, &place->loop)};
    if (place->has_ring)
        assert_int_equal(disk_real_start_ring(second.disk, &problem), 0);
    struct disk_file *file = preallocated(second.disk, "log", FILE_BYTES);
    struct bytes pieces[] = {BYTES_LITERAL("the last "), BYTES_LITERAL("words")};
    struct plain plains[2];
    plain_submit(&plains[0], &second, file, 5000, pieces);
    plain_submit(&plains[1], &second, file, 5014, pieces);
    disk_real_close(second.disk);
    assert_true(plains[0].is_done && plains[1].is_done);
    assert_int_equal(plains[0].status | plains[1].status, 0);
    uv_run(&place->loop, UV_RUN_NOWAIT);
    second.disk = open_at(path, NULL);
    uint8_t expected[5028] = {0};
    memcpy(expected + 5000, "the last wordsthe last words", 28);
    assert_holds(second.disk, "log", expected, sizeof expected);
    second.disk->ops->close(file);
    assert_int_equal(second.disk->ops->remove(second.disk, "log"), 0);
    disk_real_close(second.disk);
    strcat(path, "/LOCK");
    assert_int_equal(unlink(path), 0);
    path[strlen(path) - 5] = 0;
    assert_int_equal(rmdir(path), 0);
}

/* Where the kernel gives no io_uring the disk says why, and goes on as it was. */
static void test_goes_on_without_a_ring(void **state) {
    struct place *place = *state;
    struct disk_real_problem problem;
    struct rlimit whole, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &whole), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = whole.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int status = disk_real_start_ring(place->disk, &problem);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &whole), 0);
    assert_int_not_equal(status, 0);
    assert_non_null(strstr(problem.text, "io_uring: "));
    test_plain_writes_at_the_end_of_a_file(state);
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

#define ON_A_DISK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
/* By its thread, and by io_uring. */
#define ON_BOTH(test)                                                                              \
    {"thread: " #test, test, setup, teardown, NULL}, {                                             \
        "io_uring: " #test, test, setup_ring, teardown, NULL                                       \
    }
RUN_TESTS(ON_A_DISK(test_reads_back_what_it_wrote),
          ON_A_DISK(test_preallocates_zeros_behind_what_is_there),
          ON_BOTH(test_preallocates_whole_blocks), ON_A_DISK(test_replaces_whole_files),
          ON_A_DISK(test_is_locked), ON_A_DISK(test_opens_to_read),
          ON_BOTH(test_runs_jobs_of_a_lane_in_order), ON_BOTH(test_finishes_jobs_when_closed),
          ON_BOTH(test_measures_a_round), ON_BOTH(test_runs_here_what_is_awaited),
          ON_BOTH(test_plain_writes_of_any_length), ON_BOTH(test_plain_writes_at_the_end_of_a_file),
          cmocka_unit_test_setup_teardown(test_fills_a_reserved_file_as_it_is_written, setup_ring,
                                          teardown),
          ON_BOTH(test_a_busy_owner_does_not_make_the_disk_slow), ON_BOTH(test_a_write_that_fails),
          ON_BOTH(test_what_the_kernel_reports), ON_BOTH(test_closes_behind_a_write),
          ON_A_DISK(test_goes_on_without_a_ring))
