/* What a topology may hold, and what a decoder and the commands refuse beyond it. Each case differs
 * from a good one in one thing, and the good one is accepted. */
#include "founded.h"

/* Node 2 holds nothing, so its number and its UUID are nobody's business but their own. */
static struct topology *with_a_spare(void) {
    struct topology *topology = found(1, 2, 1);
    assert_int_equal(
        apply_words(topology, "node.add 02000000000000000000000000000000 127.0.0.2 1 2 3"), 0);
    return topology;
}

static void a_number_or_uuid_twice_is_refused(void **state) {
    (void)state;
    struct topology *topology = with_a_spare();
    assert_int_equal(decode_and_drop(topology), 0);
    topology->nodes[1].number = 1;
    assert_int_equal(decode_and_drop(topology), ERR_MALFORMED);
    topology->nodes[1].number = 2;
    topology->nodes[1].uuid[0] = 1;
    assert_int_equal(decode_and_drop(topology), ERR_MALFORMED);
    topology_free(topology);
}

static void a_replica_twice_or_without_a_node_is_refused(void **state) {
    (void)state;
    struct topology *topology = found(3, 2, 2);
    struct topology_shard *shard = &topology->shards[1];
    shard->replicas[1] = shard->replicas[0];
    assert_int_equal(decode_and_drop(topology), ERR_MALFORMED);
    shard->replicas[1] = 9;
    assert_int_equal(decode_and_drop(topology), ERR_MALFORMED);
    shard->replica_count = 0;
    assert_int_equal(decode_and_drop(topology), ERR_MALFORMED);
    shard->replica_count = 1;
    assert_int_equal(decode_and_drop(topology), 0);
    topology_free(topology);
}

/* Eight nodes, and a shard that names them all. */
static void an_eighth_replica_is_refused(void **state) {
    (void)state;
    struct topology *topology = found(8, 1, 7);
    assert_int_equal(decode_and_drop(topology), 0);
    assert_int_equal(apply_words(topology, "shard.replicas 1 1 2 3 4 5 6 7 8"), ERR_INVALID);
    struct buffer encoded, longer;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    buffer_init(&longer, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, &encoded);
    size_t node_bytes = 4 + 16 + 1 + strlen("127.0.0.1") + 6;
    size_t count_at = 1 + 16 + 8 + 1 + 8 * node_bytes + 1 + 4;
    size_t replicas_end = count_at + 1 + 7 * 4;
    uint32_t *replicas = topology->shards[0].replicas, left_out = 36;
    for (unsigned i = 0; i < 7; i++)
        left_out -= replicas[i];
    assert_int_equal(buffer_data(&encoded)[count_at], 7);
    buffer_append(&longer, buffer_data(&encoded), replicas_end);
    buffer_data(&longer)[count_at] = 8;
    buffer_append_u32(&longer, left_out);
    buffer_append(&longer, buffer_data(&encoded) + replicas_end, encoded.length - replicas_end);
    struct topology *back;
    assert_int_equal(topology_decode(buffer_bytes(&longer), &back), ERR_MALFORMED);
    topology_free(topology);
    buffer_release(&encoded);
    buffer_release(&longer);
}

static void a_wish_of_the_future_is_refused(void **state) {
    (void)state;
    struct topology *topology = found(3, 1, 2), *back;
    assert_int_equal(apply_words(topology, "shard.replicas 1 3"), 0);
    assert_int_equal(decode(topology, &back), 0);
    assert_false(back->shards[1].is_settled);
    assert_true(back->shards[0].is_settled);
    topology_free(back);
    topology->shards[1].wanted_epoch = topology->epoch + 1;
    assert_int_equal(decode_and_drop(topology), ERR_MALFORMED);
    topology->shards[1].wanted_epoch = 0; /* of the founding: settled from the first */
    assert_int_equal(decode_and_drop(topology), ERR_MALFORMED);
    topology_free(topology);
}

/* The last byte of the last shard; behind it are no settings and nobody removed. */
static void settled_is_one_or_zero(void **state) {
    (void)state;
    struct topology *topology = found(1, 1, 1), *back;
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, &encoded);
    uint8_t *settled = buffer_data(&encoded) + encoded.length - (1 + 1 + 2 * 4) - 1;
    assert_int_equal(*settled, 1);
    *settled = 2;
    assert_int_equal(topology_decode(buffer_bytes(&encoded), &back), ERR_MALFORMED);
    topology_free(topology);
    buffer_release(&encoded);
}

