/* A disk that refuses a single call, whichever, anywhere on the way: rounds of the log, new
 * segments, a snapshot taken, another one that names some of its chunks, what they release, a
 * transfer to one that was away. Where the call was the log's the node ends; a snapshot is given up
 * and taken later. Nothing that was answered is ever missing. */
#include "../unit.h"
#include "world.h"

enum {
    SEGMENT_BYTES = 8 << 10,
    CHUNK_BYTES = 16 << 10,
    VALUE_BYTES = 1500,
    KEYS_MAXIMUM = 32,
    RETRY_MS = 11000, /* a snapshot that was given up is not tried again before */
};

struct story {
    struct world *world;
    uint64_t tickets[KEYS_MAXIMUM]; /* of the SET of each key; 0: refused */
    unsigned key_count;
};

static void set_up(struct story *story) {
    struct world *world = world_new(3);
    world->segment_bytes = SEGMENT_BYTES;
    world_snapshot_after(world, WORLD_SNAPSHOT_NEVER);
    for (raft_node_number i = 1; i <= 3; i++)
        world->replicas[i].config.snapshot_chunk_bytes = CHUNK_BYTES;
    world_lead(world);
    *story = (struct story){.world = world};
}

/* On what its disk kept. That has to be whole: peers would make up for what is lacking, and hide
 * it.
 */
static void start_again(struct world *world, raft_node_number number) {
    assert_int_equal(world_start(world, number), 0);
    assert_false(world_has_logged(world, number, "the replica gets its data from its peers"));
}

/* Whoever ended is started again. */
static raft_node_number lead(struct world *world) {
    for (unsigned i = 0; i < 400; i++) {
        for (raft_node_number number = 1; number <= 3; number++)
            if (!world_shard(world, number))
                start_again(world, number);
        raft_node_number leader = world_leader(world);
        if (leader && raft_has_lease(world_raft(world, leader), world->now_us))
            return leader;
        world_run(world, 50);
    }
    fail_msg("no leader");
    return 0;
}

static void write_keys(struct story *story, unsigned count) {
    struct world *world = story->world;
    char command[32 + VALUE_BYTES];
    struct random random;
    for (unsigned i = 0; i < count; i++) {
        unsigned key = story->key_count++;
        assert_in_range(key, 0, KEYS_MAXIMUM - 1);
        random_init(&random, key);
        size_t length = (size_t)snprintf(command, sizeof command, "SET key%u ", key);
        while (length < VALUE_BYTES)
            command[length++] = (char)('!' + random_below(&random, 90));
        command[length] = 0;
        story->tickets[key] = world_propose(world, lead(world), command);
        world_settle(world);
    }
}

/* Again after a pause where the disk refused the first. */
static void take_snapshot(struct world *world) {
    for (unsigned i = 0; i < 3; i++) {
        raft_node_number leader = lead(world);
        struct shard *shard = world_shard(world, leader);
        raft_index before = shard_snapshot_index(shard);
        shard_take_snapshot(shard);
        world_run(world, 300);
        shard = world_shard(world, leader);
        if (shard && shard_snapshot_index(shard) > before)
            return;
        world_run(world, RETRY_MS);
    }
    fail_msg("no snapshot could be taken");
}

static void run_until_equal(struct world *world) {
    for (unsigned i = 0; i < 60; i++) {
        lead(world);
        world_run(world, 500);
        if (world_leader(world) && world_is_equal(world))
            return;
    }
    fail_msg("the replicas stay different");
}

static void assert_nothing_is_missing(struct story *story) {
    struct world *world = story->world;
    raft_node_number leader = lead(world);
    for (unsigned key = 0; key < story->key_count; key++) {
        if (!story->tickets[key] ||
            strcmp(world_answer(world, story->tickets[key]), "DONE +OK|") != 0)
            continue;
        char command[32];
        snprintf(command, sizeof command, "EXISTS key%u", key);
        uint64_t ticket = world_read(world, leader, command, 0);
        assert_int_not_equal(ticket, 0);
        world_settle(world);
        if (strcmp(world_answer(world, ticket), "DONE :1|") != 0)
            fail_msg("key%u was answered and is missing", key);
    }
}

