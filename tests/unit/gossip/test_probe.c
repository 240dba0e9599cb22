/* Probes in flight: a later life of a member has nothing to do with those of the earlier one. */
#include "../unit.h"
#include "gossip/detect/detect_room.h"
#include "world.h"

enum { SECOND = 1000000, MILLISECOND = 1000, MEMBERS = 12, IN_FLIGHT = 3 };

static bool first_has_probes(struct world *world) {
    return world->nodes[1].gossip->detect->probe_count >= IN_FLIGHT;
}

/* Node 1 sends, but hears nobody: a few of its probes are in flight. */
static struct world *world_with_probes(void) {
    struct world *world = world_new(1);
    world_add_cluster(world, MEMBERS);
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    for (unsigned i = 2; i <= MEMBERS; i++)
        world_cut(world, i, 1);
    assert_true(world_run_until(world, 5 * SECOND, first_has_probes));
    return world;
}

/* News comes to node 1 that the member lives again, somewhere else. */
static void tell_of_later_life(struct world *world, const struct member *member) {
    static const struct codec_wire wire = {.version = 0};
    static const uint8_t stranger[GOSSIP_UUID_BYTES] = {0xee};
    struct codec_record record = {.generation = member->shown.who->generation + 1,
                                  .state = GOSSIP_ALIVE,
                                  .address = {.host = "10.9.9.9", .port = 9}};
    struct codec_writer writer;
    memcpy(record.uuid, member->shown.who->uuid, GOSSIP_UUID_BYTES);
    codec_writer_init(&writer);
    codec_begin(&writer, &wire, CODEC_NEWS, stranger, 1);
    assert_true(codec_list_begin(&writer, CODEC_SECTION_RECORDS));
    assert_true(codec_write_record(&writer, &record));
    codec_list_end(&writer);
    world_send(world, 2, 1, buffer_bytes(&writer.buffer));
    codec_writer_release(&writer);
}

static bool is_in_flight(const struct gossip *gossip, uint64_t sequence) {
    for (size_t i = 0; i < gossip->detect->probe_count; i++)
        if (gossip->detect->probes[i].sequence == sequence)
            return true;
    return false;
}

/* Whichever of those in flight it is, the first, the last or one between: the probe of the earlier
 * life is forgotten, and all others go on. */
static void test_later_life_ends_only_its_own_probe(void **state) {
    (void)state;
    for (size_t place = 0; place < IN_FLIGHT; place++) {
        struct world *world = world_with_probes();
        struct gossip *gossip = world->nodes[1].gossip;
        struct probe before[GOSSIP_PROBE_MAXIMUM];
        size_t count = gossip->detect->probe_count;
        memcpy(before, gossip->detect->probes, sizeof before);
        assert_int_equal(count, IN_FLIGHT);
        assert_non_null(before[place].member);
        tell_of_later_life(world, before[place].member);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(is_in_flight(gossip, before[i].sequence), i != place);
        world_free(world);
    }
}

/* The first probe of node 1 for which others were asked; NULL: there is none. */
static const struct probe *probe_with_helpers(const struct world *world) {
    const struct detect_room *detect = world->nodes[1].gossip->detect;
    for (size_t i = 0; i < detect->probe_count; i++)
        if (detect->probes[i].helper_count > 0)
            return &detect->probes[i];
    return NULL;
}

static bool first_has_asked_others(struct world *world) {
    return probe_with_helpers(world) != NULL;
}

static bool is_silent_helper(const struct probe *probe, const struct world_node *node) {
    for (unsigned i = 0; i < probe->silent_count; i++)
        if (probe->silent[i] == member_mark(node->uuid))
            return true;
    return false;
}

/* The member says that it is there, and has no answer. */
static void say_nack(struct world *world, unsigned from, const struct probe *probe) {
    const struct codec_wire wire = {.version = 0};
    struct codec_writer writer;
    codec_writer_init(&writer);
    codec_begin(&writer, &wire, CODEC_NACK, world->nodes[from].uuid, world->nodes[from].generation);
    codec_write_sequence(&writer, probe->sequence);
    codec_write_target(&writer, probe->member->shown.who->uuid);
    world_send(world, from, 1, buffer_bytes(&writer.buffer));
    codec_writer_release(&writer);
}

/* Each helper that is there counts once, however often the network repeats what it says, and nobody
 * else counts: those that said nothing speak for something wrong on this side. */
