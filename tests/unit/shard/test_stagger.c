/* Three replicas want a snapshot of some 4 MB at the same entry, and take it one after the other:
 * each waits for an eighth of a second for every node with a lower number. */
#include "../unit.h"
#include "world.h"

/* Followers hear of a commit by the next message. */
enum { KEYS = 100, EACH_MS = 130, HEARD_MS = 60 };

/* The log is a tenth longer than what a snapshot would write. */
static struct world *filled(unsigned key_count) {
    struct world *world = world_led_taking(3, WORLD_SNAPSHOT_NEVER);
    world_write_much(world, 1, key_count);
    world_write_much(world, 1, key_count / 10);
    world_run(world, 100);
    return world;
}

/* Who has begun, or taken, a snapshot: "1", "12", ... */
static const char *takers(struct world *world) {
    static char text[WORLD_REPLICAS + 1];
    char *end = text;
    for (raft_node_number i = 1; i <= WORLD_REPLICAS; i++)
        if (world_has_logged(world, i, "snapshot begun"))
            *end++ = (char)('0' + i);
    *end = '\0';
    return text;
}

static void want_snapshots(struct world *world) {
    for (raft_node_number i = 1; i <= WORLD_REPLICAS; i++) {
        world->replicas[i].config.snapshot_log_bytes = 1 << 20;
        world->replicas[i].config.snapshot_log_times = 1;
    }
    world_write(world, 1, "SET k v");
}

static void test_one_after_the_other(void **state) {
    (void)state;
    struct world *world = filled(KEYS);
    want_snapshots(world);
    assert_string_equal(takers(world), "1");
    world_run(world, EACH_MS - 12);
    assert_string_equal(takers(world), "1");
    world_run(world, HEARD_MS + 20);
    assert_string_equal(takers(world), "12");
    world_run(world, EACH_MS - HEARD_MS - 20);
    assert_string_equal(takers(world), "12");
    world_run(world, HEARD_MS + 20);
    assert_string_equal(takers(world), "123");
    world_free(world);
}

/* A shard that is written to fast does not wait: its log would grow all the time. */
static void test_not_once_the_log_has_grown_by_half(void **state) {
    (void)state;
    struct world *world = filled(KEYS);
    want_snapshots(world);
    world_run(world, HEARD_MS);
    world_write_much(world, 1, KEYS / 2);
    assert_string_equal(takers(world), "1");
    world_write_much(world, 1, 10);
    world_run(world, 10);
    assert_string_equal(takers(world), "123");
    world_free(world);
}

/* Whoever is told to take one takes it now; whose log is to be let go waits for its turn. */
static void test_what_does_not_wait(void **state) {
    (void)state;
    struct world *world = filled(KEYS);
    want_snapshots(world);
    world_run(world, HEARD_MS);
    shard_take_snapshot(world_shard(world, 3));
    assert_string_equal(takers(world), "13");
    shard_release_log(world_shard(world, 2), KEYS * 40000 * 2);
    assert_string_equal(takers(world), "13");
    world_run(world, EACH_MS + 20);
    shard_release_log(world_shard(world, 2), KEYS * 40000 * 2);
    assert_string_equal(takers(world), "123");
    world_free(world);
}

/* What is saved in a moment disturbs nobody, so nobody waits. */
static void test_small_ones_do_not_wait(void **state) {
    (void)state;
    struct world *world = filled(KEYS / 2);
    want_snapshots(world);
    world_run(world, HEARD_MS);
    assert_string_equal(takers(world), "123");
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_one_after_the_other),
          cmocka_unit_test(test_not_once_the_log_has_grown_by_half),
          cmocka_unit_test(test_what_does_not_wait), cmocka_unit_test(test_small_ones_do_not_wait))