static void assert_all_is_on_disk(struct story *story) {
    struct world *world = story->world;
    for (raft_node_number i = 1; i <= 3; i++)
        world_kill(world, i);
    run_until_equal(world);
    assert_nothing_is_missing(story);
}

/* A call of one replica's disk, and what it says then. */
struct fault {
    raft_node_number victim;
    enum fake_call call;
    int error;
};

static void tell(struct story *story, const struct fault *fault, unsigned nth) {
    set_up(story);
    struct world *world = story->world;
    write_keys(story, 6);
    world_cut_off(world, 3, true);
    struct fake_disk *disk = world->replicas[fault->victim].disk;
    fake_disk_fail_call(disk, fault->call, nth);
    disk->fail_call_with = fault->error;
    write_keys(story, 16);
    take_snapshot(world);
    write_keys(story, 2);
    take_snapshot(world);
    world_cut_off(world, 3, false);
    run_until_equal(world);
    write_keys(story, 2);
    run_until_equal(world);
}

/* What was reached, over all runs. */
struct reached {
    unsigned log_failures, given_up, replaced, not_written, not_read_back, sent;
    unsigned not_now, written_anew, fetched_anew;
};

static void note(struct world *world, raft_node_number victim, struct reached *reached) {
    reached->log_failures += world->replicas[victim].log_failures;
    reached->given_up += world_has_logged(world, victim, "snapshot not written");
    reached->replaced += world_has_logged(world, victim, "another one is taken in its place");
    reached->not_written += world_has_logged(world, victim, "received snapshot not written");
    reached->not_read_back +=
        world_has_logged(world, victim, "received snapshot cannot be read back");
    reached->not_now += world_has_logged(world, victim, "snapshot cannot be read now");
    reached->written_anew += world_has_logged(world, victim, "it is written anew");
    reached->fetched_anew += world_has_logged(world, victim, "it is fetched");
    for (raft_node_number i = 1; i <= 3; i++)
        reached->sent += world_has_logged(world, i, "snapshot transferred");
}

/* False: there is no such call. */
static bool fail_one(const struct fault *fault, unsigned nth, struct reached *reached) {
    struct story story;
    tell(&story, fault, nth);
    const struct replica *replica = &story.world->replicas[fault->victim];
    bool is_hit = replica->disk->failed_calls > 0;
    bool is_of_log = is_hit && strncmp(replica->disk->failed_name, "wal-", 4) == 0;
    /* That no more files can be open passes, and the log waits for it. */
    bool is_waited_out = fault->error == ERR_BUSY && fault->call == FAKE_OPEN;
    if (fault->call != FAKE_LIST)
        assert_int_equal(replica->log_failures, is_of_log && !is_waited_out);
    assert_nothing_is_missing(&story);
    assert_all_is_on_disk(&story);
    note(story.world, fault->victim, reached);
    world_free(story.world);
    return is_hit;
}

static void fail_each(raft_node_number victim, struct reached *reached) {
    *reached = (struct reached){0};
    struct fault fault = {.victim = victim, .error = ERR_IO};
    for (fault.call = 0; fault.call < FAKE_CALL_COUNT; fault.call++) {
        for (unsigned nth = 1; fail_one(&fault, nth, reached); nth++) {
        }
    }
}

static void test_every_call_of_the_leader_fails_once(void **state) {
    (void)state;
    struct reached reached;
    fail_each(1, &reached);
    assert_true(reached.log_failures > 0);
    assert_true(reached.given_up > 0);
    assert_true(reached.replaced > 0);
    assert_true(reached.sent > 0);
}

static void test_every_call_of_the_receiver_fails_once(void **state) {
    (void)state;
    struct reached reached;
    fail_each(3, &reached);
    assert_true(reached.log_failures > 0);
    assert_true(reached.not_written > 0);
    assert_true(reached.not_read_back > 0);
    assert_true(reached.sent > 0);
}

/* Too many files are open for a moment: what lies on the disk is given up nowhere, nor written or
 * fetched anew. */
