/* How long a leader may count on the replicas of a worker, over several lives of its process. */
#include "../unit.h"

#include "../store/fake_disk.h"
#include "base/checksum.h"
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
    return promise_open(&life->promise, &life->disk.disk, false, wanted_us, now_us);
}

/* As a worker writes it, but that none would say so. */
static void put_promise(struct life *life, uint64_t promise_us) {
    uint8_t image[17] = {'T', 'R', 'P', 'R', 1};
    for (unsigned i = 0; i < 8; i++)
        image[5 + i] = (uint8_t)(promise_us >> (8 * i));
    uint32_t sum = checksum_crc32c(0, bytes_of(image, 13));
    for (unsigned i = 0; i < 4; i++)
        image[13 + i] = (uint8_t)(sum >> (8 * i));
    fake_disk_put(&life->disk, PROMISE_FILE, bytes_of(image, sizeof image));
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
    unsigned writes = life->disk.calls[FAKE_WRITE];
    assert_int_equal(start(life, 120 * MS, 1000 * MS), 0);
    assert_int_equal(promise_tick(&life->promise, 60000 * MS), 0);
    assert_int_equal(life->disk.calls[FAKE_WRITE], writes);
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

/* The log tells of replicas and nothing of what they promised: of a release before it, whose
 * lease-ms may have been lowered since. Written anew, in good time, the file is believed. */
static void test_replicas_of_a_release_before_it(void **state) {
    (void)state;
    struct life *life = life_new();
    struct disk *disk = &life->disk.disk;
    assert_int_equal(promise_open(&life->promise, disk, true, 120 * MS, 1000 * MS), 0);
    assert_true(life->promise.is_guessed);
    assert_int_equal(life->promise.most_us, PROMISE_LONGEST_US);
    assert_int_equal(promise_tick(&life->promise, 60999 * MS), 0);
    assert_int_equal(life->promise.most_us, PROMISE_LONGEST_US);
    assert_int_equal(promise_tick(&life->promise, 61000 * MS), 0);
    assert_int_equal(promise_open(&life->promise, disk, true, 120 * MS, 62000 * MS), 0);
    assert_false(life->promise.is_guessed);
    assert_int_equal(life->promise.most_us, 120 * MS);
    life_free(life);
}

/* Of a directory that a restore has written, whose log tells of replicas that never ran. */
static void test_nothing_is_promised(void **state) {
    (void)state;
    struct life *life = life_new();
    assert_int_equal(promise_write_none(&life->disk.disk), 0);
    assert_int_equal(in_the_file(life), 0);
    assert_int_equal(promise_open(&life->promise, &life->disk.disk, true, 120 * MS, 0), 0);
    assert_false(life->promise.is_guessed);
    assert_int_equal(in_the_file(life), 120 * MS);
    life_free(life);
}

/* Its checksum is right, and no setting asks for so much: a node that believed it would hardly ever
 * vote again, or, as a sum runs over, vote at once. */
static void test_file_that_says_too_much(void **state) {
    (void)state;
    const uint64_t said_us[] = {PROMISE_LONGEST_US, PROMISE_LONGEST_US + 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof said_us / sizeof said_us[0]; i++) {
        struct life *life = life_new();
        uint64_t promise_us = 0;
        put_promise(life, said_us[i]);
        assert_int_equal(promise_read(&life->disk.disk, &promise_us), i == 0 ? 0 : ERR_DAMAGED);
        assert_int_equal(start(life, 120 * MS, 1000 * MS), 0);
        assert_int_equal(life->promise.is_guessed, i > 0);
        assert_int_equal(life->promise.most_us, PROMISE_LONGEST_US);
        life_free(life);
    }
}

/* ---- one call of the disk fails ---- */

/* What a worker does in its lives: when, and by what setting. */
static const struct step {
    enum { START, WANT, TICK } kind;
    uint64_t at_us, wanted_us;
} steps[] = {{START, 0, 100 * MS},         {WANT, 1000 * MS, 400 * MS}, {TICK, 1100 * MS, 0},
             {WANT, 2000 * MS, 200 * MS},  {TICK, 2399 * MS, 0},        {TICK, 2400 * MS, 0},
             {START, 2450 * MS, 150 * MS}, {TICK, 2700 * MS, 0},        {WANT, 2800 * MS, 300 * MS},
             {TICK, 3200 * MS, 0},         {START, 3300 * MS, 100 * MS}};
enum { STEPS = sizeof steps / sizeof steps[0] };

/* Where it is refused the process ends, and is started again. */
static void take_step(struct life *life, const struct step *step) {
    unsigned failed = life->disk.failed_calls;
    int code = 0;
    if (step->kind == START)
        code = start(life, step->wanted_us, step->at_us);
    else if (step->kind == WANT)
        code = promise_want(&life->promise, step->wanted_us, step->at_us);
    else
        code = promise_tick(&life->promise, step->at_us);
    assert_int_equal(code, life->disk.failed_calls > failed ? ERR_IO : 0);
    if (code && step->kind == START)
        assert_int_equal(start(life, step->wanted_us, step->at_us), 0);
    assert_false(life->promise.is_guessed);
}

/* The first so many steps, then the power fails, or only the process ends. What is still promised
 * to a leader then has run off before the next life votes. False: there is no such call. */
static bool fail_one(enum fake_call call, unsigned nth, unsigned count, unsigned seed) {
    struct life *life = life_new();
    struct random random;
    uint64_t out_until_us = 0, now_us = 0;
    random_init(&random, seed);
    fake_disk_fail_call(&life->disk, call, nth);
    for (unsigned i = 0; i < count; i++) {
        take_step(life, &steps[i]);
        const struct promise *promise = &life->promise;
        uint64_t promised_us =
            promise->wanted_us < promise->most_us ? promise->wanted_us : promise->most_us;
        now_us = i + 1 < STEPS ? steps[i + 1].at_us : steps[i].at_us;
        if (now_us + promised_us > out_until_us)
            out_until_us = now_us + promised_us;
    }
    bool is_hit = life->disk.failed_calls > 0;
    fake_disk_fail_call(&life->disk, call, 0);
    if (seed)
        fake_disk_crash(&life->disk, &random);
    assert_true(now_us + in_the_file(life) >= out_until_us);
    life_free(life);
    return is_hit;
}

static void test_any_one_call_fails(void **state) {
    (void)state;
    unsigned hits = 0;
    for (enum fake_call call = 0; call < FAKE_CALL_COUNT; call++)
        for (unsigned nth = 1; fail_one(call, nth, STEPS, 0); nth++, hits++)
            for (unsigned count = 1; count <= STEPS; count++)
                for (unsigned seed = 0; seed < 8; seed++)
                    (void)fail_one(call, nth, count, seed);
    assert_true(hits > 20);
}

RUN_TESTS(cmocka_unit_test(test_file_that_says_too_much), cmocka_unit_test(test_any_one_call_fails),
          cmocka_unit_test(test_golden_bytes), cmocka_unit_test(test_lowered_before_a_restart),
          cmocka_unit_test(test_raised_before_a_power_failure), cmocka_unit_test(test_full_disk),
          cmocka_unit_test(test_full_disk_at_the_first_start),
          cmocka_unit_test(test_replicas_of_a_release_before_it),
          cmocka_unit_test(test_nothing_is_promised), cmocka_unit_test(test_there_and_back),
          cmocka_unit_test(test_same_again), cmocka_unit_test(test_file_that_cannot_be_read))
