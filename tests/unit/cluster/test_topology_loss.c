/* Nodes that go for good: removed when they hold nothing, or given up with what they held; and what
 * two releases in one control shard decide about it. */
#include "cluster/feature.h"
#include "founded.h"

/* It goes when it holds nothing, for ever: its number is not given again, and it may not come back.
 */
static void a_node_that_holds_nothing_is_removed_for_ever(void **state) {
    (void)state;
    struct topology *topology = found(4, 2, 3);
    uint64_t epoch = topology->epoch;
    assert_int_equal(apply_words(topology, "node.remove 3"), ERR_BUSY);
    assert_int_equal(apply_words(topology, "node.remove 9"), ERR_NOT_FOUND);
    for (unsigned i = 0; i < topology->shard_count; i++) {
        topology->shards[i].replica_count = 3;
        for (unsigned at = 0; at < 3; at++)
            topology->shards[i].replicas[at] = at + 1;
    }
    topology->shards[1].is_settled = false;
    assert_int_equal(apply_words(topology, "node.remove 4"), ERR_BUSY); /* it may still vote */
    topology->shards[1].is_settled = true;
    assert_int_equal(topology->epoch, epoch);
    assert_int_equal(apply_words(topology, "node.remove 4"), 0);
    assert_int_equal(topology->epoch, epoch + 1);
    assert_null(topology_node(topology, 4));
    assert_true(topology_was_removed(topology, 4));
    assert_int_equal(apply_words(topology, "node.remove 4"), 0); /* said again */
    assert_int_equal(topology->epoch, epoch + 1);
    const char *itself = "node.add 04000000000000000000000000000000 127.0.0.4 7001 17001 9001";
    assert_int_equal(apply_words(topology, itself), ERR_INVALID);
    const char *another = "node.add 05000000000000000000000000000000 127.0.0.4 7001 17001 9001";
    assert_int_equal(apply_words(topology, another), 0);
    assert_non_null(topology_node(topology, 5));
    topology_free(topology);
}

/* Given up: out at once, the shards left to who was named, and far ahead of whatever they decide.
 */
static void lost_nodes_are_given_up_as_a_whole(void **state) {
    (void)state;
    struct topology *topology = found(3, 2, 3);
    uint64_t epoch = topology->epoch;
    assert_int_equal(apply_words(topology, "nodes.lost 2,3 0=1,1=1"), ERR_BUSY); /* and shard 2? */
    assert_int_equal(apply_words(topology, "nodes.lost 2,3 0=1,1=2,2=1"), ERR_BUSY);
    assert_int_equal(apply_words(topology, "nodes.lost 1,2,3 0=1,1=1,2=1"), ERR_BUSY);
    assert_int_equal(apply_words(topology, "nodes.lost 2,x 0=1,1=1,2=1"), ERR_INVALID);
    assert_int_equal(topology->epoch, epoch);
    assert_int_equal(topology->node_count, 3);
    assert_int_equal(apply_words(topology, "nodes.lost 2,3 0=1,1=1,2=1"), 0);
    assert_int_equal(topology->epoch, epoch + TOPOLOGY_EPOCH_RECOVERY);
    for (unsigned i = 0; i < topology->shard_count; i++) {
        assert_int_equal(topology->shards[i].replica_count, 1);
        assert_int_equal(topology->shards[i].replicas[0], 1);
        assert_int_equal(topology->shards[i].survivor, 1);
        assert_int_equal(topology->shards[i].wanted_epoch, topology->epoch);
        assert_false(topology->shards[i].is_settled);
    }
    struct topology *back;
    assert_int_equal(decode(topology, &back), 0);
    assert_int_equal(back->removed_count, 2);
    assert_int_equal(back->shards[1].survivor, 1);
    assert_non_null(topology_removed_by_uuid(back, topology->removed[0].uuid));
    assert_int_equal(apply_words(back, "nodes.lost 2,3 0=1,1=1,2=1"), 0); /* said again */
    assert_int_equal(back->epoch, topology->epoch);
    topology_free(back);
    topology_free(topology);
}

/* The majority goes while replicas move: the new ones may be empty, so an old one is named. Where
 * nothing moves, only a replica can be. */
