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

RUN_TESTS(cmocka_unit_test(test_later_life_ends_only_its_own_probe))
