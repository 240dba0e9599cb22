/* Who leads a shard: how long elections are waited for, who is given the lead, and what is counted.
 */
#include "../unit.h"
#include "world.h"

/* Round trips and disks that take long make elections patient, up to a bound; promises to leaders
 * stay as they are set, and so do leases. */
static void test_patience_grows_with_delays(void **state) {
    (void)state;
    struct world *world = world_led(3);
    struct shard *shard = world_shard(world, 1);
    uint64_t setting_us = (uint64_t)world->replicas[1].config.election_timeout_ms * 1000;
    assert_int_equal(shard_election_timeout_us(shard), setting_us);
    shard_set_delays(shard, 500, 2000);
    assert_int_equal(shard_election_timeout_us(shard), setting_us);
    shard_set_delays(shard, setting_us / 8, setting_us / 8);
    assert_int_equal(shard_election_timeout_us(shard), 2 * setting_us);
    shard_set_delays(shard, setting_us, setting_us * 100);
    assert_int_equal(shard_election_timeout_us(shard), SHARD_ELECTION_STRETCH_MAXIMUM * setting_us);
    world_run(world, 100);
    assert_true(raft_has_lease(shard_raft(shard), world->now_us));
    world_cut_off(world, 1, true);
    world_run(world, (unsigned)world->replicas[1].config.lease_ms);
    assert_false(raft_has_lease(shard_raft(shard), world->now_us));
    world_free(world);
}

/* The lead leaves a reluctant leader, for the one voter that is willing; what was proposed a moment
 * ago is not lost by that, and both nodes count what happened. */
static void test_reluctant_leader_hands_over(void **state) {
    (void)state;
    struct world *world = world_led(3);
    for (raft_node_number number = 1; number <= 3; number++) {
        world->replicas[number].config.leader_move_pause_ms = 0;
        shard_settings_changed(world_shard(world, number));
    }
    uint64_t ticket = world_propose(world, 1, "SET k v");
    shard_set_standing(world_shard(world, 1), 2, RAFT_RELUCTANT, NULL);
    shard_set_standing(world_shard(world, 1), 1, RAFT_RELUCTANT, "slow-disk");
    world_run(world, 300);
    assert_int_equal(world_leader(world), 3);
    assert_answer(world, ticket, "DONE +OK|");
    assert_int_equal(world_counted(world, 1, METRIC_leader_moves_total, "slow-disk"), 1);
    assert_int_equal(world_counted(world, 3, METRIC_elections_total, "transfer"), 1);
    world_free(world);
}

/* Two leaders that are reluctant in turn do not play with the lead: a pause lies between. */
static void test_pause_between_moves(void **state) {
    (void)state;
    struct world *world = world_led(3);
    for (raft_node_number number = 1; number <= 3; number++) {
        world->replicas[number].config.leader_move_pause_ms = 60000;
        shard_settings_changed(world_shard(world, number));
    }
    shard_set_standing(world_shard(world, 1), 1, RAFT_RELUCTANT, "slow-disk");
    world_run(world, 3000);
    assert_int_equal(world_leader(world), 1);
    assert_true(shard_transfer(world_shard(world, 1), 2, "asked"));
    world_run(world, 300);
    assert_int_equal(world_leader(world), 2);
    assert_int_equal(world_counted(world, 1, METRIC_leader_moves_total, "slow-disk"), 0);
    assert_int_equal(world_counted(world, 1, METRIC_leader_moves_total, "asked"), 1);
    world_free(world);
}

/* Another leads in the place of the preferred leader. It gives the lead back after a while, also if
 * the shard is quiet, but not to one that is not there, is behind or would rather not lead. */
static void test_the_lead_goes_back(void **state) {
    (void)state;
    struct world *world = world_led(3);
    struct config *config = &world->replicas[1].config;
    config->leader_move_pause_ms = 100;
    config->leader_return_ms = 2000;
    struct shard *shard = world_shard(world, 1);
    world_run(world, 1500);
    assert_false(shard_give_back(shard, 2)); /* too soon */
    world_run(world, 1500);
    shard_set_standing(shard, 2, RAFT_RELUCTANT, NULL);
    assert_false(shard_give_back(shard, 2));
    shard_set_standing(shard, 1, RAFT_RELUCTANT, "slow-disk");
    assert_false(shard_give_back(shard, 2)); /* as reluctant as the leader is not healthy */
    shard_set_standing(shard, 1, RAFT_WILLING, NULL);
    shard_set_standing(shard, 2, RAFT_WILLING, NULL);
    assert_false(shard_give_back(shard, 4)); /* nobody */
    world_cut_off(world, 2, true);
    world_run(world, 1000);
    assert_false(shard_give_back(shard, 2));
    world_propose(world, 1, "SET k v");
    world_run(world, 100);
    world_cut_off(world, 2, false);
    assert_false(shard_give_back(shard, 2));
    world_run(world, 1000);
    config->leader_return_ms = 0;
    assert_false(shard_give_back(shard, 2)); /* never */
    config->leader_return_ms = 2000;
    config->leader_move_pause_ms = 3600000;
    assert_false(shard_give_back(shard, 2)); /* too soon after the last move */
    config->leader_move_pause_ms = 100;
    assert_true(shard_give_back(shard, 2));
    assert_false(shard_give_back(shard, 2)); /* it is under way */
    world_run(world, 300);
    assert_int_equal(world_leader(world), 2);
    assert_false(shard_give_back(shard, 2));
    assert_int_equal(world_counted(world, 1, METRIC_leader_moves_total, "preferred"), 1);
    world_free(world);
}

/* Gossip suspects the leader's node, which is gone: the election begins as soon as the promise to
 * it has run out, and is counted as what it is. */
static void test_suspicion_hastens_an_election(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_run(world, 100);
    world_cut_off(world, 1, true);
    shard_peer_suspected(world_shard(world, 2), 1);
    shard_peer_suspected(world_shard(world, 3), 1);
    world_run(world, (unsigned)world->replicas[2].config.lease_ms + 50);
    assert_true(shard_is_leader(world_shard(world, 2)));
    assert_int_equal(world_counted(world, 2, METRIC_elections_total, "gossip"), 1);
    world_free(world);
}

/* An earlier life of node 2 may have promised more than its settings say now, and it promises no
 * more itself than is durable. */
static void test_promise_of_a_former_life(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_kill(world, 2);
    world->replicas[2].promise_us = 3000000;
    assert_int_equal(world_start(world, 2), 0);
    world_run(world, 100);
    world_kill(world, 1); /* node 3 asks, after its own patience, and node 2 has none to spare */
    world_run(world, 2800);
    assert_int_equal(world_leader(world), 0);
    world_run(world, 2000);
    assert_int_not_equal(world_leader(world), 0);
    world_free(world);
}

static void test_no_promise_beyond_the_durable_one(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_kill(world, 2);
    world_kill(world, 3);
    world->replicas[2].promise_us = 20000;
    assert_int_equal(world_start(world, 2), 0);
    world_run(world, 100);
    world_cut_off(world, 1, true);
    world_run(world, 20);
    assert_false(raft_has_lease(shard_raft(world->replicas[1].shard), world->now_us));
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_promise_of_a_former_life),
          cmocka_unit_test(test_no_promise_beyond_the_durable_one),
          cmocka_unit_test(test_patience_grows_with_delays),
          cmocka_unit_test(test_reluctant_leader_hands_over),
          cmocka_unit_test(test_pause_between_moves), cmocka_unit_test(test_the_lead_goes_back),
          cmocka_unit_test(test_suspicion_hastens_an_election))
