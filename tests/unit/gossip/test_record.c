/* What becomes news when something newer is heard of a member, with what priority, and how the ends
 * of suspicions are counted. */
#include "../unit.h"
#include "gossip/detect/detect_room.h"
#include "gossip/detect/record.h"
#include "gossip/instance/roster.h"
#include "gossip/news/news.h"
#include "world.h"

static const uint8_t other[GOSSIP_UUID_BYTES] = {0xcc};

/* Node 1 hears that of the other member; what it had to tell before is over. Returns the priority
 * of what it tells on; GOSSIP_PRIORITY_COUNT: nothing. */
static unsigned hear(struct gossip *gossip, enum gossip_member_state state, uint64_t generation,
                     uint64_t incarnation) {
    struct codec_record record = {.generation = generation,
                                  .incarnation = incarnation,
                                  .state = state,
                                  .accuser = {0xaa},
                                  .address = {.host = "10.0.0.9", .port = 7000}};
    struct member *member = member_find(gossip, other);
    memcpy(record.uuid, other, sizeof other);
    for (size_t i = 0; i < gossip->member_count; i++)
        news_remove_all(gossip, gossip->members[i]);
    record_hear(gossip, member, &record, true);
    unsigned priority = 0;
    while (priority < GOSSIP_PRIORITY_COUNT && gossip->counters.news_waiting[priority] == 0)
        priority++;
    return priority;
}

enum { NOTHING = GOSSIP_PRIORITY_COUNT };

/* Deaths, farewells and refutations go first; who comes and who is suspected behind them. What is
 * older, or was known, is no news. */
static void test_what_matters_most_goes_first(void **state) {
    (void)state;
    struct world *world = world_new(1);
    struct gossip *gossip = world_add(world)->gossip;
    assert_int_equal(hear(gossip, GOSSIP_DEAD, 1, 1), NOTHING); /* of nobody known */
    assert_int_equal(hear(gossip, GOSSIP_LEFT, 1, 1), NOTHING);
    assert_int_equal(hear(gossip, GOSSIP_JOINING, 1, 0), NOTHING); /* until it is alive */
    assert_int_equal(hear(gossip, GOSSIP_ALIVE, 1, 1), GOSSIP_CLUSTER);
    assert_int_equal(hear(gossip, GOSSIP_ALIVE, 1, 1), NOTHING);
    assert_int_equal(hear(gossip, GOSSIP_ALIVE, 1, 2), GOSSIP_CLUSTER);
    assert_int_equal(hear(gossip, GOSSIP_SUSPECT, 1, 2), GOSSIP_CLUSTER);
    assert_int_equal(hear(gossip, GOSSIP_ALIVE, 1, 3), GOSSIP_URGENT);
    assert_int_equal(hear(gossip, GOSSIP_SUSPECT, 1, 2), NOTHING);
    assert_int_equal(hear(gossip, GOSSIP_DEAD, 1, 3), GOSSIP_URGENT);
    assert_int_equal(hear(gossip, GOSSIP_SUSPECT, 1, 3), NOTHING);
    assert_int_equal(hear(gossip, GOSSIP_ALIVE, 1, 4), GOSSIP_URGENT);
    assert_int_equal(hear(gossip, GOSSIP_LEFT, 1, 4), GOSSIP_URGENT);
    assert_int_equal(hear(gossip, GOSSIP_ALIVE, 1, 9), NOTHING);
    assert_int_equal(hear(gossip, GOSSIP_ALIVE, 2, 0), GOSSIP_CLUSTER);
    world_free(world);
}

/* Each suspicion ends in one of three ways, whoever began it. */
static void test_the_ends_of_suspicions_are_counted(void **state) {
    (void)state;
    static const enum gossip_member_state ends[] = {GOSSIP_ALIVE, GOSSIP_DEAD, GOSSIP_LEFT};
    for (size_t i = 0; i < 3; i++) {
        struct world *world = world_new(1);
        struct gossip *gossip = world_add(world)->gossip;
        hear(gossip, GOSSIP_ALIVE, 1, 1);
        hear(gossip, GOSSIP_SUSPECT, 1, 1);
        assert_int_equal(gossip->detect->open.count, 1);
        hear(gossip, ends[i], 1, 2);
        assert_int_equal(gossip->detect->open.count, 0);
        assert_int_equal(gossip->counters.suspicions_refuted, ends[i] == GOSSIP_ALIVE);
        assert_int_equal(gossip->counters.suspicions_died, ends[i] == GOSSIP_DEAD);
        assert_int_equal(gossip->counters.deaths, ends[i] == GOSSIP_DEAD);
        assert_int_equal(gossip->counters.suspicions_left, ends[i] == GOSSIP_LEFT);
        hear(gossip, GOSSIP_ALIVE, 2, 1);
        assert_int_equal(gossip->counters.suspicions_refuted, ends[i] == GOSSIP_ALIVE);
        assert_int_equal(gossip->graves.count, 0);
        world_free(world);
    }
}

RUN_TESTS(cmocka_unit_test(test_what_matters_most_goes_first),
          cmocka_unit_test(test_the_ends_of_suspicions_are_counted))
