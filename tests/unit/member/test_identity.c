/* Who a node is, on a disk that fails or forgets: whatever happens at a start, no generation that
 * was told is told again, and the UUID stays what it was. */
#include "../unit.h"

#include "../store/fake_disk.h"
#include "base/checksum.h"
#include "base/memory.h"
#include "member/identity.h"

enum { LIVES = 3, CALLS_MAXIMUM = 100, WORKERS = 2 };
static const uint8_t FRESH[NODE_UUID_BYTES] = {7, 1};

static int start(struct fake_disk *fake, struct identity *identity) {
    struct buffer problem;
    buffer_init(&problem, 1000);
    int code = identity_open(&fake->disk, FRESH, WORKERS, identity, &problem);
    assert_int_equal(problem.length > 0, code != 0);
    buffer_release(&problem);
    return code;
}

static void expect_next_life(struct fake_disk *fake, uint64_t told) {
    struct identity identity;
    assert_int_equal(start(fake, &identity), 0);
    assert_true(identity.generation > told);
    assert_memory_equal(identity.uuid, FRESH, NODE_UUID_BYTES);
}

/* A few lives, in one of which a call of that kind fails; false: there were no more of them. */
static bool fail_one(enum fake_call call, unsigned nth, unsigned seed) {
    struct fake_disk *fake = memory_allocate_zeroed(1, sizeof *fake);
    struct random random;
    uint64_t told = 0;
    random_init(&random, seed);
    fake_disk_init(fake);
    fake_disk_fail_call(fake, call, nth);
    for (unsigned life = 0; life < LIVES; life++) {
        struct identity identity;
        unsigned failed = fake->failed_calls;
        int code = start(fake, &identity);
        assert_true(code == 0 || fake->failed_calls > failed);
        if (code == 0) {
            assert_true(identity.generation > told);
            told = identity.generation;
        }
        if (seed > 0)
            fake_disk_crash(fake, &random);
    }
    bool is_hit = fake->failed_calls > 0;
    fake_disk_fail_call(fake, call, 0);
    expect_next_life(fake, told);
    fake_disk_release(fake);
    memory_free(fake);
    return is_hit;
}

static void test_any_one_call_fails(void **state) {
    (void)state;
    for (enum fake_call call = 0; call < FAKE_CALL_COUNT; call++)
        for (unsigned nth = 1; fail_one(call, nth, 0); nth++)
            for (unsigned seed = 1; seed <= 5; seed++) {
                assert_true(nth < CALLS_MAXIMUM);
                (void)fail_one(call, nth, seed);
            }
}

static void test_the_power_fails_at_any_change(void **state) {
    (void)state;
    bool is_on = false;
    for (unsigned change = 1; !is_on; change++) {
        for (unsigned seed = 1; seed <= 10; seed++) {
            struct fake_disk *fake = memory_allocate_zeroed(1, sizeof *fake);
            struct random random;
            struct identity first, second = {.generation = 0};
            random_init(&random, seed);
            fake_disk_init(fake);
            assert_int_equal(start(fake, &first), 0);
            fake_disk_power_off_after(fake, change);
            is_on = start(fake, &second) == 0;
            fake_disk_crash(fake, &random);
            expect_next_life(fake, is_on ? second.generation : first.generation);
            fake_disk_release(fake);
            memory_free(fake);
        }
        assert_true(change < CALLS_MAXIMUM);
    }
}

/* Others know a later life, of a copy of the directory that was started more often: the next one is
 * above it, or where a call fails above this one. */
static bool fail_above(enum fake_call call, unsigned nth) {
    enum { LATER = 7 };
    struct fake_disk *fake = memory_allocate_zeroed(1, sizeof *fake);
    struct random random;
    struct identity running, next;
    random_init(&random, nth);
    fake_disk_init(fake);
    assert_int_equal(start(fake, &running), 0);
    assert_int_equal(identity_start_above(&fake->disk, &running, 1), 0);
    fake_disk_fail_call(fake, call, nth);
    int code = identity_start_above(&fake->disk, &running, LATER);
    bool is_hit = fake->failed_calls > 0;
    assert_true(code == 0 || is_hit);
    fake_disk_fail_call(fake, call, 0);
    fake_disk_crash(fake, &random);
    assert_int_equal(start(fake, &next), 0);
    assert_memory_equal(next.uuid, running.uuid, sizeof next.uuid);
    assert_int_equal(next.worker_count, WORKERS);
    assert_true(next.generation == LATER + 1 || (code != 0 && next.generation == 2));
    fake_disk_release(fake);
    memory_free(fake);
    return is_hit;
}

static void test_the_next_life_is_above_a_later_one(void **state) {
    (void)state;
    for (enum fake_call call = 0; call < FAKE_CALL_COUNT; call++)
        for (unsigned nth = 1; fail_above(call, nth); nth++)
            assert_true(nth < CALLS_MAXIMUM);
}

/* No generation is higher than the highest that gossip tells of: whoever raised it would be heard
 * by nobody. */
static void test_a_generation_that_cannot_be_raised(void **state) {
    (void)state;
    struct fake_disk *fake = memory_allocate_zeroed(1, sizeof *fake);
    struct identity identity;
    uint8_t image[37] = {'T', 'R', 'I', 'D', 1, 7, 1};
    image[29] = WORKERS;
    fake_disk_init(fake);
    for (unsigned last = 0xfe; last <= 0xff; last++) {
        memset(image + 21, 0xff, 7);
        image[21] = (uint8_t)last;
        image[28] = 0x3f;
        uint32_t sum = checksum_crc32c(0, bytes_of(image, 33));
        for (unsigned i = 0; i < 4; i++)
            image[33 + i] = (uint8_t)(sum >> (8 * i));
        fake_disk_put(fake, "identity", bytes_of(image, sizeof image));
        assert_int_equal(start(fake, &identity), last < 0xff ? 0 : ERR_DAMAGED);
        assert_int_equal(identity_read(&fake->disk, &identity), 0);
        assert_true(identity.generation == (UINT64_C(1) << 62) - 1);
    }
    fake_disk_release(fake);
    memory_free(fake);
}

RUN_TESTS(cmocka_unit_test(test_a_generation_that_cannot_be_raised),
          cmocka_unit_test(test_any_one_call_fails),
          cmocka_unit_test(test_the_next_life_is_above_a_later_one),
          cmocka_unit_test(test_the_power_fails_at_any_change))
