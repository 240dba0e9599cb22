/* A disk that refuses a single call, whichever: the log ends at once and for all, says nothing more
 * is durable, and loses nothing that it said was. A start that cannot read is refused and has
 * changed nothing, unless peers have what it cannot read. */
#include "../unit.h"
#include "base/memory.h"
#include "base/planted.h"
#include "wal_world.h"

static struct world *digesting(void) {
    struct world *world = world_new();
    world->has_digests = true;
    return world;
}

/* Some of the segments become spares, the others are removed. */
static void release(struct world *world, uint64_t index) {
    world_snapshot(world, 0, index, 1);
    world_flush(world);
    if (world->failures)
        return;
    world->released[0] = index;
    wal_release(world->wal, 0, index);
    fake_disk_run_all(&world->fake);
}

enum { LAST_INDEX = 60, RELEASE_EVERY = 25 };

/* Rounds, segments that were made ahead or are used again, terms, marks and releases. */
static void live(struct world *world) {
    for (uint64_t i = 1; i <= LAST_INDEX && world->failures == 0; i++) {
        if (i % 7 == 0)
            world_state(world, 0, i, 2);
        world_entry(world, 0, i, 130);
        world_flush(world);
        if (i % RELEASE_EVERY == 0 && world->failures == 0)
            release(world, i);
    }
}

static bool is_prefix_from(const struct world *world, size_t least, size_t most) {
    for (size_t count = least; count <= most; count++)
        if (world_log_is(world, count))
            return true;
    return false;
}

static void assert_log_ended(struct world *world) {
    const struct fake_disk *fake = &world->fake;
    assert_int_equal(world->failures, 1);
    assert_int_equal(world->failed_with, ERR_IO);
    uint64_t durable = world->durable;
    world_entry(world, 0, LAST_INDEX + 1, 130);
    world_flush(world);
    assert_int_equal(world->failures, 1);
    assert_int_equal(world->durable, durable);
    if (fake->failing == FAKE_WRITE || fake->failing == FAKE_SYNC)
        for (unsigned call = FAKE_WRITE; call <= FAKE_SYNC; call++)
            assert_int_equal(fake->calls[call], fake->calls_at_failure[call]);
}

/* After a power failure too, or only the process has ended. */
static void assert_found_again(struct world *world, unsigned seed) {
    size_t durable = world->durable, most = world->append_count;
    struct random random;
    random_init(&random, seed);
    world_close(world);
    fake_disk_fail_call(&world->fake, FAKE_OPEN, 0);
    if (seed % 2)
        fake_disk_crash(&world->fake, &random);
    assert_int_equal(world_open(world), 0);
    assert_true(is_prefix_from(world, durable, most));
}

/* False: there is no such call. */
static bool fail_one(enum fake_call call, unsigned nth, unsigned seed) {
    struct world *world = digesting();
    assert_int_equal(world_open(world), 0);
    fake_disk_fail_call(&world->fake, call, nth);
    live(world);
    bool is_hit = world->fake.failed_calls > 0;
    if (is_hit) {
        assert_log_ended(world);
        assert_found_again(world, seed);
    }
    world_free(world);
    return is_hit;
}

static void test_every_call_of_a_life_fails_once(void **state) {
    (void)state;
    for (unsigned call = 0; call < FAKE_CALL_COUNT; call++) {
        unsigned nth = 1;
        for (; fail_one(call, nth, 0); nth++)
            for (unsigned seed = 1; seed < 8; seed += 2)
                assert_true(fail_one(call, nth, seed));
        bool is_used = call != FAKE_LIST;
        assert_int_equal(nth > 1, is_used);
    }
}

/* A start on what `world` holds, in which one call fails, and another one in which none does.
 * False: there is no such call. */
static bool fail_start(struct world *world, enum fake_call call, unsigned nth) {
    size_t appended = world->append_count;
    unsigned failed_before = world->fake.failed_calls;
    fake_disk_fail_call(&world->fake, call, nth);
    int status = world_open(world);
    bool is_hit = world->fake.failed_calls > failed_before;
    fake_disk_fail_call(&world->fake, call, 0);
    uint64_t read_again; /* a segment, once: that harms nobody */
    assert_true(status != 0 || !is_hit ||
                wal_segment_name_parse(world->fake.failed_name, &read_again));
    if (status) {
        assert_true(is_hit && (status == ERR_IO || status == ERR_DAMAGED));
        assert_true(world->problem.text[0] != 0);
        assert_null(world->wal);
        assert_int_equal(world_open(world), 0);
    }
    assert_true(world_log_is(world, appended));
    world_close(world);
    world->append_count = appended;
    return is_hit;
}

