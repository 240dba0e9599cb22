/* Two releases in one cluster: one of them reads version 0 of the wire only. */
#include "../unit.h"
#include "world.h"

enum { SECOND = 1000000 };

static bool all_know(struct world *world, unsigned other, const char *value) {
    for (unsigned i = 1; i <= world->count; i++)
        if (world->nodes[i].gossip != NULL &&
            !bytes_equal(world_value(world, i, other, "color"), bytes_of_text(value)))
            return false;
    return true;
}
static bool all_know_both(struct world *world) {
    return all_know(world, 1, "red") && all_know(world, world->count, "blue");
}

/* Nodes 1..6, the last `old` of them of the old release. */
static struct world *mixed_world(uint64_t seed, unsigned old) {
    struct world *world = world_new(seed);
    for (unsigned i = 1; i <= 6; i++) {
        world->is_next_old = i > 6 - old;
        world_seed(world, world_add(world)->number, 1);
    }
    return world;
}

/* What `number` says that it speaks with `other`. */
static int spoken(struct world *world, unsigned number, unsigned other) {
    return gossip_wire_version(world->nodes[number].gossip, world_view(world, number, other));
}

/* Each release hears the other's news, an old node never gets a datagram that it cannot read, and
 * two new ones speak version 1. */
static void test_old_and_new_share_a_cluster(void **state) {
    (void)state;
    struct world *world = mixed_world(1, 3);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_set(world, 1, "color", "red");
    world_set(world, 6, "color", "blue");
    assert_true(world_run_until(world, 2 * SECOND, all_know_both));
    world_run(world, 20 * SECOND);
    assert_int_equal(world->unreadable_count, 0);
    assert_true(world->received_by_version[1] > 50);
    assert_int_equal(world->healthy_called_dead, 0);
    for (unsigned number = 1; number <= 6; number++)
        for (unsigned other = 1; other <= 6; other++)
            assert_int_equal(spoken(world, number, other), number <= 3 && other <= 3 ? 1 : 0);
    world_free(world);
}

/* Where all are old nobody ever speaks version 1; where all are new, it is spoken after the first
 * contact. */
static void test_equal_releases(void **state) {
    (void)state;
    struct world *world = mixed_world(2, 6);
    world_run(world, 10 * SECOND);
    assert_true(world_is_settled(world));
    assert_int_equal(world->received_by_version[1], 0);
    world_free(world);
    world = mixed_world(3, 0);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_run(world, 10 * SECOND);
    world->received_by_version[0] = 0;
    uint64_t before = world->received_by_version[1];
    world_run(world, 10 * SECOND);
    assert_int_equal(world->received_by_version[0], 0);
    assert_true(world->received_by_version[1] > before + 50);
    world_free(world);
}

/* A node that comes back as the release before finds the cluster again: what the others still send
 * as version 1 is lost on it, and they learn better. */
static void test_release_is_rolled_back(void **state) {
    (void)state;
    struct world *world = mixed_world(4, 0);
    world_run(world, 10 * SECOND);
    world_kill(world, 6);
    world->is_next_old = true;
    world_start(world, 6);
    world_seed(world, 6, 1);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_set(world, 1, "color", "red");
    world_set(world, 6, "color", "blue");
    assert_true(world_run_until(world, 2 * SECOND, all_know_both));
    uint64_t unreadable = world->unreadable_count;
    world_run(world, 10 * SECOND);
    assert_int_equal(world->unreadable_count, unreadable);
    assert_int_equal(world->healthy_called_dead, 0);
    assert_int_equal(spoken(world, 1, 2), 1);
    assert_int_equal(spoken(world, 1, 6), 0);
    world_free(world);
}

/* gossip-wire-maximum is set to 0 while the node runs: it still reads version 1, and the others
 * stop speaking it with their next exchange. */
static void test_wire_maximum_is_lowered_live(void **state) {
    (void)state;
    struct world *world = mixed_world(5, 0);
    world_run(world, 10 * SECOND);
    for (unsigned i = 1; i <= 6; i++) {
        struct gossip_timing timing = world->timing;
        timing.wire_maximum = 0;
        gossip_set_timing(world->nodes[i].gossip, &timing);
    }
    world_run(world, 5 * SECOND);
    world->received_by_version[1] = 0;
    world_run(world, 10 * SECOND);
    assert_int_equal(world->received_by_version[1], 0);
    assert_true(world_is_settled(world));
    assert_int_equal(spoken(world, 1, 1), 0);
    /* Who was only told of has not been heard. */
    world_add(world);
    world_seed(world, 1, 7);
    unsigned unheard = 0;
    for (unsigned turn = 0; turn < 1000 && unheard == 0; turn++) {
        world_run(world, 1000);
        for (unsigned number = 2; number <= 6; number++)
            unheard += world_view(world, number, 7) != NULL && spoken(world, number, 7) == -1;
    }
    assert_true(unheard > 0);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_old_and_new_share_a_cluster), cmocka_unit_test(test_equal_releases),
          cmocka_unit_test(test_release_is_rolled_back),
          cmocka_unit_test(test_wire_maximum_is_lowered_live))
