/* The topology: founding deals slots and replicas evenly; what is encoded comes back; what is wrong
 * is refused. */
#include "cluster/topology_file.h"
#include "founded.h"

static void founding_deals_every_slot_once_and_leaders_evenly(void **state) {
    (void)state;
    struct topology *topology = found(3, 12, 3);
    unsigned owned[13] = {0}, first[4] = {0};
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        assert_in_range(topology->slot_owner[slot], 1, 12);
        owned[topology->slot_owner[slot]]++;
    }
    for (unsigned shard = 1; shard <= 12; shard++) {
        assert_in_range(owned[shard], 1365, 1366);
        first[topology->shards[shard].replicas[0]]++;
    }
    for (unsigned node = 1; node <= 3; node++)
        assert_int_equal(first[node], 4);
    assert_int_equal(topology->shards[0].replica_count, 3);
    assert_memory_equal(topology->cluster_id, "0123456789abcde", 16);
    topology_free(topology);
}

static void encoded_and_decoded_it_is_the_same(void **state) {
    (void)state;
    struct topology *topology = found(5, 7, 3);
    struct buffer first, second;
    buffer_init(&first, TOPOLOGY_BYTES_MAXIMUM);
    buffer_init(&second, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, &first);
    struct topology *back;
    assert_int_equal(topology_decode(buffer_bytes(&first), &back), 0);
    topology_encode(back, &second);
    assert_true(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
    assert_memory_equal(topology->slot_owner, back->slot_owner, sizeof back->slot_owner);
    topology_free(back);
    topology_free(topology);
    buffer_release(&first);
    buffer_release(&second);
}

static void every_shortening_and_no_flip_crashes(void **state) {
    (void)state;
    struct topology *topology = found(3, 4, 3);
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, &encoded);
    struct topology *back;
    for (size_t length = 0; length < encoded.length; length++)
        assert_int_not_equal(topology_decode(bytes_of(buffer_data(&encoded), length), &back), 0);
    for (size_t bit = 0; bit < encoded.length * 8; bit++) {
        buffer_data(&encoded)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (topology_decode(buffer_bytes(&encoded), &back) == 0)
            topology_free(back);
        buffer_data(&encoded)[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    topology_free(topology);
    buffer_release(&encoded);
}

/* A digit of an address, or of a node's id, makes as much sense as the right one. A file of before
 * the sums is read all the same. */
static void every_flip_in_a_file_is_found(void **state) {
    (void)state;
    struct topology *topology = found(3, 4, 3), *back;
    struct buffer plain, summed;
    buffer_init(&plain, TOPOLOGY_FILE_BYTES_MAXIMUM);
    buffer_init(&summed, TOPOLOGY_FILE_BYTES_MAXIMUM);
    topology_file_encode(topology, false, &plain);
    topology_file_encode(topology, true, &summed);
    assert_int_equal(summed.length, plain.length + TOPOLOGY_FILE_SUM_BYTES);
    assert_memory_equal(buffer_data(&summed), buffer_data(&plain), plain.length);
    assert_memory_equal(buffer_data(&summed) + plain.length, "TRTS\xbf\x90\x3c\x78", 8);
    const struct buffer *const files[] = {&plain, &summed};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(topology_file_decode(buffer_bytes(files[i]), &back), 0);
        assert_int_equal(back->epoch, topology->epoch);
        topology_free(back);
    }
    for (size_t bit = 0; bit < summed.length * 8; bit++) {
        buffer_data(&summed)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(topology_file_decode(buffer_bytes(&summed), &back), 0);
        buffer_data(&summed)[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_not_equal(topology_file_decode(BYTES_LITERAL("TRTS"), &back), 0);
    topology_free(topology);
    buffer_release(&plain);
    buffer_release(&summed);
}

static int apply(struct topology *topology, const char *a, const char *b, const char *c,
                 const char *d, const char *e, const char *f) {
    const struct bytes arguments[] = {bytes_of_text(a), bytes_of_text(b), bytes_of_text(c),
                                      bytes_of_text(d), bytes_of_text(e), bytes_of_text(f)};
    return topology_apply(topology, arguments, 6);
}

static void a_moved_node_raises_the_epoch_once(void **state) {
    (void)state;
    struct topology *topology = found(3, 4, 3);
    assert_int_equal(apply(topology, "node.address", "2", "127.0.0.9", "7002", "17002", "9002"), 0);
    assert_int_equal(topology->epoch, 2);
    assert_string_equal(topology_node(topology, 2)->address.host, "127.0.0.9");
    assert_int_equal(apply(topology, "node.address", "2", "127.0.0.9", "7002", "17002", "9002"), 0);
    assert_int_equal(topology->epoch, 2);
    topology_free(topology);
}

static void wrong_commands_change_nothing(void **state) {
    (void)state;
    struct topology *topology = found(3, 4, 3);
    assert_int_equal(apply(topology, "node.address", "9", "127.0.0.9", "1", "2", "3"),
                     ERR_NOT_FOUND);
    assert_int_equal(apply(topology, "node.address", "x", "127.0.0.9", "1", "2", "3"), ERR_INVALID);
    assert_int_equal(apply(topology, "node.address", "1", "", "1", "2", "3"), ERR_INVALID);
    assert_int_equal(apply(topology, "node.address", "1", "127.0.0.9", "0", "2", "3"), ERR_INVALID);
    assert_int_equal(apply(topology, "node.address", "1", "127.0.0.9", "1", "65536", "3"),
                     ERR_INVALID);
    assert_int_equal(apply(topology, "no.such", "1", "127.0.0.9", "1", "2", "3"), ERR_INVALID);
    assert_int_equal(topology->epoch, 1);
    topology_free(topology);
}

static void wishes_are_named_by_their_epoch_and_settled_once(void **state) {
    (void)state;
    struct topology *topology = found(3, 4, 3);
    const struct topology_shard *shard = &topology->shards[2];
    assert_int_equal(apply_words(topology, "shard.replicas 2 2 3 9"), ERR_NOT_FOUND);
    assert_int_equal(apply_words(topology, "shard.replicas 5 1"), ERR_NOT_FOUND);
    assert_int_equal(apply_words(topology, "shard.replicas 2 1 1"), ERR_INVALID);
    assert_int_equal(apply_words(topology, "shard.replicas 2"), ERR_INVALID);
    assert_int_equal(apply_words(topology, "shard.replicas 2 1 2 3 1 2 3 1 2"), ERR_INVALID);
    assert_int_equal(topology->epoch, 1);
    assert_true(shard->is_settled);
    assert_int_equal(apply_words(topology, "shard.replicas 2 3 1 2"), 0); /* only their order */
    assert_int_equal(topology->epoch, 2);
    assert_int_equal(shard->replicas[0], 3);
    assert_true(shard->is_settled);
    assert_int_equal(apply_words(topology, "shard.replicas 2 3 1"), 0);
    assert_int_equal(shard->wanted_epoch, 3);
    assert_false(shard->is_settled);
    assert_int_equal(apply_words(topology, "shard.replicas 2 3"), 0);
    assert_int_equal(apply_words(topology, "shard.settled 2 3"), 0); /* of the older wish */
    assert_false(shard->is_settled);
    assert_int_equal(topology->epoch, 4);
    assert_int_equal(apply_words(topology, "shard.settled 2 4"), 0);
    assert_true(shard->is_settled);
    assert_int_equal(topology->epoch, 5);
    assert_int_equal(apply_words(topology, "shard.settled 2 4"), 0);
    assert_int_equal(topology->epoch, 5);
    topology_free(topology);
}

static void a_spare_joins_once_with_a_number_of_its_own(void **state) {
    (void)state;
    struct topology *topology = found(3, 4, 3);
    static const char add[] = "node.add 00ff0000000000000000000000000000 127.0.0.4 7001 17001 9001";
    assert_int_equal(apply_words(topology, add), 0);
    assert_int_equal(apply_words(topology, add), 0);
    assert_int_equal(topology->epoch, 2);
    assert_int_equal(topology->node_count, 4);
    assert_int_equal(topology->nodes[3].uuid[1], 0xff);
    assert_int_equal(topology_node(topology, 4)->address.peer_port, 17001);
    assert_int_equal(
        apply_words(topology, "node.add 00FG0000000000000000000000000000 127.0.0.4 1 2 3"),
        ERR_INVALID);
    assert_int_equal(apply_words(topology, "node.add 00 127.0.0.4 1 2 3"), ERR_INVALID);
    assert_int_equal(apply_words(topology, "shard.replicas 0 1 2 3 4"), 0);
    topology_free(topology);
}

/* What stands behind the settings since version 4: nobody removed, no survivor. */
static size_t removal_bytes(const struct topology *topology) {
    return 1 + 4 * (size_t)topology->shard_count;
}

/* What a release wrote that knew of no change of replicas. */
static void version_1_is_read_as_settled(void **state) {
    (void)state;
    struct topology *topology = found(1, 1, 1);
    struct buffer encoded, first;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    buffer_init(&first, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, &encoded);
    size_t shard_bytes = 4 + 1 + 4 + 1, wish_bytes = 9, range_bytes = 4,
           settings_bytes = 1 + removal_bytes(topology);
    size_t shards = encoded.length - settings_bytes - 2 * (shard_bytes + wish_bytes) - range_bytes;
    buffer_append(&first, buffer_data(&encoded), shards + shard_bytes);
    buffer_append(&first, buffer_data(&encoded) + shards + shard_bytes + wish_bytes,
                  shard_bytes + range_bytes);
    buffer_data(&first)[0] = 1;
    struct topology *back;
    assert_int_equal(topology_decode(buffer_bytes(&first), &back), 0);
    assert_true(back->shards[1].is_settled);
    buffer_clear(&first);
    topology_encode(back, &first);
    assert_true(bytes_equal(buffer_bytes(&first), buffer_bytes(&encoded)));
    topology_free(back);
    topology_free(topology);
    buffer_release(&first);
    buffer_release(&encoded);
}

/* What a release wrote that knew of no settings of all nodes. */
static void version_2_is_read_as_without_settings(void **state) {
    (void)state;
    struct topology *topology = found(3, 2, 3);
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, &encoded);
    buffer_data(&encoded)[0] = 2;
    struct topology *back;
    struct bytes second =
        bytes_of(buffer_data(&encoded), encoded.length - 1 - removal_bytes(topology));
    assert_int_equal(topology_decode(second, &back), 0);
    assert_int_equal(back->setting_count, 0);
    topology_free(back);
    topology_free(topology);
    buffer_release(&encoded);
}

static void settings_are_set_and_unset_as_a_whole(void **state) {
    (void)state;
    struct topology *topology = found(3, 1, 3);
    assert_int_equal(apply_words(topology, "setting.set timeout 7 heartbeat-ms 20"), 0);
    assert_int_equal(topology->epoch, 2);
    assert_string_equal(topology->settings[0].name, "heartbeat-ms");
    assert_string_equal(topology_setting(topology, BYTES_LITERAL("timeout")), "7");
    assert_int_equal(apply_words(topology, "setting.set timeout 7"), 0); /* nothing new */
    assert_int_equal(topology->epoch, 2);
    assert_int_equal(apply_words(topology, "setting.set timeout 8 Bad-Name 1"), ERR_INVALID);
    assert_int_equal(apply_words(topology, "setting.set timeout"), ERR_INVALID);
    assert_int_equal(apply_words(topology, "setting.set"), ERR_INVALID);
    assert_int_equal(apply_words(topology, "setting.unset"), ERR_INVALID);
    assert_string_equal(topology_setting(topology, BYTES_LITERAL("timeout")), "7");
    assert_int_equal(apply_words(topology, "setting.unset nosuch heartbeat-ms"), 0);
    assert_int_equal(topology->epoch, 3);
    assert_int_equal(topology->setting_count, 1);
    assert_int_equal(apply_words(topology, "setting.unset heartbeat-ms"), 0);
    assert_int_equal(topology->epoch, 3);
    topology_free(topology);
}

static void settings_have_a_limit(void **state) {
    (void)state;
    struct topology *topology = found(3, 1, 3);
    char words[64];
    for (unsigned i = 0; i < TOPOLOGY_SETTING_MAXIMUM; i++) {
        snprintf(words, sizeof words, "setting.set setting-%u %u", i, i);
        assert_int_equal(apply_words(topology, words), 0);
    }
    assert_int_equal(apply_words(topology, "setting.set one-more 1"), ERR_LIMIT);
    assert_int_equal(apply_words(topology, "setting.set setting-7 x"), 0);
    topology_free(topology);
}

static void settings_are_encoded_copied_and_checked(void **state) {
    (void)state;
    struct topology *topology = found(1, 1, 1);
    assert_int_equal(apply_words(topology, "setting.set b 2 a 1 c 3"), 0);
    struct topology *copy = topology_copy(topology), *back;
    struct buffer encoded, again;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    buffer_init(&again, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(copy, &encoded);
    static const char tail[] = "\x03\x01"
                               "a\x01"
                               "1\x01"
                               "b\x01"
                               "2\x01"
                               "c\x01"
                               "3";
    size_t tail_bytes = sizeof tail - 1;
    size_t end = encoded.length - removal_bytes(topology);
    assert_memory_equal(buffer_data(&encoded) + end - tail_bytes, tail, tail_bytes);
    assert_int_equal(topology_decode(buffer_bytes(&encoded), &back), 0);
    topology_encode(back, &again);
    assert_true(bytes_equal(buffer_bytes(&encoded), buffer_bytes(&again)));
    buffer_data(&encoded)[end - 3] = 'b'; /* twice */
    topology_free(back);
    assert_int_equal(topology_decode(buffer_bytes(&encoded), &back), ERR_MALFORMED);
    buffer_data(&encoded)[end - 3] = 'a'; /* out of order */
    assert_int_equal(topology_decode(buffer_bytes(&encoded), &back), ERR_MALFORMED);
    topology_free(copy);
    topology_free(topology);
    buffer_release(&encoded);
    buffer_release(&again);
}

static void a_slot_with_two_owners_is_refused(void **state) {
    (void)state;
    struct topology *topology = found(1, 2, 1);
    slot_set_add(&topology->shards[2].slots, 0);
    assert_int_equal(decode_and_drop(topology), ERR_MALFORMED);
    topology_free(topology);
}

/* A node's number is a place in tables: one that nobody could have come to is refused. */
static void a_huge_node_number_is_refused(void **state) {
    (void)state;
    struct topology *topology = found(1, 1, 1);
    topology->nodes[0].number = UINT32_MAX;
    for (unsigned i = 0; i < topology->shard_count; i++)
        topology->shards[i].replicas[0] = UINT32_MAX;
    assert_int_equal(decode_and_drop(topology), ERR_MALFORMED);
    topology_free(topology);
}

RUN_TESTS(cmocka_unit_test(founding_deals_every_slot_once_and_leaders_evenly),
          cmocka_unit_test(encoded_and_decoded_it_is_the_same),
          cmocka_unit_test(every_shortening_and_no_flip_crashes),
          cmocka_unit_test(every_flip_in_a_file_is_found),
          cmocka_unit_test(a_moved_node_raises_the_epoch_once),
          cmocka_unit_test(wrong_commands_change_nothing),
          cmocka_unit_test(wishes_are_named_by_their_epoch_and_settled_once),
          cmocka_unit_test(a_spare_joins_once_with_a_number_of_its_own),
          cmocka_unit_test(version_1_is_read_as_settled),
          cmocka_unit_test(version_2_is_read_as_without_settings),
          cmocka_unit_test(settings_are_set_and_unset_as_a_whole),
          cmocka_unit_test(settings_have_a_limit),
          cmocka_unit_test(settings_are_encoded_copied_and_checked),
          cmocka_unit_test(a_slot_with_two_owners_is_refused),
          cmocka_unit_test(a_huge_node_number_is_refused))
