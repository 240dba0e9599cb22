/* The sets of quiet shards, and what a heartbeat of two nodes is worth. */
#include "../unit.h"

#include "raft/parts/pair.h"

static const struct raft_timing timing = {.election_timeout_us = 400000,
                                          .heartbeat_us = 40000,
                                          .lease_us = 100000,
                                          .clock_drift_percent = 20};

/* A set is what is in it, in whatever order that came. */
static void sets_are_equal_by_content(void **state) {
    (void)state;
    struct raft_quiet_set a = {0}, b = {0};
    raft_quiet_set_add(&a, 1, 5, 10);
    raft_quiet_set_add(&a, 2, 5, 20);
    raft_quiet_set_add(&a, 3, 7, 30);
    raft_quiet_set_add(&b, 3, 7, 1);
    raft_quiet_set_add(&b, 1, 5, 2);
    assert_int_not_equal(a.hash, b.hash);
    raft_quiet_set_add(&b, 2, 5, 3);
    assert_int_equal(a.hash, b.hash);
    assert_int_equal(a.count, b.count);
    raft_quiet_set_remove(&a, 2, 5);
    raft_quiet_set_remove(&b, 2, 5);
    assert_int_equal(a.hash, b.hash);
    assert_int_equal(a.since_us, 10);
}

/* The bytes that other versions compare with: docs/format/peer.md. */
static void hash_is_as_written_down(void **state) {
    (void)state;
    struct raft_quiet_set set = {0};
    raft_quiet_set_add(&set, 0, 1, 0);
    assert_int_equal(set.hash, 0xd7fd145db37070f8);
    raft_quiet_set_add(&set, 1023, 77, 0);
    assert_int_equal(set.hash, 0x7d162eece06dbf5f);
}

/* Shard and term cannot be taken for each other, nor can the terms of two shards be swapped. */
static void terms_belong_to_their_shards(void **state) {
    (void)state;
    struct raft_quiet_set a = {0}, b = {0};
    raft_quiet_set_add(&a, 1, 2, 0);
    raft_quiet_set_add(&b, 2, 1, 0);
    assert_int_not_equal(a.hash, b.hash);
    raft_quiet_set_add(&a, 3, 4, 0);
    raft_quiet_set_add(&a, 5, 6, 0);
    b = (struct raft_quiet_set){0};
    raft_quiet_set_add(&b, 1, 2, 0);
    raft_quiet_set_add(&b, 3, 6, 0);
    raft_quiet_set_add(&b, 5, 4, 0);
    assert_int_not_equal(a.hash, b.hash);
}

/* The lease counts from the sending, less the drift, and on the shorter of the two promises. */
static void reply_is_worth_its_promise(void **state) {
    (void)state;
    struct raft_pair leader = {0}, follower = {0};
    raft_quiet_set_add(&leader.led, 1, 1, 0);
    raft_quiet_set_add(&follower.followed, 1, 1, 0);
    struct raft_pair_heartbeat heartbeat = raft_pair_heartbeat_make(&leader, 9, 1000);
    struct raft_pair_reply reply = raft_pair_heartbeat_take(&follower, &heartbeat, &timing, 70000);
    assert_true(reply.is_equal);
    assert_int_equal(follower.promised_until_us, 170000);
    reply.promise_us = 50000;
    assert_true(raft_pair_reply_take(&leader, &reply, 9, &timing, 2000));
    assert_int_equal(leader.lease_until_us, 1000 + 40000);
    assert_int_equal(leader.answered_us, 2000);
    assert_int_equal(raft_pair_led_deadline_us(&leader, &timing), 402000);
    assert_int_equal(raft_pair_followed_deadline_us(&follower, &timing), 470000);
}

/* As many shards, and not the same ones: the two do not agree, and nothing is promised. */
static void an_unequal_pair_promises_nothing(void **state) {
    (void)state;
    struct raft_pair leader = {0}, follower = {0};
    raft_quiet_set_add(&leader.led, 1, 1, 0);
    raft_quiet_set_add(&follower.followed, 1, 2, 0);
    struct raft_pair_heartbeat heartbeat = raft_pair_heartbeat_make(&leader, 9, 1000);
    assert_false(raft_pair_heartbeat_take(&follower, &heartbeat, &timing, 70000).is_equal);
    assert_int_equal(follower.promised_until_us, 0);
}

/* A promise that was told is kept, though the setting has changed since. */
static void promise_never_shrinks(void **state) {
    (void)state;
    struct raft_pair follower = {0};
    struct raft_pair_heartbeat heartbeat = {.life = 1, .context = 1};
    struct raft_timing shorter = timing;
    shorter.lease_us = 10000;
    assert_true(raft_pair_heartbeat_take(&follower, &heartbeat, &timing, 1000).is_equal);
    assert_int_equal(raft_pair_heartbeat_take(&follower, &heartbeat, &shorter, 2000).promise_us,
                     10000);
    assert_int_equal(follower.promised_until_us, 101000);
}