static struct world *lived(void) {
    struct world *world = digesting();
    assert_int_equal(world_open(world), 0);
    live(world);
    world_close(world);
    return world;
}

static void test_every_call_of_a_start_fails_once(void **state) {
    (void)state;
    struct world *world = lived();
    unsigned failures = 0;
    for (unsigned call = 0; call < FAKE_CALL_COUNT; call++)
        for (unsigned nth = 1; fail_start(world, call, nth); nth++)
            failures++;
    assert_true(failures > 10);
    world_free(world);
}

static void test_every_call_of_the_first_start_fails_once(void **state) {
    (void)state;
    unsigned failures = 0;
    for (unsigned call = 0; call < FAKE_CALL_COUNT; call++) {
        bool is_hit = true;
        for (unsigned nth = 1; is_hit; nth++) {
            struct world *world = digesting();
            is_hit = fail_start(world, call, nth);
            failures += is_hit;
            world_free(world);
        }
    }
    assert_true(failures > 4);
}

/* All that was durable is there, or the shard knows how much it has lost. */
static bool has_all_or_knows(const struct world *world, const struct world_shard *before) {
    const struct world_shard *told = &world->log.shards[0];
    if (told->floor_index == 0)
        return world_log_is(world, world->append_count);
    return told->floor_index >= before->last_index && told->term > before->term;
}

/* With peers, a segment that can never be read is as lost as one that is damaged; if it can be read
 * the second time, nothing is given up. */
static bool fail_start_with_peers(enum fake_call call, unsigned nth, bool is_for_good,
                                  unsigned *repaired) {
    struct world *world = lived();
    struct world_shard before = {.term = LAST_INDEX / 7 * 7, .last_index = LAST_INDEX};
    world->has_repairer = world->has_peers = true;
    size_t appended = world->append_count;
    fake_disk_fail_call(&world->fake, call, nth);
    world->fake.fails_for_good = is_for_good;
    int status = world_open(world);
    bool is_hit = world->fake.failed_calls > 0;
    fake_disk_fail_call(&world->fake, call, 0);
    if (status) {
        assert_null(world->wal);
        assert_int_equal(world_open(world), 0);
    }
    world->append_count = appended;
    assert_true(has_all_or_knows(world, &before));
    *repaired += world->log.shards[0].floor_index > 0;
    world_free(world);
    return is_hit;
}

static void test_every_call_of_a_start_with_peers_fails_once(void **state) {
    (void)state;
    unsigned lost[2] = {0};
    for (unsigned call = 0; call < FAKE_CALL_COUNT; call++)
        for (unsigned is_for_good = 0; is_for_good < 2; is_for_good++)
            for (unsigned nth = 1;
                 fail_start_with_peers(call, nth, is_for_good, &lost[is_for_good]); nth++)
                ;
    assert_int_equal(lost[false], 0);
    assert_true(lost[true] > 0);
}

/* The only segment can never be read: nothing says which replicas there were and how they voted,
 * and a log that begins anew without them would let them vote again. */
static void test_a_log_that_cannot_be_read_is_no_empty_one(void **state) {
    (void)state;
    struct world *world = digesting();
    assert_int_equal(world_open(world), 0);
    world_state(world, 0, 3, 2);
    world_entry(world, 0, 1, 130);
    world_flush(world);
    world_close(world);
    size_t appended = world->append_count;
    world->has_repairer = world->has_peers = true;
    fake_disk_fail_call(&world->fake, FAKE_READ, 1);
    world->fake.fails_for_good = true;
    assert_int_equal(world_open(world), ERR_DAMAGED);
    fake_disk_fail_call(&world->fake, FAKE_READ, 0);
    assert_int_equal(world_open(world), 0);
    assert_true(world_log_is(world, appended));
    world_free(world);
}