static void more_bytes_than_a_topology_has_are_not_read(void **state) {
    (void)state;
    static const uint8_t zeros[TOPOLOGY_BYTES_MAXIMUM + 1];
    struct topology *back;
    assert_int_equal(topology_decode(bytes_of(zeros, sizeof zeros), &back), ERR_LIMIT);
    assert_int_equal(topology_decode(bytes_of(zeros, sizeof zeros - 1), &back), ERR_VERSION);
}

static void the_control_shard_has_no_slots(void **state) {
    (void)state;
    struct topology *topology = found(1, 2, 1);
    slot_set_remove(&topology->shards[1].slots, 0);
    assert_int_equal(decode_and_drop(topology), 0);
    slot_set_add(&topology->shards[0].slots, 0);
    assert_int_equal(decode_and_drop(topology), ERR_MALFORMED);
    topology_free(topology);
}

static void a_node_is_not_a_member_and_removed(void **state) {
    (void)state;
    struct topology *topology = with_a_spare();
    assert_int_equal(apply_words(topology, "node.remove 2"), 0);
    assert_int_equal(decode_and_drop(topology), 0);
    assert_int_equal(apply_words(topology, "node.remove 3"), ERR_NOT_FOUND);
    assert_int_equal(apply_words(topology, "node.remove 0"), ERR_NOT_FOUND);
    assert_int_equal(apply_words(topology, "node.remove 2 2"), ERR_INVALID);
    topology->removed[0].number = 1;
    assert_int_equal(decode_and_drop(topology), ERR_MALFORMED);
    topology->removed[0].number = 0;
    assert_int_equal(decode_and_drop(topology), ERR_MALFORMED);
    topology->removed[0].number = TOPOLOGY_NUMBER_MAXIMUM;
    assert_int_equal(decode_and_drop(topology), 0);
    topology->removed[0].number = TOPOLOGY_NUMBER_MAXIMUM + 1;
    assert_int_equal(decode_and_drop(topology), ERR_MALFORMED);
    topology_free(topology);
}

/* In whatever order they go, the next one is a number of its own. */
static void a_number_is_never_given_twice(void **state) {
    (void)state;
    struct topology *topology = with_a_spare();
    assert_int_equal(
        apply_words(topology, "node.add 03000000000000000000000000000000 127.0.0.3 1 2 3"), 0);
    assert_int_equal(apply_words(topology, "node.remove 3"), 0);
    assert_int_equal(apply_words(topology, "node.remove 2"), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_ptr_equal(topology_removed_by_uuid(topology, topology->removed[i].uuid),
                         &topology->removed[i]);
    }
    assert_int_equal(
        apply_words(topology, "node.add 04000000000000000000000000000000 127.0.0.4 1 2 3"), 0);
    assert_int_equal(topology->nodes[1].number, 4);
    topology_free(topology);
}

static void the_survivor_of_a_shard_is_one_of_its_replicas(void **state) {
    (void)state;
    struct topology *topology = found(3, 2, 2);
    struct topology_shard *last = &topology->shards[topology->shard_count - 1];
    last->survivor = last->replicas[1];
    assert_int_equal(decode_and_drop(topology), 0);
    last->survivor = 9;
    assert_int_equal(decode_and_drop(topology), ERR_MALFORMED);
    topology_free(topology);
}

static int decode_with_names(const char *first, const char *second) {
    struct topology *topology = found(1, 1, 1);
    assert_int_equal(apply_words(topology, "setting.set a 1 b 2"), 0);
    char *names[2] = {topology->settings[0].name, topology->settings[1].name}, given[2][300];
    snprintf(given[0], sizeof given[0], "%s", first);
    snprintf(given[1], sizeof given[1], "%s", second);
    for (unsigned i = 0; i < 2; i++)
        topology->settings[i].name = given[i];
    int error = decode_and_drop(topology);
    for (unsigned i = 0; i < 2; i++)
        topology->settings[i].name = names[i];
    topology_free(topology);
    return error;
}

