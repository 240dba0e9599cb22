/* Blobs as files, on a disk that refuses one call, whichever, and beside another node that puts the
 * same: a blob is there as a whole or not at all, and a listing that breaks off is no listing. */
#include "../unit.h"
#include "base/memory.h"
#include "failing_calls.h"
#include "io/real/real_blob.h"
#include <ftw.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { CALLS_MAXIMUM = 200, BLOBS = 3, LARGE_BYTES = 1 << 20, ROUNDS = 40 };
static const char *const NAMES[BLOBS] = {"a/log/1", "a/log/2", "b/chunk/3.0"};

struct place {
    char path[64];
    struct blob_store *store;
    struct blob_problem problem;
};

static struct blob_store *opened(const char *path) {
    struct blob_store *store;
    struct blob_problem problem;
    assert_int_equal(blob_directory_open(path, NULL, &store, &problem), 0);
    return store;
}

static int set_up(void **state) {
    struct place *place = memory_allocate_zeroed(1, sizeof *place);
    strcpy(place->path, "/tmp/trothdb-blobs-XXXXXX");
    assert_non_null(mkdtemp(place->path));
    place->store = opened(place->path);
    *state = place;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static int tear_down(void **state) {
    struct place *place = *state;
    place->store->ops->close(place->store);
    int status = nftw(place->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    memory_free(place);
    return status;
}

/* What a call said is true: a sentence if it failed, and only then. */
static int told(struct place *place, int code) {
    assert_int_equal(place->problem.text[0] != 0, code != 0);
    place->problem.text[0] = 0;
    return code;
}

static int put(struct place *place, const char *name, const char *text) {
    return told(place,
                place->store->ops->put(place->store, name, bytes_of_text(text), &place->problem));
}

/* -1: it is not there; else whether it holds this. */
static int holds(struct place *place, const char *name, const char *text) {
    struct buffer got;
    buffer_init(&got, 4096);
    int code = told(place, place->store->ops->get(place->store, name, &got, &place->problem));
    assert_true(code == 0 || code == ERR_NOT_FOUND);
    int result = code ? -1 : bytes_equal(buffer_bytes(&got), bytes_of_text(text));
    buffer_release(&got);
    return result;
}

static int count_one(void *context, const char *name, uint64_t bytes) {
    (void)name, (void)bytes;
    ++*(unsigned *)context;
    return 0;
}

static int list(struct place *place, unsigned *count) {
    *count = 0;
    return told(place,
                place->store->ops->list(place->store, "", count_one, count, &place->problem));
}

static bool is_there(const char *path, const char *name) {
    char whole[128];
    snprintf(whole, sizeof whole, "%s/%s", path, name);
    return access(whole, F_OK) == 0;
}

/* ---- one call fails ---- */

/* The first put of all, which makes directories as well. What was made and is not durable may not
 * stay: the next put would trust it. */
static bool fail_first_put(enum failing_call call, unsigned nth) {
    struct place *place;
    set_up((void **)&place);
    failing_calls_fail(call, nth);
    int code = put(place, NAMES[0], "new");
    bool is_hit = failing_calls_is_hit();
    failing_calls_fail(call, 0);
    assert_true(code == 0 || is_hit);
    if (code == 0)
        assert_int_equal(holds(place, NAMES[0], "new"), 1);
    else
        assert_int_not_equal(holds(place, NAMES[0], "new"), 0);
    if (code && call == CALL_SYNC && nth <= 2)
        assert_false(is_there(place->path, nth == 1 ? "a" : "a/log"));
    assert_int_equal(put(place, NAMES[0], "newer"), 0);
    assert_int_equal(holds(place, NAMES[0], "newer"), 1);
    tear_down((void **)&place);
    return is_hit;
}

static void test_any_one_call_of_the_first_put_fails(void **state) {
    (void)state;
    unsigned failures = 0;
    for (enum failing_call call = 0; call < CALL_COUNT; call++)
        for (unsigned nth = 1; fail_first_put(call, nth); nth++, failures++)
            assert_true(nth < CALLS_MAXIMUM);
    assert_true(failures > 8);
}

static bool fail_put(struct place *place, enum failing_call call, unsigned nth) {
    unsigned count;
    assert_int_equal(put(place, NAMES[0], "old"), 0);
    failing_calls_fail(call, nth);
    int code = put(place, NAMES[0], "new");
    bool is_hit = failing_calls_is_hit();
    failing_calls_fail(call, 0);
    assert_true(code == 0 || is_hit);
    assert_true(holds(place, NAMES[0], "new") == 1 || (code && holds(place, NAMES[0], "old") == 1));
    assert_int_equal(list(place, &count), 0);
    assert_int_equal(count, 1);
    return is_hit;
}

static void test_any_one_call_of_a_put_fails(void **state) {
    unsigned failures = 0;
    for (enum failing_call call = 0; call < CALL_COUNT; call++)
        for (unsigned nth = 1; fail_put(*state, call, nth); nth++, failures++)
            assert_true(nth < CALLS_MAXIMUM);
    assert_true(failures > 5);
}

static bool fail_looking(struct place *place, enum failing_call call, unsigned nth) {
    struct buffer got;
    unsigned count;
    buffer_init(&got, 4096);
    failing_calls_fail(call, nth);
    int listed = list(place, &count);
    int code = told(place, place->store->ops->get(place->store, NAMES[1], &got, &place->problem));
    bool is_hit = failing_calls_is_hit();
    failing_calls_fail(call, 0);
    assert_true((listed == 0 && code == 0) || is_hit);
    if (listed == 0)
        assert_int_equal(count, BLOBS);
    if (code == 0)
        assert_true(bytes_equal(buffer_bytes(&got), BYTES_LITERAL("text")));
    buffer_release(&got);
    return is_hit;
}

static void test_any_one_call_of_a_reader_fails(void **state) {
    struct place *place = *state;
    unsigned failures = 0;
    for (unsigned i = 0; i < BLOBS; i++)
        assert_int_equal(put(place, NAMES[i], "text"), 0);
    for (enum failing_call call = 0; call < CALL_COUNT; call++)
        for (unsigned nth = 1; fail_looking(place, call, nth); nth++, failures++)
            assert_true(nth < CALLS_MAXIMUM);
    assert_true(failures > 10);
}

/* ---- what the disk has lost ---- */

/* Where the problem stands; it is forgotten then. */
static bool names(struct place *place, const char *path) {
    bool is_named = strstr(place->problem.text, path) != NULL;
    place->problem.text[0] = 0;
    return is_named;
}

/* That is said of the blob, by its path, and the others are there as they were. */
static void test_a_blob_that_the_disk_has_lost(void **state) {
    static const enum failing_call calls[] = {CALL_OPEN, CALL_READ};
    struct place *place = *state;
    struct blob_store *store = place->store;
    char path[128];
    snprintf(path, sizeof path, "%s/%s", place->path, NAMES[1]);
    for (unsigned i = 0; i < BLOBS; i++)
        assert_int_equal(put(place, NAMES[i], "text"), 0);
    for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct buffer got;
        buffer_init(&got, 4096);
        failing_calls_fail(calls[i], 1);
        assert_int_equal(store->ops->get(store, NAMES[1], &got, &place->problem), ERR_UNREADABLE);
        assert_true(names(place, path));
        assert_int_equal(holds(place, NAMES[0], "text"), 1);
        buffer_release(&got);
    }
}

/* A listing says where it came to an end. */
static void test_a_listing_that_breaks_off_says_where(void **state) {
    struct place *place = *state;
    struct blob_store *store = place->store;
    char below[128];
    unsigned nth = 0, count;
    snprintf(below, sizeof below, "%s/", place->path);
    for (unsigned i = 0; i < BLOBS; i++)
        assert_int_equal(put(place, NAMES[i], "text"), 0);
    for (bool is_hit = true; is_hit;) {
        failing_calls_fail(CALL_LOOK, ++nth);
        int status = store->ops->list(store, "", count_one, &count, &place->problem);
        is_hit = failing_calls_is_hit();
        assert_int_equal(status, is_hit ? ERR_IO : 0);
        assert_true(names(place, below) == is_hit);
    }
    assert_true(nth > BLOBS);
}

static void test_a_removal_that_fails_is_said(void **state) {
    struct place *place = *state;
    assert_int_equal(put(place, NAMES[0], "text"), 0);
    failing_calls_fail(CALL_REMOVE, 1);
    assert_int_equal(
        told(place, place->store->ops->remove(place->store, NAMES[0], &place->problem)), ERR_IO);
    assert_int_equal(holds(place, NAMES[0], "text"), 1);
    for (unsigned again = 0; again < 2; again++)
        assert_int_equal(
            told(place, place->store->ops->remove(place->store, NAMES[0], &place->problem)), 0);
    assert_int_equal(holds(place, NAMES[0], "text"), -1);
}

static void test_short_and_interrupted_calls(void **state) {
    struct place *place = *state;
    failing_calls_crawl(true);
    assert_int_equal(put(place, NAMES[0], "slowly but surely"), 0);
    assert_int_equal(holds(place, NAMES[0], "slowly but surely"), 1);
    failing_calls_crawl(false);
    assert_int_equal(holds(place, NAMES[0], "slowly but surely"), 1);
}

/* ---- puts that were never ended ---- */

static void make_file(struct place *place, const char *name, unsigned age_seconds) {
    char path[160];
    snprintf(path, sizeof path, "%s/%s", place->path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs("half of i", file) < 0, 0);
    assert_int_equal(fclose(file), 0);
    struct timeval then = {.tv_sec = time(NULL) - age_seconds};
    assert_int_equal(utimes(path, (struct timeval[]){then, then}), 0);
}

static int sweep(struct place *place, const char *prefix) {
    return told(place, place->store->ops->sweep(place->store, prefix, &place->problem));
}

enum { HOUR_SECONDS = 3600, DAY_SECONDS = 24 * HOUR_SECONDS };
static const char OLD_HALF[] = "a/log/7~0123456789abcdef";

/* What is old goes, and what may be under way stays, as do blobs and whatever others keep there. */
static void test_what_was_never_ended_is_swept(void **state) {
    static const char *const kept[] = {"a/log/8~0123456789abcdef~", "a/log/8~0123456789ABCDEF",
                                       "a/log/8~0123456789abcde",   "a/log/~0123456789abcdef",
                                       "a/log/of others",           "b/chunk/5.0~fedcba9876543210"};
    static const char young[] = "a/log/9~00000000000000ff";
    struct place *place = *state;
    unsigned count;
    for (unsigned i = 0; i < BLOBS; i++)
        assert_int_equal(put(place, NAMES[i], "text"), 0);
    for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++)
        make_file(place, kept[i], DAY_SECONDS);
    make_file(place, OLD_HALF, DAY_SECONDS);
    make_file(place, young, HOUR_SECONDS / 2);
    assert_int_equal(sweep(place, "a/"), 0);
    assert_false(is_there(place->path, OLD_HALF));
    assert_true(is_there(place->path, young));
    for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++)
        assert_true(is_there(place->path, kept[i]));
    assert_int_equal(list(place, &count), 0);
    assert_int_equal(count, BLOBS);
    assert_int_equal(sweep(place, "b/chunk/5"), 0);
    assert_false(is_there(place->path, kept[5]));
}

