/* The real disk keeps to the door's words about files: written, preallocated, replaced, locked. */
#include "base/memory.h"
#include "io/real/real_file.h"
#include "place.h"
#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

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
    place_remove(path);
}

/* Only of the disk itself it is said that it fails: what that cannot read is given up. */
static void test_a_failing_disk_is_told_from_a_missing_right(void **state) {
    struct place *place = *state;
    static const struct {
        int error, code;
    } told[] = {{EIO, ERR_IO},           {ENXIO, ERR_IO},        {ENOSPC, ERR_NO_SPACE},
                {EDQUOT, ERR_NO_SPACE},  {EACCES, ERR_REFUSED},  {EPERM, ERR_REFUSED},
                {EROFS, ERR_REFUSED},    {EMFILE, ERR_BUSY},     {ENFILE, ERR_BUSY},
                {ENOMEM, ERR_NO_MEMORY}, {ENOENT, ERR_NOT_FOUND}};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        assert_int_equal(disk_real_error(told[i].error), told[i].code);

    struct rlimit limit, none;
    struct disk_file *file;
    uint8_t *data;
    size_t length;
    assert_int_equal(disk_write_all(place->disk, "file", BYTES_LITERAL("text")), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int opened = place->disk->ops->open(place->disk, "file", DISK_OPEN_READ, &file);
    int read = disk_read_all(place->disk, "file", 10, &data, &length);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(opened, ERR_BUSY);
    assert_int_equal(read, ERR_BUSY);
    assert_int_equal(place->disk->ops->remove(place->disk, "file"), 0);
}

RUN_TESTS(ON_A_DISK(test_reads_back_what_it_wrote),
          ON_A_DISK(test_a_failing_disk_is_told_from_a_missing_right),
          ON_A_DISK(test_preallocates_zeros_behind_what_is_there),
          ON_BOTH(test_preallocates_whole_blocks), ON_A_DISK(test_replaces_whole_files),
          ON_A_DISK(test_is_locked), ON_A_DISK(test_opens_to_read))