static void settings_are_named_and_in_order(void **state) {
    (void)state;
    assert_int_equal(decode_with_names("a", "b"), 0);
    assert_int_equal(decode_with_names("b", "a"), ERR_MALFORMED);
    assert_int_equal(decode_with_names("b", "b"), ERR_MALFORMED);
    assert_int_equal(decode_with_names("", "b"), ERR_MALFORMED);
    assert_int_equal(decode_with_names("A", "b"), ERR_MALFORMED);
    struct topology *topology = found(1, 1, 1);
    char longest[TOPOLOGY_SETTING_NAME_MAXIMUM + 1];
    memset(longest, 'a', sizeof longest);
    struct bytes set[] = {BYTES_LITERAL("setting.set"), BYTES_NONE, BYTES_LITERAL("1")};
    assert_int_equal(topology_apply(topology, set, 3), ERR_INVALID);
    set[1] = bytes_of(longest, sizeof longest);
    assert_int_equal(topology_apply(topology, set, 3), ERR_INVALID);
    set[1] = bytes_of(longest, sizeof longest - 1);
    assert_int_equal(topology_apply(topology, set, 3), 0);
    topology_free(topology);
}

static void the_longest_host_fits(void **state) {
    (void)state;
    struct topology *topology = found(1, 1, 1), *back;
    char words[160], *host = topology->nodes[0].address.host;
    memset(host, 'a', TOPOLOGY_HOST_MAXIMUM - 1);
    assert_int_equal(decode(topology, &back), 0);
    assert_string_equal(back->nodes[0].address.host, host);
    topology_free(back);
    snprintf(words, sizeof words, "node.address 1 %sb 1 2 3", host);
    assert_int_equal(apply_words(topology, words), ERR_INVALID);
    topology_free(topology);
}

/* Nodes are never numbered past what tables have a place for, however many came and went. */
static void numbers_and_nodes_have_a_limit(void **state) {
    (void)state;
    struct topology *topology = with_a_spare();
    char words[160];
    topology->nodes[1].number = TOPOLOGY_NUMBER_MAXIMUM - 1;
    assert_int_equal(decode_and_drop(topology), 0);
    assert_int_equal(
        apply_words(topology, "node.add 03000000000000000000000000000000 127.0.0.3 1 2 3"), 0);
    assert_int_equal(topology->nodes[2].number, TOPOLOGY_NUMBER_MAXIMUM);
    assert_int_equal(
        apply_words(topology, "node.add 04000000000000000000000000000000 127.0.0.4 1 2 3"),
        ERR_LIMIT);
    topology_free(topology);
    topology = found(1, 1, 1);
    for (unsigned i = 2; i <= TOPOLOGY_NODE_MAXIMUM + 1; i++) {
        snprintf(words, sizeof words, "node.add %032x 127.0.0.2 1 2 3", i);
        assert_int_equal(apply_words(topology, words), i <= TOPOLOGY_NODE_MAXIMUM ? 0 : ERR_LIMIT);
    }
    assert_int_equal(decode_and_drop(topology), 0);
    topology_free(topology);
}