static void an_old_replica_goes_on_in_the_middle_of_a_change(void **state) {
    (void)state;
    struct topology *topology = found(5, 1, 3);
    assert_true(topology_shard_has_replica(&topology->shards[1], 2));
    assert_int_equal(apply_words(topology, "nodes.lost 1,3 0=5,1=2"), ERR_BUSY); /* settled */
    const char *move = "shard.replicas 1 4 5";
    assert_int_equal(apply_words(topology, move), 0);
    assert_int_equal(apply_words(topology, "nodes.lost 1,3 0=2,1=3"), ERR_BUSY); /* lost itself */
    assert_int_equal(apply_words(topology, "nodes.lost 1,3 0=2,1=9"), ERR_BUSY); /* no such node */
    assert_int_equal(apply_words(topology, "nodes.lost 1,3 0=2,1=2"), ERR_BUSY); /* not all know */
    assert_int_equal(apply_words(topology, "level.raise 1"), 0);
    assert_int_equal(apply_words(topology, "nodes.lost 1,3 0=2,1=2"), 0);
    const struct topology_shard *shard = &topology->shards[1];
    assert_int_equal(shard->survivor, 2);
    assert_int_equal(shard->replica_count, 3);
    assert_int_equal(shard->replicas[0], 2);
    assert_true(topology_shard_has_replica(shard, 4) && topology_shard_has_replica(shard, 5));
    assert_false(shard->is_settled);
    /* Others may be wished for, as long as the one with the data is among them. */
    uint64_t epoch = topology->epoch;
    assert_int_equal(apply_words(topology, move), ERR_BUSY);
    assert_int_equal(topology->epoch, epoch);
    assert_int_equal(apply_words(topology, "shard.replicas 1 4 2"), 0);
    assert_int_equal(shard->survivor, 2);
    assert_true(topology_was_recovery_between(0, shard->wanted_epoch));
    topology_free(topology);
}

/* Asked again by one who knows of more that are lost: those that are out already hide nobody. */
static void lost_nodes_are_given_up_beside_those_that_are_out(void **state) {
    (void)state;
    struct topology *topology = found(5, 1, 3);
    assert_int_equal(apply_words(topology, "nodes.lost 5 0=1"), 0);
    struct topology *older = topology_copy(topology);
    assert_int_equal(apply_words(older, "nodes.lost 5,4 0=1"), 0);
    assert_non_null(topology_node(older, 4)); /* as releases before did */
    assert_int_equal(apply_words(topology, "level.raise 1"), 0);
    assert_int_equal(apply_words(topology, "nodes.lost 5,4 0=1"), 0);
    assert_null(topology_node(topology, 4));
    assert_true(topology_was_removed(topology, 4) && topology_was_removed(topology, 5));
    uint64_t epoch = topology->epoch;
    assert_int_equal(apply_words(topology, "nodes.lost 5,4 0=1"), 0); /* said again */
    assert_int_equal(topology->epoch, epoch);
    assert_int_equal(apply_words(topology, "nodes.lost 5,9 0=1"), ERR_NOT_FOUND);
    topology_free(older);
    topology_free(topology);
}

/* A replica that goes on alone and had not heard of the last changes is given what others know. */
static void a_newer_topology_takes_the_place(void **state) {
    (void)state;
    struct topology *newer = found(3, 1, 3), *older = topology_copy(newer);
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(newer, &encoded);
    struct bytes arguments[] = {BYTES_LITERAL("topology.restore"), buffer_bytes(&encoded)};
    assert_int_equal(topology_apply(older, arguments, 2), ERR_VERSION); /* not all may know it */
    assert_int_equal(apply_words(newer, "level.raise 1"), 0);
    assert_int_equal(apply_words(newer, "setting.set timeout 7"), 0);
    buffer_clear(&encoded);
    topology_encode(newer, &encoded);
    arguments[1] = buffer_bytes(&encoded);
    older->cluster_id[0]++;
    assert_int_equal(topology_apply(older, arguments, 2), ERR_INVALID);
    assert_int_equal(older->epoch, 1);
    older->cluster_id[0]--;
    assert_int_equal(topology_apply(older, arguments, 2), 0);
    assert_int_equal(older->epoch, newer->epoch);
    assert_string_equal(topology_setting(older, BYTES_LITERAL("timeout")), "7");
    assert_int_equal(apply_words(older, "setting.unset timeout"), 0);
    assert_int_equal(topology_apply(older, arguments, 2), 0); /* it is older by now */
    assert_null(topology_setting(older, BYTES_LITERAL("timeout")));
    assert_int_equal(apply_words(older, "topology.restore x"), ERR_VERSION);
    assert_int_equal(apply_words(older, "topology.restore"), ERR_INVALID);
    topology_free(older);
    topology_free(newer);
    buffer_release(&encoded);
}

/* Two releases in one control shard. What the older one knows no rule for, both refuse or do as it
 * always did, until all nodes know the newer rule; and until then it can read what the newer one
 * writes. */