/* A peer that restarted in between answers with an empty set; a reply of an earlier life of ours,
 * or from before the newest one, or from the future, counts for nothing. */
static void strange_replies_count_for_nothing(void **state) {
    (void)state;
    struct raft_pair leader = {0}, restarted = {0};
    raft_quiet_set_add(&leader.led, 1, 1, 0);
    struct raft_pair_heartbeat heartbeat = raft_pair_heartbeat_make(&leader, 9, 1000);
    struct raft_pair_reply reply = raft_pair_heartbeat_take(&restarted, &heartbeat, &timing, 5);
    assert_false(reply.is_equal);
    assert_int_equal(restarted.heard_us, 0);
    assert_false(raft_pair_reply_take(&leader, &reply, 9, &timing, 2000));
    reply = (struct raft_pair_reply){
        .life = 8, .context = 1500, .is_equal = true, .promise_us = 100000};
    assert_true(raft_pair_reply_take(&leader, &reply, 9, &timing, 2000));
    reply.life = 9;
    reply.context = 2001;
    assert_true(raft_pair_reply_take(&leader, &reply, 9, &timing, 2000));
    assert_int_equal(leader.acknowledged_us, 0);
    reply.context = 1500;
    assert_true(raft_pair_reply_take(&leader, &reply, 9, &timing, 2000));
    assert_int_equal(leader.acknowledged_us, 1500);
    reply.context = 1400;
    assert_true(raft_pair_reply_take(&leader, &reply, 9, &timing, 2000));
    assert_int_equal(leader.acknowledged_us, 1500);
}

/* Without quiet shards nobody waits for heartbeats. */
static void empty_sets_have_no_deadline(void **state) {
    (void)state;
    struct raft_pair pair = {0};
    assert_int_equal(raft_pair_led_deadline_us(&pair, &timing), UINT64_MAX);
    raft_quiet_set_add(&pair.followed, 1, 1, 5000);
    assert_int_equal(raft_pair_followed_deadline_us(&pair, &timing), 405000);
    raft_quiet_set_remove(&pair.followed, 1, 1);
    assert_int_equal(raft_pair_followed_deadline_us(&pair, &timing), UINT64_MAX);
}

static void own_heartbeat_goes_with_an_answer_if_it_is_due_soon(void **state) {
    (void)state;
    uint64_t half_us = timing.heartbeat_us / 2;
    assert_int_equal(raft_pair_beat_us(1000 + half_us, 1000, &timing), 1000);
    assert_int_equal(raft_pair_beat_us(1001 + half_us, 1000, &timing), 1001 + half_us);
    assert_int_equal(raft_pair_beat_us(900, 1000, &timing), 900); /* late already */
}

/* Three nodes that lead each other begin at times of their own. Soon all beat when the first of
 * them is due, and no oftener than before. */
static void nodes_come_to_beat_together(void **state) {
    (void)state;
    enum { NODES = 3, STEP_US = 1000 };
    uint64_t due_us[NODES] = {0, timing.heartbeat_us / 3, timing.heartbeat_us * 4 / 5};
    unsigned intervals = 50, beats = 0, moments = 0;
    for (uint64_t now_us = 0; now_us < intervals * timing.heartbeat_us; now_us += STEP_US) {
        unsigned before = beats;
        bool has_beaten[NODES] = {false};
        for (unsigned turn = 0; turn < 2 * NODES; turn++) {
            unsigned node = turn % NODES;
            if (due_us[node] > now_us)
                continue;
            due_us[node] = now_us + timing.heartbeat_us;
            assert_false(has_beaten[node]);
            has_beaten[node] = true;
            beats++;
            for (unsigned other = 0; other < NODES; other++)
                if (other != node)
                    due_us[other] = raft_pair_beat_us(due_us[other], now_us, &timing);
        }
        moments += beats > before;
    }
    assert_in_range(beats, NODES * intervals - NODES, NODES * intervals + NODES);
    assert_in_range(moments, intervals, intervals + 2);
}

RUN_TESTS(cmocka_unit_test(sets_are_equal_by_content), cmocka_unit_test(hash_is_as_written_down),
          cmocka_unit_test(terms_belong_to_their_shards),
          cmocka_unit_test(reply_is_worth_its_promise),
          cmocka_unit_test(an_unequal_pair_promises_nothing),
          cmocka_unit_test(promise_never_shrinks),
          cmocka_unit_test(strange_replies_count_for_nothing),
          cmocka_unit_test(empty_sets_have_no_deadline),
          cmocka_unit_test(own_heartbeat_goes_with_an_answer_if_it_is_due_soon),
          cmocka_unit_test(nodes_come_to_beat_together))