static void test_what_cannot_be_looked_at_stays(void **state) {
    (void)state;
    struct reached reached = {0};
    struct fault fault = {.error = ERR_BUSY};
    for (fault.victim = 1; fault.victim <= 3; fault.victim += 2) {
        for (fault.call = FAKE_OPEN; fault.call <= FAKE_READ; fault.call++) {
            for (unsigned nth = 1; fail_one(&fault, nth, &reached); nth++) {
            }
        }
    }
    assert_true(reached.not_now > 0);
    assert_true(reached.given_up > 0);
    assert_int_equal(reached.replaced, 0);
    assert_int_equal(reached.written_anew, 0);
    assert_int_equal(reached.fetched_anew, 0);
}

/* One of three has taken a snapshot, has some entries behind it, and is down. Its disk. */
static struct fake_disk *stop_with_a_snapshot(struct story *story) {
    set_up(story);
    struct world *world = story->world;
    write_keys(story, 8);
    world_run(world, 300);
    shard_take_snapshot(world_shard(world, 3));
    world_run(world, 300);
    write_keys(story, 2);
    world_kill(world, 3);
    return world->replicas[3].disk;
}

/* The n-th call of this kind fails while the node starts, once or whenever it is made of that file.
 * False: there is no such call. */
static bool fail_start(enum fake_call call, unsigned nth, bool is_for_good, unsigned *tried_again) {
    static const char given_up[] = "the replica gets its data from its peers";
    struct story story;
    struct fake_disk *disk = stop_with_a_snapshot(&story);
    struct world *world = story.world;
    fake_disk_fail_call(disk, call, nth);
    disk->fails_for_good = is_for_good;
    int status = world_start(world, 3);
    bool is_hit = disk->failed_calls > 0;
    bool is_of_snapshot = is_hit && strncmp(disk->failed_name, "wal-", 4) != 0;
    fake_disk_fail_call(disk, call, 0);
    if (is_of_snapshot) {
        assert_int_equal(status, 0);
        assert_int_equal(world_has_logged(world, 3, given_up), is_for_good);
        ++*tried_again;
    } else if (status) { /* the log's part: tests/unit/store/test_disk_errors.c */
        assert_int_equal(world_start(world, 3), 0);
    }
    run_until_equal(world);
    assert_nothing_is_missing(&story);
    world_free(story.world);
    return is_hit;
}

/* Of a snapshot that can be read the second time nothing is given up; one that never can be read is
 * got from the peers. */
static void test_reads_of_a_start_fail(void **state) {
    (void)state;
    static const enum fake_call calls[] = {FAKE_OPEN, FAKE_READ};
    unsigned tried_again[2] = {0};
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned is_for_good = 0; is_for_good < 2; is_for_good++) {
            for (unsigned nth = 1;
                 fail_start(calls[i], nth, is_for_good, &tried_again[is_for_good]); nth++) {
            }
        }
    }
    assert_true(tried_again[0] > 2 && tried_again[1] > 2);
}

/* A right is missing: the replica keeps what it has, and does not start until it may read it. */
static bool refuse_start(enum fake_call call, unsigned nth) {
    struct story story;
    struct fake_disk *disk = stop_with_a_snapshot(&story);
    struct world *world = story.world;
    fake_disk_fail_call(disk, call, nth);
    disk->fails_for_good = true;
    disk->fail_call_with = ERR_REFUSED;
    int status = world_start(world, 3);
    bool is_hit = disk->failed_calls > 0;
    fake_disk_fail_call(disk, call, 0);
    assert_false(world_has_logged(world, 3, "the replica gets its data from its peers"));
    if (status) {
        assert_int_equal(status, ERR_REFUSED);
        assert_int_equal(world_start(world, 3), 0);
    }
    run_until_equal(world);
    assert_nothing_is_missing(&story);
    world_free(story.world);
    return is_hit;
}

static void test_what_may_not_be_read_is_not_given_up(void **state) {
    (void)state;
    static const enum fake_call calls[] = {FAKE_OPEN, FAKE_READ};
    for (unsigned i = 0; i < 2; i++) {
        unsigned nth = 1;
        while (refuse_start(calls[i], nth))
            nth++;
        assert_true(nth > 4);
    }
}

RUN_TESTS(cmocka_unit_test(test_reads_of_a_start_fail),
          cmocka_unit_test(test_what_may_not_be_read_is_not_given_up),
          cmocka_unit_test(test_what_cannot_be_looked_at_stays),
          cmocka_unit_test(test_every_call_of_the_leader_fails_once),
          cmocka_unit_test(test_every_call_of_the_receiver_fails_once))
