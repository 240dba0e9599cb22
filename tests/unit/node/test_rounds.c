/* Shards that share a log begin their entries together. */
#include "raft/raft.h"
#include "shard/shard.h"
#include "world.h"

static raft_index last_of(struct world *world, uint32_t shard) {
    return raft_last_index(shard_raft(worker_shard(world_worker(world, 0), shard)));
}

/* The control shard's entry is on its way to the disk: what shard 1 is asked for meanwhile waits,
 * and is one entry when the disk is done. */
static void test_waits_for_another_shard(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0), *other = world_connect(world, 0);
    raft_index control = last_of(world, 0), data = last_of(world, 1);
    world_hold_disks(world, true);
    client_ask(client, "TROTHDB CLUSTERSET slowlog-max-len 7");
    assert_int_equal(last_of(world, 0), control + 1);
    client_ask(other, "INCR k");
    client_ask(other, "INCR k");
    assert_int_equal(last_of(world, 1), data);
    world_hold_disks(world, false);
    world_settle(world);
    assert_int_equal(last_of(world, 1), data + 1);
    assert_string_equal(client_take(other), ":1\r\n:2\r\n");
    assert_string_equal(client_take(client), "+OK\r\n");
    world_free(world);
}

/* Nothing is under way: nothing waits. */
static void test_goes_at_once(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    raft_index data = last_of(world, 1);
    world_hold_disks(world, true);
    client_ask(client, "INCR k");
    assert_int_equal(last_of(world, 1), data + 1);
    world_hold_disks(world, false);
    CLIENT_EXPECT(client, "INCR k", ":1\r\n:2\r\n");
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_waits_for_another_shard), cmocka_unit_test(test_goes_at_once))
