/* Plain writes, of which the log consists: past the page cache, by a thread or by an io_uring,
 * whole or refused. */
#include "base/memory.h"
#include "base/random.h"
#include "io/real/real_file.h"
#include "place.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

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
    struct place second = {.loop = place->loop, .disk = place_open(path, &place->loop)};
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
    second.disk = place_open(path, NULL);
    uint8_t expected[5028] = {0};
    memcpy(expected + 5000, "the last wordsthe last words", 28);
    assert_holds(second.disk, "log", expected, sizeof expected);
    second.disk->ops->close(file);
    assert_int_equal(second.disk->ops->remove(second.disk, "log"), 0);
    disk_real_close(second.disk);
    place_remove(path);
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

/* The file has holes up to there: no offset is cut to what fits into 32 bits, nor its sign lost. */
static void test_plain_writes_past_four_gib(void **state) {
    static const uint64_t far = (uint64_t)5 << 30, wrapped = (uint64_t)1 << 30;
    struct place *place = *state;
    const struct disk_ops *ops = place->disk->ops;
    const struct bytes pieces[] = {BYTES_LITERAL("front"), BYTES_LITERAL("back")};
    struct disk_file *file;
    uint8_t held[9];
    uint64_t bytes;
    size_t got;
    assert_int_equal(ops->open(place->disk, "far", DISK_CREATE, &file), 0);
    assert_int_equal(ops->write(file, far + FILE_BYTES, BYTES_LITERAL("end")), 0);
    ops->close(file);
    assert_int_equal(ops->open(place->disk, "far", DISK_OPEN_WRITE, &file), 0);
    assert_int_equal(write_plainly(place, file, far, pieces), 0);
    assert_int_equal(ops->size(file, &bytes), 0);
    assert_int_equal(bytes, far + FILE_BYTES + 3);
    assert_int_equal(ops->read(file, far, held, sizeof held, &got), 0);
    assert_int_equal(got, sizeof held);
    assert_memory_equal(held, "frontback", sizeof held);
    assert_int_equal(ops->read(file, wrapped, held, sizeof held, &got), 0);
    assert_memory_equal(held, "\0\0\0\0\0\0\0\0", sizeof held);
    ops->close(file);
    assert_int_equal(ops->remove(place->disk, "far"), 0);
}

RUN_TESTS(ON_BOTH(test_plain_writes_past_four_gib), ON_BOTH(test_plain_writes_of_any_length),
          ON_BOTH(test_plain_writes_at_the_end_of_a_file),
          cmocka_unit_test_setup_teardown(test_fills_a_reserved_file_as_it_is_written,
                                          place_set_up_ring, place_tear_down),
          ON_BOTH(test_a_busy_owner_does_not_make_the_disk_slow), ON_BOTH(test_a_write_that_fails),
          ON_BOTH(test_what_the_kernel_reports), ON_BOTH(test_closes_behind_a_write),
          ON_A_DISK(test_goes_on_without_a_ring))
