/* How long a leader may count on the replicas of a worker, over several lives of its process. */
#include "../unit.h"

#include "../store/fake_disk.h"
#include "base/memory.h"
#include "worker/promise.h"

enum { MS = 1000 };

struct life {
    struct fake_disk disk;
    struct promise promise;
};

static struct life *life_new(void) {
    struct life *life = memory_allocate_zeroed(1, sizeof *life);
    fake_disk_init(&life->disk);
    return life;
}

static void life_free(struct life *life) {
    fake_disk_release(&life->disk);
    memory_free(life);
}

/* The next one begins at this time, by this setting. */
static int start(struct life *life, uint64_t wanted_us, uint64_t now_us) {
    return promise_open(&life->promise, &life->disk.disk, wanted_us, now_us);
}

static uint64_t in_the_file(struct life *life) {
    uint64_t promise_us = 0;
    assert_int_equal(promise_read(&life->disk.disk, &promise_us), 0);
    return promise_us;
}

/* docs/format/promise.md. */
static void test_golden_bytes(void **state) {
    (void)state;
    static const uint8_t golden[] = {'T', 'R', 'P', 'R', 1,    0xc0, 0xd4, 0x01, 0,
                                     0,   0,   0,   0,   0xf7, 0x36, 0x9c, 0xe1};
    struct life *life = life_new();
    assert_int_equal(start(life, 120 * MS, 0), 0);
    struct fake_file *file = fake_disk_find(&life->disk, PROMISE_FILE);
    assert_int_equal(file->durable_bytes, sizeof golden);
    assert_memory_equal(file->durable, golden, sizeof golden);
    fake_disk_put(&life->disk, PROMISE_FILE, bytes_of(golden, sizeof golden));
    assert_int_equal(in_the_file(life), 120 * MS);
    life_free(life);
}

/* lease-ms is made shorter just before the restart: the file still says what was promised. */
static void test_lowered_before_a_restart(void **state) {
    (void)state;
    struct life *life = life_new();
    assert_int_equal(start(life, 400 * MS, 0), 0);
    assert_int_equal(promise_want(&life->promise, 100 * MS, 5000 * MS), 0);
    assert_int_equal(promise_tick(&life->promise, 5399 * MS), 0);
    assert_int_equal(start(life, 100 * MS, 5400 * MS), 0);
    assert_int_equal(life->promise.most_us, 400 * MS);
    /* It has run off in the middle of this life. */
    assert_int_equal(promise_tick(&life->promise, 5799 * MS), 0);
    assert_int_equal(life->promise.most_us, 400 * MS);
    assert_int_equal(promise_tick(&life->promise, 5800 * MS), 0);
    assert_int_equal(life->promise.most_us, 100 * MS);
    assert_int_equal(in_the_file(life), 100 * MS);
    life_free(life);
}

/* A longer promise is durable before anybody is told: whenever the power fails, the file says at
 * least what was promised. */
static void test_raised_before_a_power_failure(void **state) {
    (void)state;
    for (unsigned change = 1;; change++) {
        struct life *life = life_new();
        struct random random;
        random_init(&random, change);
        assert_int_equal(start(life, 100 * MS, 0), 0);
        fake_disk_power_off_after(&life->disk, change);
        bool is_written = promise_want(&life->promise, 400 * MS, 1000 * MS) == 0;
        uint64_t told_us = life->promise.most_us;
        assert_int_equal(told_us, is_written ? 400 * MS : 100 * MS);
        fake_disk_crash(&life->disk, &random);
        assert_true(in_the_file(life) >= told_us);
        life_free(life);
        if (is_written)
            break;
        assert_true(change < 100);
    }
}

/* The disk is full: what is promised stays as short as it was, until there is space again. */
static void test_full_disk(void **state) {
    (void)state;
    struct life *life = life_new();
    assert_int_equal(start(life, 100 * MS, 0), 0);
    life->disk.is_full = true;
    assert_int_equal(promise_want(&life->promise, 400 * MS, 1000 * MS), ERR_NO_SPACE);
    assert_int_equal(promise_tick(&life->promise, 1100 * MS), ERR_NO_SPACE);
    assert_int_equal(promise_tick(&life->promise, 1199 * MS), 0); /* not at every look */
    assert_int_equal(life->promise.most_us, 100 * MS);
    life->disk.is_full = false;
    assert_int_equal(promise_tick(&life->promise, 1200 * MS), 0);
    assert_int_equal(life->promise.most_us, 400 * MS);
    life_free(life);
}