/* A right is missing, or too many files are open: that is no damage, and nothing is given up for
 * it, though the peers had it all. */
static bool refuse_start(enum fake_call call, unsigned nth, int code) {
    struct world *world = lived();
    world->has_repairer = world->has_peers = true;
    size_t appended = world->append_count;
    fake_disk_fail_call(&world->fake, call, nth);
    world->fake.fails_for_good = true;
    world->fake.fail_call_with = code;
    int status = world_open(world);
    bool is_hit = world->fake.failed_calls > 0;
    fake_disk_fail_call(&world->fake, call, 0);
    if (status) {
        assert_int_equal(status, code);
        assert_non_null(strstr(world->problem.text, error_text(code)));
        assert_int_equal(world_open(world), 0);
    }
    world->append_count = appended;
    assert_int_equal(world->log.shards[0].floor_index, 0);
    assert_true(world_log_is(world, appended));
    world_free(world);
    return is_hit;
}

static void test_what_may_not_be_read_is_not_lost(void **state) {
    (void)state;
    static const enum fake_call calls[] = {FAKE_OPEN, FAKE_READ, FAKE_LIST};
    static const int codes[] = {ERR_REFUSED, ERR_BUSY, ERR_NO_MEMORY};
    for (unsigned i = 0; i < 3; i++)
        for (unsigned call = 0; call < 3; call++) {
            unsigned nth = 1;
            while (refuse_start(calls[call], nth, codes[i]))
                nth++;
            assert_true(nth > 1);
        }
}

enum { RELEASE_CALLS = 20 };

/* The power fails at the call-th change of a release, the disk being quicker with one lane or the
 * other. Can the log be started? */
static bool starts_after_release_cut(unsigned call, enum disk_lane first_lane) {
    struct world *world = memory_allocate(sizeof *world);
    struct random random;
    world_init(world);
    random_init(&random, call);
    assert_int_equal(world_open(world), 0);
    world_entries(world, 0, 1, 17, 130);
    world_snapshot(world, 0, 17, 1);
    world_flush(world);
    world->released[0] = 17;
    size_t durable = world->durable;
    fake_disk_power_off_after(&world->fake, call);
    wal_release(world->wal, 0, 17);
    while (fake_disk_run_job(&world->fake, first_lane))
        ;
    fake_disk_run_all(&world->fake);
    world_close(world);
    fake_disk_crash(&world->fake, &random);
    int status = world_open(world);
    bool is_right = status == 0 && is_prefix_from(world, durable, durable);
    world_free(world);
    return is_right;
}

static unsigned count_bad_starts(void) {
    unsigned bad = 0;
    for (unsigned call = 1; call <= RELEASE_CALLS; call++)
        for (enum disk_lane lane = 0; lane < DISK_LANE_COUNT; lane++)
            bad += !starts_after_release_cut(call, lane);
    return bad;
}

static void test_the_power_fails_at_any_call_of_a_release(void **state) {
    (void)state;
    assert_int_equal(count_bad_starts(), 0);
}

#ifdef TROTHDB_PLANTED_FAULTS
/* Segments are gone of which the log does not say yet that nobody needs them. */
static void test_planted_release_too_early_is_found(void **state) {
    (void)state;
    planted_fault_on = PLANTED_RECYCLED_BEFORE_RELEASED;
    unsigned bad = count_bad_starts();
    planted_fault_on = PLANTED_NOTHING;
    assert_true(bad > 0);
}
#endif

RUN_TESTS(cmocka_unit_test(test_every_call_of_a_life_fails_once),
          cmocka_unit_test(test_every_call_of_a_start_fails_once),
          cmocka_unit_test(test_every_call_of_a_start_with_peers_fails_once),
          cmocka_unit_test(test_a_log_that_cannot_be_read_is_no_empty_one),
          cmocka_unit_test(test_what_may_not_be_read_is_not_lost),
          cmocka_unit_test(test_every_call_of_the_first_start_fails_once),
          cmocka_unit_test(test_the_power_fails_at_any_call_of_a_release),
#ifdef TROTHDB_PLANTED_FAULTS
          cmocka_unit_test(test_planted_release_too_early_is_found),
#endif
)