static bool fail_sweep(struct place *place, enum failing_call call, unsigned nth) {
    make_file(place, OLD_HALF, DAY_SECONDS);
    failing_calls_fail(call, nth);
    int code = sweep(place, "a/");
    bool is_hit = failing_calls_is_hit();
    failing_calls_fail(call, 0);
    assert_int_equal(code != 0, is_hit && call != CALL_CLOSE);
    if (code == 0)
        assert_false(is_there(place->path, OLD_HALF));
    assert_int_equal(holds(place, NAMES[0], "text"), 1);
    return is_hit;
}

static void test_any_one_call_of_a_sweep_fails(void **state) {
    unsigned failures = 0;
    assert_int_equal(put(*state, NAMES[0], "text"), 0);
    for (enum failing_call call = 0; call < CALL_COUNT; call++)
        for (unsigned nth = 1; fail_sweep(*state, call, nth); nth++, failures++)
            assert_true(nth < CALLS_MAXIMUM);
    assert_true(failures > 5);
}

/* ---- two nodes that share the directory ---- */

struct putter {
    struct blob_store *store;
    uint8_t letter;
    unsigned failed;
};

static void *put_often(void *context) {
    struct putter *putter = context;
    struct blob_problem problem;
    uint8_t *image = memory_allocate(LARGE_BYTES);
    memset(image, putter->letter, LARGE_BYTES);
    for (unsigned i = 0; i < ROUNDS; i++)
        putter->failed += putter->store->ops->put(putter->store, NAMES[0],
                                                  bytes_of(image, LARGE_BYTES), &problem) != 0;
    memory_free(image);
    return NULL;
}

