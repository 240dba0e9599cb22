/* What somebody lacks, written into datagrams and pieces: wherever one of them ends, nothing is
 * left out. */
#include "../unit.h"
#include "gossip/wire/codec.h"
#include "world.h"

enum {
    SECOND = 1000000,
    LARGE = GOSSIP_VALUE_MAXIMUM,
    ENDS = 96,           /* lengths of the last large value, one after the other */
    SHORT_OF_PIECE = 75, /* values that nearly fill a piece of a stream */
    NOBODY = 0xee
};

/* Node 1 gives; node 2 says `large` keys of the greatest length and one of `last` bytes, node 3 one
 * word. The UUID of 2 comes before that of 3. */
static void say_large(struct world *world, unsigned large) {
    char key[16], value[LARGE + 1] = {0};
    memset(value, 'x', LARGE);
    for (unsigned i = 0; i < large; i++) {
        snprintf(key, sizeof key, "large%u", i);
        world_set(world, 2, key, value);
    }
}

static void say_last(struct world *world, size_t last) {
    char value[LARGE + 1] = {0};
    memset(value, 'y', last);
    world_set(world, 2, "last", value);
    world_run(world, SECOND);
    assert_int_equal(world_value(world, 1, 2, "last").length, last);
}

static struct world *giving_world(uint64_t seed, unsigned large) {
    struct world *world = world_new(seed);
    world->timing.compress_min_bytes = 0;
    world_add_cluster(world, 3);
    assert_true(world_run_until(world, 10 * SECOND, world_is_settled));
    world_set(world, 3, "word", "hello");
    say_large(world, large);
    world_run(world, 10 * SECOND);
    assert_true(memcmp(world->nodes[2].uuid, world->nodes[3].uuid, GOSSIP_UUID_BYTES) < 0);
    return world;
}

/* How many keys of that node are in a FILL. */
static unsigned keys_in(struct bytes bytes, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    struct codec_message message;
    struct codec_group group;
    struct codec_entry entry;
    unsigned count = 0;
    assert_int_equal(codec_decode(&message, bytes), 0);
    if (message.kind != CODEC_FILL)
        return 0;
    struct cursor groups = cursor_of(message.groups);
    while (cursor_left(&groups) > 0) {
        codec_read_group(&groups, &group);
        struct cursor entries = cursor_of(group.entries);
        while (cursor_left(&entries) > 0) {
            codec_read_entry(&entries, &message.wire, &entry);
            count += entry.key.length > 0 && memcmp(group.uuid, uuid, GOSSIP_UUID_BYTES) == 0;
        }
    }
    return count;
}

/* A stranger knows nobody, and asks node 1 for everything. */
static void ask_for_all(const struct world *world, enum gossip_event_kind kind,
                        struct gossip_actions *actions) {
    static const uint8_t first[GOSSIP_UUID_BYTES], nobody[GOSSIP_UUID_BYTES] = {NOBODY};
    uint8_t last[GOSSIP_UUID_BYTES];
    struct codec_writer writer;
    memset(last, 0xff, sizeof last);
    codec_writer_init(&writer);
    codec_begin(&writer, &(struct codec_wire){0}, CODEC_DIGEST, nobody, 1);
    codec_write_range(&writer, first, last);
    struct gossip_event event = {.kind = kind,
                                 .stream = 1,
                                 .now_us = world->now_us,
                                 .address = {.host = "10.0.0.99", .port = 7000},
                                 .bytes = buffer_bytes(&writer.buffer)};
    gossip_step(world->nodes[1].gossip, &event, actions);
    codec_writer_release(&writer);
}

/* Wherever the last value ends, with room for what follows, for a part of it or for nothing: the
 * word of the next member comes in the same datagram or in the next. */
static void test_a_datagram_may_end_anywhere(void **state) {
    (void)state;
    struct world *world = giving_world(1, 1);
    bool has_come_alone = false, has_come_beside = false;
    for (size_t end = 0; end < 3 * ENDS; end++) {
        struct gossip_actions actions;
        unsigned words = 0, lasts = 0;
        say_last(world, 3 * ENDS - end);
        ask_for_all(world, GOSSIP_DATAGRAM, &actions);
        for (size_t i = 0; i < actions.datagram_count; i++) {
            unsigned here = keys_in(actions.datagrams[i].bytes, world->nodes[3].uuid);
            unsigned before = keys_in(actions.datagrams[i].bytes, world->nodes[2].uuid);
            has_come_alone |= here > 0 && before == 0;
            has_come_beside |= here > 0 && before > 0;
            words += here;
            lasts += before;
        }
        assert_int_equal(words, 1);
        assert_int_equal(lasts, 2);
    }
    assert_true(has_come_alone);
    assert_true(has_come_beside);
    world_free(world);
}

/* Room for the next piece: what it brings of node 3. */
static unsigned words_of_next_piece(const struct world *world) {
    struct gossip_actions actions;
    struct gossip_event event = {.kind = GOSSIP_STREAM_ROOM, .stream = 1, .now_us = world->now_us};
    gossip_step(world->nodes[1].gossip, &event, &actions);
    unsigned words = 0;
    for (size_t i = 0; i < actions.stream_count; i++)
        if (actions.streams[i].kind == GOSSIP_STREAM_GIVE)
            words += keys_in(actions.streams[i].bytes, world->nodes[3].uuid);
    return words;
}

/* The same of the pieces of a stream, of which the second goes on where the first had no room even
 * for the head of a group. */
static void test_a_piece_may_end_anywhere(void **state) {
    (void)state;
    struct world *world = giving_world(2, SHORT_OF_PIECE);
    unsigned in_first = 0, in_second = 0;
    for (size_t last = 4 * ENDS; last > 2 * ENDS; last--) {
        struct gossip_actions actions;
        unsigned first = 0;
        say_last(world, last);
        ask_for_all(world, GOSSIP_STREAM_ASKED, &actions);
        for (size_t i = 0; i < actions.stream_count; i++)
            if (actions.streams[i].kind == GOSSIP_STREAM_GIVE)
                first += keys_in(actions.streams[i].bytes, world->nodes[3].uuid);
        unsigned second = first == 0 ? words_of_next_piece(world) : 0;
        assert_int_equal(first + second, 1);
        in_first += first;
        in_second += second;
        struct gossip_event gone = {
            .kind = GOSSIP_STREAM_GONE, .stream = 1, .now_us = world->now_us};
        gossip_step(world->nodes[1].gossip, &gone, &actions);
    }
    assert_true(in_first > 0);
    assert_true(in_second > 0);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_a_datagram_may_end_anywhere),
          cmocka_unit_test(test_a_piece_may_end_anywhere))