static void test_a_helper_counts_once(void **state) {
    (void)state;
    struct world *world = world_with_probes();
    assert_true(world_run_until(world, 5 * SECOND, first_has_asked_others));
    const struct probe *probe = probe_with_helpers(world);
    assert_int_equal(probe->silent_count, GOSSIP_HELPERS);
    unsigned helper = 2, stranger = 2;
    while (!is_silent_helper(probe, &world->nodes[helper]))
        helper++;
    while (is_silent_helper(probe, &world->nodes[stranger]))
        stranger++;
    for (unsigned i = 0; i < 3; i++) {
        say_nack(world, stranger, probe);
        say_nack(world, helper, probe);
    }
    assert_int_equal(probe->silent_count, GOSSIP_HELPERS - 1);
    world_free(world);
}

/* Its pings until then to an address that leads back to it; they come back where it is reached. */
static unsigned pings_to_itself(struct gossip *gossip, uint64_t until_us, bool is_reached) {
    static const struct gossip_address another = {.host = "10.0.0.77", .port = 7000};
    struct gossip_event event = {.kind = GOSSIP_SEED, .address = another};
    unsigned pings = 0;
    while (event.now_us < until_us) {
        struct gossip_actions actions;
        gossip_step(gossip, &event, &actions);
        event = (struct gossip_event){.kind = GOSSIP_TICK, .now_us = actions.deadline_us};
        if (actions.datagram_count == 0)
            continue;
        pings++;
        assert_int_equal(actions.datagram_count, 1);
        assert_string_equal(actions.datagrams[0].to.host, another.host);
        uint8_t bytes[GOSSIP_DATAGRAM_MAXIMUM];
        struct bytes sent = actions.datagrams[0].bytes;
        memcpy(bytes, sent.data, sent.length);
        struct gossip_event back = {.kind = GOSSIP_DATAGRAM,
                                    .now_us = event.now_us,
                                    .address = another,
                                    .bytes = bytes_of(bytes, sent.length)};
        if (is_reached)
            gossip_step(gossip, &back, &actions);
    }
    return pings;
}

/* A seed may turn out to be this node, as the address of a service that stands for all of them, and
 * another one the next time: like one at which nobody answers it is asked for ever, ever less. */
static void test_a_seed_that_leads_back_here_is_asked_on(void **state) {
    (void)state;
    for (int is_reached = 0; is_reached < 2; is_reached++) {
        struct gossip_options options = {.uuid = {1},
                                         .generation = 1,
                                         .address = {.host = "10.0.0.1", .port = 7000},
                                         .timing = {.probe_interval_us = SECOND,
                                                    .probe_timeout_us = SECOND / 2,
                                                    .suspicion_factor = 4},
                                         .seed = 1};
        struct gossip *gossip = gossip_new(&options);
        assert_in_range(pings_to_itself(gossip, 60 * SECOND, is_reached), 8, 20);
        assert_in_range(pings_to_itself(gossip, 160 * SECOND, is_reached), 10, 21);
        gossip_free(gossip);
    }
}

static bool second_is_probed(struct world *world) {
    const struct detect_room *detect = world->nodes[1].gossip->detect;
    for (size_t i = 0; i < detect->probe_count; i++)
        if (detect->probes[i].member != NULL &&
            &detect->probes[i].member->shown == world_view(world, 1, 2))
            return true;
    return false;
}

/* Node 2 says goodbye, and is gone, while a probe of it is in flight: that it does not answer is no
 * failure, and says nothing of whether the other is well. */
static void test_who_leaves_owes_no_answer(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct world *world = world_new(seed);
        world_add_cluster(world, 3);
        assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
        world_run(world, SECOND);
        world_cut(world, 2, 1);
        while (!second_is_probed(world))
            world_run(world, MILLISECOND);
        world_leave(world, 2);
        world_run(world, 3 * MILLISECOND);
        world_kill(world, 2);
        world_run(world, 5 * SECOND);
        struct gossip_counters counters;
        gossip_counters(world->nodes[1].gossip, &counters);
        assert_true(world_is_state(world, 1, 2, GOSSIP_LEFT));
        assert_int_equal(counters.probes_failed, 0);
        world_free(world);
    }
}

RUN_TESTS(cmocka_unit_test(test_later_life_ends_only_its_own_probe),
          cmocka_unit_test(test_a_helper_counts_once),
          cmocka_unit_test(test_a_seed_that_leads_back_here_is_asked_on),
          cmocka_unit_test(test_who_leaves_owes_no_answer))