static void commands_take_their_words_and_no_others(void **state) {
    (void)state;
    struct topology *topology = with_a_spare();
    uint64_t epoch = topology->epoch;
    static const char *const wrong[] = {
        "node.add 03000000000000000000000000000000 127.0.0.3 1 2",
        "node.add 03000000000000000000000000000000 127.0.0.3 1 2 3 4",
        "node.add 0300000000000000000000000000000003 127.0.0.3 1 2 3",
        "shard.replicas 1 0",
        "shard.replicas 1 -1",
        "shard.replicas 1 1048577",
        "shard.replicas 1",
        "shard.settled 1",
        "shard.settled 1 2 3",
        "nodes.lost 2",
        "nodes.lost 2 0=1 1=1",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(apply_words(topology, wrong[i]), ERR_INVALID);
    assert_int_equal(apply_words(topology, "shard.settled 3 1"), ERR_NOT_FOUND);
    assert_int_equal(topology_apply(topology, NULL, 0), ERR_INVALID);
    assert_int_equal(apply_words(topology, "shard.replicas 1 1"), 0); /* as it is */
    assert_int_equal(topology->epoch, epoch);
    topology_free(topology);
}

/* From a backup: its shards, slots and settings, on one node that is all of the cluster. */
static void founded_again_it_is_one_node(void **state) {
    (void)state;
    struct topology *topology = found(3, 2, 3);
    assert_int_equal(apply_words(topology, "setting.set timeout 7"), 0);
    assert_int_equal(apply_words(topology, "shard.replicas 2 3 1"), 0);
    struct topology_node node = {.uuid = {0xab}, .address = {.host = "127.0.0.77"}};
    const uint8_t cluster_id[16] = "another cluster";
    struct topology *again = topology_found_again(topology, cluster_id, &node);
    assert_int_equal(again->epoch, 1);
    assert_memory_equal(again->cluster_id, cluster_id, 16);
    assert_int_equal(again->node_count, 1);
    assert_int_equal(again->nodes[0].number, 1);
    assert_int_equal(again->nodes[0].uuid[0], 0xab);
    assert_string_equal(again->nodes[0].address.host, "127.0.0.77");
    assert_string_equal(topology_setting(again, BYTES_LITERAL("timeout")), "7");
    for (unsigned i = 0; i < again->shard_count; i++) {
        assert_int_equal(again->shards[i].replica_count, 1);
        assert_int_equal(again->shards[i].replicas[0], 1);
        assert_int_equal(again->shards[i].replicas[1], 0);
        assert_true(again->shards[i].is_settled);
        assert_int_equal(again->shards[i].wanted_epoch, 0);
    }
    assert_memory_equal(again->slot_owner, topology->slot_owner, sizeof again->slot_owner);
    assert_int_equal(decode_and_drop(again), 0);
    topology_free(again);
    topology_free(topology);
}

/* Who was taken out of the one cluster, and who goes on alone there, says nothing of the other: the
 * number of the first is given again. */
static void founded_again_nobody_is_removed_or_survives(void **state) {
    (void)state;
    struct topology *topology = found(4, 1, 3);
    char words[64];
    for (unsigned i = 0; i < topology->shard_count; i++) {
        snprintf(words, sizeof words, "shard.replicas %u 2 3 4", i);
        assert_int_equal(apply_words(topology, words), 0);
        snprintf(words, sizeof words, "shard.settled %u %u", i,
                 (unsigned)topology->shards[i].wanted_epoch);
        assert_int_equal(apply_words(topology, words), 0);
    }
    assert_int_equal(apply_words(topology, "node.remove 1"), 0);
    assert_int_equal(apply_words(topology, "nodes.lost 2,3 0=4,1=4"), 0);
    assert_int_equal(topology->shards[1].survivor, 4);
    struct topology_node node = {.uuid = {0xab}, .address = {.host = "127.0.0.77"}};
    const uint8_t cluster_id[16] = "another cluster";
    struct topology *again = topology_found_again(topology, cluster_id, &node);
    assert_int_equal(again->removed_count, 0);
    assert_int_equal(again->shards[1].survivor, 0);
    assert_int_equal(decode_and_drop(again), 0);
    topology_free(again);
    topology_free(topology);
}

RUN_TESTS(cmocka_unit_test(a_number_or_uuid_twice_is_refused),
          cmocka_unit_test(a_replica_twice_or_without_a_node_is_refused),
          cmocka_unit_test(an_eighth_replica_is_refused),
          cmocka_unit_test(a_wish_of_the_future_is_refused),
          cmocka_unit_test(settled_is_one_or_zero),
          cmocka_unit_test(more_bytes_than_a_topology_has_are_not_read),
          cmocka_unit_test(the_control_shard_has_no_slots),
          cmocka_unit_test(a_node_is_not_a_member_and_removed),
          cmocka_unit_test(a_number_is_never_given_twice),
          cmocka_unit_test(the_survivor_of_a_shard_is_one_of_its_replicas),
          cmocka_unit_test(settings_are_named_and_in_order),
          cmocka_unit_test(the_longest_host_fits), cmocka_unit_test(numbers_and_nodes_have_a_limit),
          cmocka_unit_test(commands_take_their_words_and_no_others),
          cmocka_unit_test(founded_again_it_is_one_node),
          cmocka_unit_test(founded_again_nobody_is_removed_or_survives))
