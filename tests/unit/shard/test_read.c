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

enum { LONG_KEY_BYTES = 20000, LONG_KEYS = 80 };

/* "SET" or "GET", and a long key with a number. */
static void long_key_command(char *command, size_t size, const char *word, unsigned number) {
    int begun = snprintf(command, size, "%s %u-", word, number);
    memset(command + begun, 'k', LONG_KEY_BYTES);
    command[begun + LONG_KEY_BYTES] = 0;
}

/* One second after the other the time of a key comes. */
static void write_short_lives(struct world *world, raft_node_number on) {
    for (unsigned i = 0; i < LONG_KEYS; i++) {
        char command[LONG_KEY_BYTES + 64];
        long_key_command(command, sizeof command, "SET", i);
        size_t length = strlen(command);
        snprintf(command + length, sizeof command - length, " v PX %u", 100000 + i * 1000);
        world_write(world, on, command);
    }
}

/* The disk of a shard with one replica is full, and the time of its keys comes. Reads of them are
 * answered as long as there is room to delete them in the log, and refused before they use up what
 * is kept back for terms and votes. Other reads go on, and so do these once there is space. */
static void test_expired_keys_leave_the_reserve_alone(void **state) {
    (void)state;
    struct world *world = world_new(1);
    struct replica *replica = &world->replicas[1];
    char command[LONG_KEY_BYTES + 64];
    uint64_t ticket = 0;
    unsigned refused = 0;
    world->segment_bytes = 256 << 10;
    world->reserve_bytes = 64 << 10;
    world_lead(world);
    wal_tick(replica->wal); /* makes the reserve */
    world_write(world, 1, "SET other v");
    write_short_lives(world, 1);
    replica->disk->is_full = true;
    for (unsigned i = 0; i < LONG_KEYS && refused < 3; i++) {
        replica->wall_ahead_ms = 101000 + i * 1000;
        long_key_command(command, sizeof command, "GET", i);
        ticket = world_read(world, 1, command, 0);
        world_settle(world);
        refused += strncmp(world_answer(world, ticket), "DONE -MISCONF", 13) == 0;
        assert_true(refused > 0 || strcmp(world_answer(world, ticket), "DONE $-1|") == 0);
    }
    assert_int_equal(refused, 3);
    assert_false(wal_is_stalled(replica->wal));
    assert_non_null(fake_disk_find(replica->disk, "wal-reserve"));
    assert_answer(world, world_read(world, 1, "GET other", 0), "DONE $1|v|");
    replica->disk->is_full = false;
    world_restart_leading(world, 1);
    ticket = world_read(world, 1, command, 0);
    world_settle(world);
    assert_answer(world, ticket, "DONE $-1|");
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
          cmocka_unit_test(test_expired_keys_leave_the_reserve_alone),
          cmocka_unit_test(test_answers_in_any_order), cmocka_unit_test(test_confirmed_at_once))