static void two_releases_decide_alike(void **state) {
    (void)state;
    struct topology *topology = found(5, 1, 3);
    assert_int_equal(apply_words(topology, "nodes.lost 1,2 0=3,1=3"), 0);
    struct topology_shard *shard = &topology->shards[1];
    assert_int_equal(shard->survivor, 3);
    struct topology *newer = topology_copy(topology);
    assert_int_equal(apply_words(topology, "shard.replicas 1 4 5"),
                     0); /* the survivor is forgotten */
    assert_int_equal(shard->survivor, 0);
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, &encoded);
    assert_int_equal(buffer_data(&encoded)[0], TOPOLOGY_VERSION_REMOVED);

    uint64_t epoch = newer->epoch;
    assert_int_equal(apply_words(newer, "level.raise 1"), 0);
    assert_int_equal(apply_words(newer, "level.raise 1"), 0);
    assert_int_equal(newer->epoch, epoch + 1);
    assert_int_equal(newer->level, 1);
    assert_int_equal(apply_words(newer, "shard.replicas 1 4 5"), ERR_BUSY);
    assert_int_equal(apply_words(newer, "shard.replicas 1 4 3"), 0);
    assert_int_equal(newer->shards[1].survivor, 3);
    buffer_clear(&encoded);
    topology_encode(newer, &encoded);
    assert_int_equal(buffer_data(&encoded)[0], TOPOLOGY_VERSION_LEVEL);
    struct topology *back;
    assert_int_equal(topology_decode(buffer_bytes(&encoded), &back), 0);
    assert_int_equal(back->level, 1);
    topology_free(back);
    buffer_data(&encoded)[encoded.length - 1] = FEATURE_LEVEL_NEWEST + 1; /* a later release's */
    assert_int_equal(topology_decode(buffer_bytes(&encoded), &back), ERR_VERSION);
    buffer_data(&encoded)[encoded.length - 1] = 0;
    assert_int_equal(topology_decode(buffer_bytes(&encoded), &back), ERR_MALFORMED);
    buffer_release(&encoded);
    topology_free(newer);
    topology_free(topology);
}

static void a_level_is_raised_to_what_is_known(void **state) {
    (void)state;
    struct topology *topology = found(3, 1, 3);
    assert_int_equal(apply_words(topology, "level.raise"), ERR_INVALID);
    assert_int_equal(apply_words(topology, "level.raise 0"), ERR_INVALID);
    assert_int_equal(apply_words(topology, "level.raise x"), ERR_INVALID);
    char newest[32];
    snprintf(newest, sizeof newest, "level.raise %d", FEATURE_LEVEL_NEWEST + 1);
    assert_int_equal(apply_words(topology, newest), ERR_VERSION);
    assert_int_equal(topology->epoch, 1);
    assert_false(feature_is_on(topology, FEATURE_SURVIVOR_STAYS));
    assert_int_equal(apply_words(topology, "level.raise 1"), 0);
    assert_true(feature_is_on(topology, FEATURE_SURVIVOR_STAYS));
    topology_free(topology);
}

/* A shard that keeps its majority loses a replica and goes on by itself. */
static void a_shard_with_a_majority_needs_no_survivor(void **state) {
    (void)state;
    struct topology *topology = found(5, 4, 3);
    const struct bytes lost[] = {BYTES_LITERAL("nodes.lost"), BYTES_LITERAL("5"),
                                 BYTES_LITERAL("")};
    assert_int_equal(topology_apply(topology, lost, 3), 0);
    for (unsigned i = 0; i < topology->shard_count; i++) {
        assert_in_range(topology->shards[i].replica_count, 2, 3);
        assert_int_equal(topology->shards[i].survivor, 0);
        assert_int_equal(topology->shards[i].is_settled, topology->shards[i].replica_count == 3);
    }
    topology_free(topology);
}

RUN_TESTS(cmocka_unit_test(a_node_that_holds_nothing_is_removed_for_ever),
          cmocka_unit_test(lost_nodes_are_given_up_as_a_whole),
          cmocka_unit_test(an_old_replica_goes_on_in_the_middle_of_a_change),
          cmocka_unit_test(lost_nodes_are_given_up_beside_those_that_are_out),
          cmocka_unit_test(a_newer_topology_takes_the_place),
          cmocka_unit_test(two_releases_decide_alike),
          cmocka_unit_test(a_level_is_raised_to_what_is_known),
          cmocka_unit_test(a_shard_with_a_majority_needs_no_survivor))
