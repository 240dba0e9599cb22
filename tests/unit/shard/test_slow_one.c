/* One of three is slow, stopped or away. The others do what they do without it: what is written is
 * answered at once, and what waits for the slow one is bounded. */
#include "../unit.h"
#include "world.h"

enum { KEYS = 200, WINDOW_BYTES = 1 << 20, MESSAGE_BYTES = 256 << 10 };

struct sent {
    uint64_t bytes; /* of entries, each once, to whom nobody waits for */
    raft_index last_index;
    raft_node_number to;
};
static struct sent sent;

/* What was sent before is another copy of what waits already. */
static void count_entry(const struct raft_entry *entry) {
    if (entry->index > sent.last_index) {
        sent.last_index = entry->index;
        sent.bytes += entry->length;
    }
}

static bool count_entries(struct world *world, struct letter *letter) {
    (void)world;
    if (letter->kind == LETTER_MESSAGE && letter->message.kind == RAFT_APPEND &&
        letter->to == sent.to)
        for (size_t i = 0; i < letter->message.entry_count; i++)
            count_entry(letter->message.entries[i]);
    return true;
}

static struct world *started(void) {
    struct world *world = world_led_taking(3, WORLD_SNAPSHOT_NEVER);
    for (unsigned i = 0; i < 20; i++) {
        world_write(world, 1, "INCR n");
        world_run(world, 5);
    }
    return world;
}

/* The first write may find that the one that is slow was the faster of the two; from then on no
 * time passes. */
static void expect_to_be_answered_at_once(struct world *world) {
    uint64_t first = world_propose(world, 1, "SET first v");
    world_run(world, 100);
    assert_answer(world, first, "DONE +OK|");
    uint64_t now_us = world->now_us;
    for (unsigned i = 0; i < 50; i++) {
        uint64_t ticket = world_propose(world, 1, "INCR n");
        world_settle(world);
        assert_int_equal(strncmp(world_answer(world, ticket), "DONE :", 6), 0);
    }
    assert_true(world->now_us == now_us);
    assert_int_equal(world_leader(world), 1);
}

static void expect_to_catch_up(struct world *world) {
    world_run(world, 3000);
    assert_true(world_is_equal(world));
    world_free(world);
}

/* Whichever disk it is: the leader's own as well, without which it commits. */
static void test_a_disk_that_hangs(void **state) {
    (void)state;
    for (raft_node_number slow = 1; slow <= 3; slow++) {
        struct world *world = started();
        world->replicas[slow].is_disk_held = true;
        raft_index durable_here = raft_commit_index(world_raft(world, slow));
        expect_to_be_answered_at_once(world);
        assert_true(raft_commit_index(world_raft(world, 1)) >= durable_here + 51);
        world->replicas[slow].is_disk_held = false;
        expect_to_catch_up(world);
    }
}

static void test_a_follower_that_is_away(void **state) {
    (void)state;
    for (raft_node_number away = 2; away <= 3; away++) {
        struct world *world = started();
        world_cut_off(world, away, true);
        expect_to_be_answered_at_once(world);
        world_cut_off(world, away, false);
        expect_to_catch_up(world);
    }
}

/* It is sent no more than its window, and a last message, while it acknowledges nothing. */
static void test_what_waits_for_it_is_bounded(void **state) {
    (void)state;
    for (raft_node_number slow = 2; slow <= 3; slow++) {
        struct world *world = started();
        world->replicas[1].config.append_window_bytes = WINDOW_BYTES;
        world->replicas[1].config.batch_bytes = MESSAGE_BYTES;
        shard_settings_changed(world_shard(world, 1));
        world->replicas[slow].is_disk_held = true;
        sent = (struct sent){.to = slow};
        world->censor = count_entries;
        world_write_much(world, 1, KEYS); /* 8 MB */
        world_run(world, 1000);
        world->censor = NULL;
        assert_int_equal(world_leader(world), 1);
        assert_in_range(sent.bytes, 1, WINDOW_BYTES + MESSAGE_BYTES + (64 << 10));
        assert_int_equal(keyspace_key_count(world_keyspace(world, 5 - slow)), KEYS + 1);
        world->replicas[slow].is_disk_held = false;
        expect_to_catch_up(world);
    }
}

RUN_TESTS(cmocka_unit_test(test_a_disk_that_hangs), cmocka_unit_test(test_a_follower_that_is_away),
          cmocka_unit_test(test_what_waits_for_it_is_bounded))