static void expect_whole(struct place *place) {
    struct buffer got;
    buffer_init(&got, 2 * LARGE_BYTES);
    assert_int_equal(
        told(place, place->store->ops->get(place->store, NAMES[0], &got, &place->problem)), 0);
    assert_int_equal(got.length, LARGE_BYTES);
    const uint8_t *bytes = buffer_data(&got);
    for (size_t i = 1; i < got.length; i++)
        if (bytes[i] != bytes[0])
            fail_msg("a part is of another put from byte %zu on", i);
    buffer_release(&got);
}

/* A leader that was deposed and does not know it, and the next one: what each puts is whole at
 * every moment, and neither's put fails for the other's. */
static void test_two_nodes_put_the_same(void **state) {
    struct place *place = *state;
    struct putter putters[2] = {{.store = opened(place->path), .letter = 'a'},
                                {.store = opened(place->path), .letter = 'b'}};
    pthread_t threads[2];
    struct putter first = {.store = place->store, .letter = 'a'};
    put_often(&first);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_often, &putters[i]), 0);
    for (unsigned i = 0; i < ROUNDS; i++)
        expect_whole(place);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(putters[i].failed, 0);
        putters[i].store->ops->close(putters[i].store);
    }
    expect_whole(place);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
RUN_TESTS(cmocka_unit_test(test_any_one_call_of_the_first_put_fails),
          IN_A_PLACE(test_any_one_call_of_a_put_fails),
          IN_A_PLACE(test_any_one_call_of_a_reader_fails),
          IN_A_PLACE(test_a_blob_that_the_disk_has_lost),
          IN_A_PLACE(test_a_listing_that_breaks_off_says_where),
          IN_A_PLACE(test_a_removal_that_fails_is_said),
          IN_A_PLACE(test_what_was_never_ended_is_swept),
          IN_A_PLACE(test_any_one_call_of_a_sweep_fails),
          IN_A_PLACE(test_short_and_interrupted_calls), IN_A_PLACE(test_two_nodes_put_the_same))
