/* How long a suspect has to refute. */
#include "../unit.h"
#include "gossip/detect/detect_room.h"
#include "gossip/detect/record.h"
#include "gossip/detect/suspicion.h"
#include "gossip/instance/roster.h"
#include "made_up.h"
#include <math.h>

static void name_it(unsigned number, uint8_t uuid[GOSSIP_UUID_BYTES]) {
    memset(uuid, 0xcc, GOSSIP_UUID_BYTES);
    uuid[0] = (uint8_t)number;
    uuid[1] = (uint8_t)(number >> 8);
}

/* So many accuse member 0. */
static void accuse(struct gossip *gossip, unsigned accusers) {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    name_it(0, uuid);
    struct member *member = member_find(gossip, uuid);
    assert_non_null(member);
    for (unsigned i = 1; i <= accusers; i++) {
        struct codec_record record;
        member_record(member, &record);
        record.state = GOSSIP_SUSPECT;
        name_it(i, record.accuser);
        record_hear(gossip, member, &record, true);
    }
}

/* In probe intervals, in a cluster of `nodes` with this one, of whom so many accuse. */
static double time_to_refute(unsigned nodes, unsigned accusers) {
    struct world *world = world_new(1);
    world_add(world);
    made_up_announce(world, 1, nodes - 1, name_it);
    struct gossip *gossip = world->nodes[1].gossip;
    assert_int_equal(gossip_member_count(gossip), nodes);
    accuse(gossip, accusers);
    const struct suspicion *suspicion = suspicion_first(&gossip->detect->open, UINT64_MAX);
    assert_non_null(suspicion);
    double time_us = (double)(suspicion->end.time_us - suspicion->since_us);
    double intervals = time_us / (double)gossip->timing.probe_interval_us;
    world_free(world);
    return intervals;
}

/* Where nobody agrees it grows with the cluster. */
static void test_alone_it_takes_long(void **state) {
    (void)state;
    assert_float_equal(time_to_refute(10, 1), 4.0, 0.001);
    assert_float_equal(time_to_refute(1000, 1), 12.0, 0.001);
}

/* Where others agree, it grows from two intervals to two and a half, which hundreds have as well:
 * among thousands news is hardly slower than there. */
static void test_with_others_it_ends_at_two_and_a_half(void **state) {
    (void)state;
    assert_float_equal(time_to_refute(10, 3), 2.0, 0.001);
    assert_float_equal(time_to_refute(100, 3), 7.0 / 3, 0.001);
    assert_float_equal(time_to_refute(400, 3), 2.5, 0.001);
    assert_float_equal(time_to_refute(3000, 3), 2.5, 0.001);
}

RUN_TESTS(cmocka_unit_test(test_alone_it_takes_long),
          cmocka_unit_test(test_with_others_it_ends_at_two_and_a_half))
