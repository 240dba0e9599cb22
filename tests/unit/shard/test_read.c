/* Reads are linearizable, wherever they are asked. */
#include "../unit.h"
#include "world.h"

static struct world *started(unsigned replica_count) {
    struct world *world = world_led(replica_count);
    world_propose(world, 1, "SET k v");
    world_run(world, 100);
    return world;
}

static void test_lease_answers_at_once(void **state) {
    (void)state;
    struct world *world = started(3);
    uint64_t ticket = world_read(world, 1, "GET k", 0);
    assert_answer(world, ticket, "DONE $1|v|");
    assert_int_equal(world_read(world, 2, "GET k", 0), 0);
    world_free(world);
}

/* By setting, a round of messages confirms the leadership first. */
static void test_quorum_asks_first(void **state) {
    (void)state;
    struct world *world = started(3);
    world->replicas[1].config.read_mode = READ_MODE_QUORUM;
    uint64_t ticket = world_read(world, 1, "GET k", 0);
    assert_answer(world, ticket, "");
    world_settle(world);
    assert_answer(world, ticket, "DONE $1|v|");
    world_cut_off(world, 1, true);
    ticket = world_read(world, 1, "GET k", 0);
    world_run(world, 3000);
    assert_answer(world, ticket, "NOT_EXECUTED");
    world_free(world);
}

/* Cut off, a leader's lease runs out before anybody else can lead. */
static void test_no_stale_read(void **state) {
    (void)state;
    struct world *world = started(3);
    world_cut_off(world, 1, true);
    unsigned answered = 0;
    while (world_leader(world) == 1)
        world_run(world, 5);
    world_elect(world, 2);
    world_propose(world, 2, "SET k w");
    for (unsigned i = 0; i < 100; i++) {
        uint64_t ticket = world_read(world, 1, "GET k", 0);
        answered += ticket && strcmp(world_answer(world, ticket), "DONE $1|v|") == 0;
        world_run(world, 10);
    }
    assert_int_equal(answered, 0);
    world_free(world);
}

/* By the first look at the clock the process has been stopped for longer than any lease. */
static uint64_t clock_after_a_stop(struct clock *clock) {
    struct replica *replica = (struct replica *)clock;
    replica->world->now_us += 10 * 1000 * 1000;
    replica->clock.monotonic_us = replica->world->replicas[2].clock.monotonic_us;
    return replica->clock.monotonic_us(clock);
}

/* The lease that a read began under has run out when it is done: others may lead, and have written,
 * by then. */
static void test_stopped_in_the_middle_of_a_read(void **state) {
    (void)state;
    struct world *world = started(3);
    world->replicas[1].clock.monotonic_us = clock_after_a_stop;
    uint64_t ticket = world_read(world, 1, "GET k", 0);
    assert_ptr_not_equal(world->replicas[1].clock.monotonic_us, clock_after_a_stop);
    assert_answer(world, ticket, "");
    world_free(world);
}

/* The reader's own writes are in flight: it sees them. */
static void test_after_writes(void **state) {
    (void)state;
    struct world *world = started(3);
    uint64_t write = world_propose(world, 1, "SET k w");
    uint64_t behind = world_read(world, 1, "GET k", SHARD_READ_AFTER_WRITES);
    uint64_t beside = world_read(world, 1, "GET k", 0);
    assert_answer(world, behind, "");
    assert_answer(world, beside, "DONE $1|v|");
    world_settle(world);
    assert_answer(world, write, "DONE +OK|");
    assert_answer(world, behind, "DONE $1|w|");
    world_free(world);
}

/* A follower asks the leader how far it must have applied. */
static void test_on_follower(void **state) {
    (void)state;
    struct world *world = started(3);
    uint64_t write = world_propose(world, 1, "SET k w");
    world->is_cut[1][2] = true;
    world_run(world, 10);
    assert_answer(world, write, "DONE +OK|");
    world->is_cut[1][2] = false;
    uint64_t ticket = world_read(world, 2, "GET k", SHARD_READ_ON_FOLLOWER);
    assert_answer(world, ticket, "");
    world_run(world, 200);
    assert_answer(world, ticket, "DONE $1|w|");
    world_cut_off(world, 2, true);
    ticket = world_read(world, 2, "GET k", SHARD_READ_ON_FOLLOWER);
    world_run(world, 3000);
    assert_answer(world, ticket, "NOT_EXECUTED");
    world_free(world);
}

/* A key past its time by the leader's clock is deleted by an entry before the read answers, so that
 * no later leader, whose clock is behind, shows it again. */
