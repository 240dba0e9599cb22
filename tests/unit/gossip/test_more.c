/* Going on where one answer did not hold all: what is asked for, whom, and when no more. */
#include "../unit.h"
#include "gossip/instance/sending.h"
#include "gossip/sync/compare.h"
#include "gossip/sync/more.h"
#include "world.h"

enum { WAITED_US = 10000, ROUNDS = 256 }; /* MORE_WAIT_US, MORE_ROUNDS_MAXIMUM */

static const struct gossip_address one = {.host = "10.0.0.8", .port = 7000},
                                   other = {.host = "10.0.0.9", .port = 7000};

/* "There is more between these": UUIDs that begin so. */
static void hear(struct gossip *gossip, const struct gossip_address *from, uint8_t first,
                 uint8_t last) {
    struct codec_message message = {.kind = CODEC_FILL, .has_range = true};
    message.first[0] = first;
    memset(message.last, 0xff, sizeof message.last);
    message.last[0] = last;
    more_hear(gossip, from, &message);
}

/* What is asked for by now: how many datagrams; and the range of the only one, if it is one. */
static size_t asked(struct gossip *gossip, struct codec_message *message,
                    struct gossip_address *whom) {
    struct gossip_actions actions;
    sending_clear(gossip);
    more_run(gossip);
    sending_hand_out(gossip, &actions);
    if (actions.datagram_count == 1) {
        assert_int_equal(codec_decode(message, actions.datagrams[0].bytes), 0);
        assert_int_equal(message->kind, CODEC_DIGEST);
        *whom = actions.datagrams[0].to;
    }
    return actions.datagram_count;
}

/* Of several ranges of one answer all between the first and the last is asked for, once, when the
 * rest of the answer has had its time; what somebody else says meanwhile changes nothing. */
static void test_ranges_of_one_answer_are_one(void **state) {
    (void)state;
    struct world *world = world_new(1);
    struct gossip *gossip = world_add(world)->gossip;
    struct codec_message message;
    struct gossip_address whom;
    hear(gossip, &one, 0x40, 0x50);
    hear(gossip, &one, 0x60, 0x70);
    hear(gossip, &one, 0x20, 0x30);
    hear(gossip, &other, 0x00, 0xff);
    gossip->now_us += WAITED_US - 1;
    assert_int_equal(asked(gossip, &message, &whom), 0);
    gossip->now_us++;
    assert_int_equal(asked(gossip, &message, &whom), 1);
    assert_string_equal(whom.host, one.host);
    assert_int_equal(message.first[0], 0x20);
    assert_int_equal(message.last[0], 0x70);
    assert_int_equal(asked(gossip, &message, &whom), 0);
    assert_true(more_deadline_us(gossip) == GOSSIP_NEVER);
    world_free(world);
}

/* How often it is asked, of so many times that there is said to be more. */
static unsigned times_asked(struct gossip *gossip, unsigned times, bool brings_something) {
    struct codec_message message;
    struct gossip_address whom;
    unsigned count = 0;
    for (unsigned i = 0; i < times; i++) {
        hear(gossip, &one, 0x40, 0x50);
        gossip->now_us += WAITED_US;
        gossip->hash += brings_something;
        count += asked(gossip, &message, &whom) == 1;
    }
    return count;
}

/* While it brings something it goes on, up to a bound; the next comparison begins anew. What once
 * brought nothing is not asked for again. */
static void test_it_goes_on_while_it_brings_something(void **state) {
    (void)state;
    struct world *world = world_new(2);
    struct gossip *gossip = world_add(world)->gossip;
    assert_int_equal(times_asked(gossip, 100, false), 1);
    assert_int_equal(times_asked(gossip, 10, true), 10);
    assert_int_equal(times_asked(gossip, 10, false), 0);
    more_begin(gossip);
    assert_int_equal(times_asked(gossip, 1000, true), ROUNDS);
    compare_hear(gossip, &one, &(const struct codec_message){.kind = CODEC_ACK});
    assert_int_equal(times_asked(gossip, 10, false), 1);
    world_free(world);
}

/* A PULL of what is known of node 1, and of two whom nobody knows, before and behind it. */
static void write_pull(struct codec_writer *writer, const struct world_node *node) {
    static const uint8_t stranger[GOSSIP_UUID_BYTES] = {0xee};
    struct codec_digest wanted[3] = {{.uuid = {1}}, {.generation = 1}, {.uuid = {0xfe}}};
    memcpy(wanted[1].uuid, node->uuid, GOSSIP_UUID_BYTES);
    codec_begin(writer, &(struct codec_wire){0}, CODEC_PULL, stranger, 1);
    assert_true(codec_list_begin(writer, CODEC_SECTION_DIGESTS));
    for (unsigned i = 0; i < 3; i++)
        assert_true(codec_write_digest(writer, &wanted[i]));
    codec_list_end(writer);
}

/* Node 1 says more than one answer to a PULL may hold. That there is more it says of the range that
 * was asked for, from the first to the last. */
static void test_a_pull_that_is_cut_says_its_range(void **state) {
    (void)state;
    struct world *world = world_new(3);
    struct codec_writer writer;
    struct gossip_actions actions;
    char key[16], value[GOSSIP_VALUE_MAXIMUM + 1] = {0};
    world->timing.compress_min_bytes = 0;
    struct world_node *node = world_add(world);
    memset(value, 'x', GOSSIP_VALUE_MAXIMUM);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "key%u", i);
        world_set(world, 1, key, value);
    }
    codec_writer_init(&writer);
    write_pull(&writer, node);
    struct gossip_event event = {.kind = GOSSIP_DATAGRAM,
                                 .now_us = world->now_us,
                                 .address = one,
                                 .bytes = buffer_bytes(&writer.buffer)};
    gossip_step(node->gossip, &event, &actions);
    unsigned ranges = 0;
    for (size_t i = 0; i < actions.datagram_count; i++) {
        struct codec_message message;
        assert_int_equal(codec_decode(&message, actions.datagrams[i].bytes), 0);
        if (message.kind != CODEC_FILL || !message.has_range)
            continue;
        ranges++;
        assert_int_equal(message.first[0], 1);
        assert_int_equal(message.last[0], 0xfe);
    }
    assert_int_equal(ranges, 1);
    codec_writer_release(&writer);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_ranges_of_one_answer_are_one),
          cmocka_unit_test(test_a_pull_that_is_cut_says_its_range),
          cmocka_unit_test(test_it_goes_on_while_it_brings_something))