/* Nothing can be promised yet, and the start fails. */
static void test_full_disk_at_the_first_start(void **state) {
    (void)state;
    struct life *life = life_new();
    life->disk.is_full = true;
    assert_int_equal(start(life, 100 * MS, 0), ERR_NO_SPACE);
    life_free(life);
}

/* Shorter and longer again, before the longer one has run off: nothing is written for that, and the
 * file is brought down once nothing longer can be out. */
static void test_there_and_back(void **state) {
    (void)state;
    struct life *life = life_new();
    assert_int_equal(start(life, 400 * MS, 0), 0);
    unsigned changes = life->disk.changes;
    assert_int_equal(promise_want(&life->promise, 100 * MS, 1000 * MS), 0);
    assert_int_equal(promise_want(&life->promise, 400 * MS, 1200 * MS), 0);
    assert_int_equal(promise_want(&life->promise, 200 * MS, 1300 * MS), 0);
    assert_int_equal(promise_tick(&life->promise, 1699 * MS), 0);
    assert_int_equal(life->disk.changes, changes);
    assert_int_equal(promise_tick(&life->promise, 1700 * MS), 0);
    assert_int_equal(in_the_file(life), 200 * MS);
    assert_int_equal(promise_tick(&life->promise, 9000 * MS), 0);
    assert_int_equal(in_the_file(life), 200 * MS);
    life_free(life);
}

/* A restart by the same settings writes nothing. */
static void test_same_again(void **state) {
    (void)state;
    struct life *life = life_new();
    assert_int_equal(start(life, 120 * MS, 0), 0);
    unsigned changes = life->disk.changes;
    assert_int_equal(start(life, 120 * MS, 1000 * MS), 0);
    assert_int_equal(promise_tick(&life->promise, 60000 * MS), 0);
    assert_int_equal(life->disk.changes, changes);
    life_free(life);
}

/* Every single byte that is another, and every length: then the longest promise that there can be
 * counts, and the file is made anew when that has run off. */
static void test_file_that_cannot_be_read(void **state) {
    (void)state;
    struct life *life = life_new();
    uint64_t promise_us;
    uint8_t image[17];
    assert_int_equal(start(life, 120 * MS, 0), 0);
    memcpy(image, fake_disk_find(&life->disk, PROMISE_FILE)->live, sizeof image);
    for (unsigned at = 0; at < sizeof image; at++) {
        image[at] ^= 0x10;
        fake_disk_put(&life->disk, PROMISE_FILE, bytes_of(image, sizeof image));
        assert_int_equal(promise_read(&life->disk.disk, &promise_us), ERR_DAMAGED);
        image[at] ^= 0x10;
    }
    for (unsigned length = 0; length <= 2 * sizeof image; length++) {
        static const uint8_t zeros[2 * sizeof image];
        fake_disk_put(&life->disk, PROMISE_FILE, bytes_of(zeros, length));
        assert_int_equal(promise_read(&life->disk.disk, &promise_us), ERR_DAMAGED);
    }
    assert_int_equal(start(life, 120 * MS, 1000 * MS), 0);
    assert_true(life->promise.is_guessed);
    assert_int_equal(life->promise.most_us, PROMISE_LONGEST_US);
    assert_int_equal(promise_tick(&life->promise, 61000 * MS), 0);
    assert_int_equal(in_the_file(life), 120 * MS);
    life_free(life);
}

RUN_TESTS(cmocka_unit_test(test_golden_bytes), cmocka_unit_test(test_lowered_before_a_restart),
          cmocka_unit_test(test_raised_before_a_power_failure), cmocka_unit_test(test_full_disk),
          cmocka_unit_test(test_full_disk_at_the_first_start),
          cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_same_again),
          cmocka_unit_test(test_file_that_cannot_be_read))