static void test_expired_key_is_deleted_first(void **state) {
    (void)state;
    struct world *world = started(3);
    world_propose(world, 1, "SET k v PX 100000");
    world_run(world, 100);
    world->replicas[1].wall_ahead_ms = 200000;
    raft_index before = world_applied_index(world, 1);
    uint64_t ticket = world_read(world, 1, "GET k", 0);
    assert_answer(world, ticket, "");
    world_settle(world);
    assert_answer(world, ticket, "DONE $-1|");
    assert_int_equal(world_applied_index(world, 1), before + 1);
    world_run(world, 100);
    world_elect(world, 2);
    ticket = world_read(world, 2, "EXISTS k", 0);
    assert_answer(world, ticket, "DONE :0|");
    assert_int_equal(keyspace_key_count(world_keyspace(world, 2)), 0);
    world_free(world);
}

static void test_expired_key_waits_for_the_deletion(void **state) {
    (void)state;
    struct world *world = started(3);
    world_propose(world, 1, "SET k v PX 100000");
    world_run(world, 100);
    world->replicas[1].wall_ahead_ms = 200000;
    world_cut_off(world, 1, true);
    uint64_t ticket = world_read(world, 1, "GET k", 0);
    world_run(world, 3000);
    assert_answer(world, ticket, "NOT_EXECUTED");
    world_free(world);
}

/* Nobody reads it: the leader deletes it all the same, once its time has come. */
static void test_expired_keys_are_swept(void **state) {
    (void)state;
    struct world *world = started(3);
    world_propose(world, 1, "SET a v PX 1000");
    world_propose(world, 1, "SET b v PX 1000");
    world_run(world, 500);
    assert_int_equal(keyspace_key_count(world_keyspace(world, 3)), 3);
    world_run(world, 1000);
    for (raft_node_number i = 1; i <= 3; i++)
        assert_int_equal(keyspace_key_count(world_keyspace(world, i)), 1);
    assert_true(world_is_equal(world));
    world_free(world);
}

/* A deletion that is refused because leadership is given away, in vain, holds up no later one. */
static void test_sweep_goes_on_after_failed_transfer(void **state) {
    (void)state;
    struct world *world = started(3);
    world_propose(world, 1, "SET a v PX 150");
    world_run(world, 100);
    world->is_cut[1][2] = true;
    world_propose(world, 1, "SET b v");
    world_settle(world);
    shard_transfer(world_shard(world, 1), 2, "asked");
    world_run(world, 245);
    assert_int_equal(keyspace_key_count(world_keyspace(world, 1)), 3);
    world_run(world, 1000);
    assert_int_equal(world_leader(world), 1);
    assert_int_equal(keyspace_key_count(world_keyspace(world, 1)), 2);
    world_free(world);
}

/* Several reads wait, and raft is asked for them in another order than they stand in. */
static void test_answers_in_any_order(void **state) {
    (void)state;
    struct world *world = started(3);
    struct shard *shard = world_shard(world, 1);
    world_propose(world, 1, "SET k w");
    shard_flush(shard);
    uint64_t first = world_read(world, 1, "GET k", SHARD_READ_AFTER_WRITES); /* trusts the lease */
    world->replicas[1].config.read_mode = READ_MODE_QUORUM;
    uint64_t second = world_read(world, 1, "GET k", 0); /* a round begins */
    uint64_t third = world_read(world, 1, "GET k", 0);  /* shares the next one with the first */
    world_settle(world);
    assert_answer(world, first, "DONE $1|w|");
    assert_answer(world, second, "DONE $1|w|");
    assert_answer(world, third, "DONE $1|w|");
    assert_int_equal(shard_pending_count(shard), 0);
    world_free(world);
}

/* A sole voter confirms itself within the asking. */
static void test_confirmed_at_once(void **state) {
    (void)state;
    struct world *world = started(1);
    world_propose(world, 1, "SET k w");
    uint64_t ticket = world_read(world, 1, "GET k", SHARD_READ_AFTER_WRITES);
    world->replicas[1].config.read_mode = READ_MODE_QUORUM;
    world_settle(world);
    assert_answer(world, ticket, "DONE $1|w|");
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_lease_answers_at_once), cmocka_unit_test(test_quorum_asks_first),
          cmocka_unit_test(test_stopped_in_the_middle_of_a_read),
          cmocka_unit_test(test_no_stale_read), cmocka_unit_test(test_after_writes),
          cmocka_unit_test(test_on_follower), cmocka_unit_test(test_expired_key_is_deleted_first),
          cmocka_unit_test(test_expired_key_waits_for_the_deletion),
          cmocka_unit_test(test_expired_keys_are_swept),
          cmocka_unit_test(test_sweep_goes_on_after_failed_transfer),
          cmocka_unit_test(test_answers_in_any_order), cmocka_unit_test(test_confirmed_at_once))
