/* Patience, which follows the round trips that were measured; turns, which observers shift so that
 * they do not all look at once; and whom they look at beyond a suspect. */
#include "../unit.h"
#include "gossip/detect/detect_room.h"
#include "gossip/detect/record.h"
#include "gossip/detect/watch.h"
#include "made_up.h"

enum { MS = 1000, TIMEOUT_US = 200 * MS, TURN_US = 1000 * MS, MEMBERS = 20 };

static void name_it(unsigned number, uint8_t uuid[GOSSIP_UUID_BYTES]) {
    memset(uuid, 0xcc, GOSSIP_UUID_BYTES);
    uuid[0] = (uint8_t)number;
}

static struct world *world_with_members(void) {
    struct world *world = world_new(1);
    world_add(world);
    made_up_announce(world, 1, MEMBERS, name_it);
    assert_int_equal(watch_turn_us(world->nodes[1].gossip), TURN_US);
    return world;
}

static const struct member *unwatched(struct gossip *gossip) {
    for (size_t i = 0; i < gossip_live_count(gossip); i++)
        if (watch_of(gossip, gossip_live(gossip, i)) == NULL)
            return gossip_live(gossip, i);
    fail_msg("all are watched");
    return NULL;
}

/* As RFC 6298 says: the mean of round trips, and four times by how much they differ from it; never
 * more than the probe timeout, and a fourth of it at the least. */
static void test_patience_follows_round_trips(void **state) {
    (void)state;
    static const struct {
        uint64_t measured_ms[2], patience_us; /* 0: not measured */
    } rows[] = {{{0, 0}, TIMEOUT_US},       {{40, 0}, 120 * MS + 1},      {{40, 24}, 114 * MS + 1},
                {{40, 72}, 135 * MS + 997}, {{1, 0}, TIMEOUT_US / 4 + 1}, {{100, 100}, TIMEOUT_US}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world *world = world_with_members();
        struct gossip *gossip = world->nodes[1].gossip;
        const struct member *member = unwatched(gossip);
        for (unsigned at = 0; at < 2 && rows[i].measured_ms[at] > 0; at++)
            watch_measured(gossip, member, rows[i].measured_ms[at] * MS);
        assert_int_equal(watch_patience_us(gossip, member), rows[i].patience_us);
        world_free(world);
    }
}

/* Whoever is watched is known for itself; of all others what is usual here must do. */
static void test_the_watched_are_known_for_themselves(void **state) {
    (void)state;
    struct world *world = world_with_members();
    struct gossip *gossip = world->nodes[1].gossip;
    const struct member *watched = gossip->detect->watches[0].member, *other = unwatched(gossip);
    watch_measured(gossip, other, 40 * MS);
    assert_int_equal(watch_patience_us(gossip, watched), 120 * MS + 1);
    watch_measured(gossip, watched, 60 * MS);
    assert_int_equal(watch_patience_us(gossip, watched), 180 * MS + 1);
    assert_true(watch_patience_us(gossip, other) < 130 * MS);
    world_free(world);
}

/* The observed says how long before the observer somebody else looked: it moves half of the way to
 * where its turn is a fourth behind, by a fourth of a turn at the most, and never into the past. */
static void test_turns_are_spread(void **state) {
    (void)state;
    static const struct {
        unsigned phase_ms;
        int64_t shift_us;
    } rows[] = {{250, 0}, {450, -100 * MS},  {50, 100 * MS},
                {0, 0},   {1000, -250 * MS}, {65535, -250 * MS}};
    struct world *world = world_with_members();
    struct gossip *gossip = world->nodes[1].gossip;
    struct watch *watch = &gossip->detect->watches[0];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t before_us = watch->next_us = gossip->now_us + TURN_US;
        watch_shift(gossip, watch->member, rows[i].phase_ms);
        assert_int_equal((int64_t)(watch_of(gossip, watch->member)->next_us - before_us),
                         rows[i].shift_us);
    }
    watch->next_us = gossip->now_us + 50 * MS;
    watch_shift(gossip, watch->member, 1000);
    assert_int_equal(watch->next_us, gossip->now_us + 50 * MS);
    watch_shift(gossip, unwatched(gossip), 1000); /* of nobody watched: nothing */
    world_free(world);
}

/* What the observed says: 0 to the first; then how long it is since another one looked. Who pings
 * again in the same turn is told the same again. */
static void test_the_observed_says_when_another_looked(void **state) {
    (void)state;
    static const uint8_t one[GOSSIP_UUID_BYTES] = {1}, other[GOSSIP_UUID_BYTES] = {2};
    struct world *world = world_with_members();
    struct gossip *gossip = world->nodes[1].gossip;
    assert_int_equal(watch_pinged_ms(gossip, one), 0);
    gossip->now_us += 300 * MS;
    assert_int_equal(watch_pinged_ms(gossip, other), 301);
    gossip->now_us += TURN_US / 2 - 1;
    assert_int_equal(watch_pinged_ms(gossip, other), 301);
    gossip->now_us += 1;
    assert_int_equal(watch_pinged_ms(gossip, other), 501);
    gossip->now_us += UINT64_C(3600) * 1000 * MS;
    assert_int_equal(watch_pinged_ms(gossip, one), UINT16_MAX);
    world_free(world);
}

/* So it is heard of the member: by somebody else who accuses it, or by itself. */
static void hear(struct gossip *gossip, struct member *member, enum gossip_member_state state,
                 const uint8_t accuser[GOSSIP_UUID_BYTES]) {
    struct codec_record record;
    member_record(member, &record);
    record.incarnation += state == GOSSIP_ALIVE;
    record.state = state;
    memcpy(record.accuser, accuser, sizeof record.accuser);
    record_hear(gossip, member, &record, true);
}

static bool is_probed(const struct gossip *gossip, const struct member *member) {
    for (size_t i = 0; i < gossip->detect->probe_count; i++)
        if (gossip->detect->probes[i].member == member)
            return true;
    return false;
}

/* Where others accuse whom this node watches, it looks at the one before, once for each suspicion:
 * where that is a suspect as well at the next. Where nobody else accuses it looks no further. */
static void test_who_watches_a_suspect_looks_beyond(void **state) {
    (void)state;
    static const uint8_t other[GOSSIP_UUID_BYTES] = {0xaa};
    struct world *world = world_with_members();
    struct gossip *gossip = world->nodes[1].gossip;
    const struct watch *watch = &gossip->detect->watches[0];
    struct member *member = watch->member;
    hear(gossip, member, GOSSIP_SUSPECT, world->nodes[1].uuid);
    assert_null(watch->beyond);
    hear(gossip, member, GOSSIP_ALIVE, other);
    for (unsigned again = 0; again < 2; again++) {
        gossip->detect->probe_count = 0;
        hear(gossip, member, GOSSIP_SUSPECT, other);
        struct member *beyond = watch->beyond;
        assert_ptr_equal(beyond, watch_nearest_before(gossip, 0, false));
        assert_true(beyond != NULL && beyond != member && is_probed(gossip, beyond));
        hear(gossip, beyond, GOSSIP_SUSPECT, other);
        assert_true(watch->beyond != beyond && is_probed(gossip, watch->beyond));
        hear(gossip, beyond, GOSSIP_ALIVE, other);
        hear(gossip, member, GOSSIP_ALIVE, other);
    }
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_patience_follows_round_trips),
          cmocka_unit_test(test_the_watched_are_known_for_themselves),
          cmocka_unit_test(test_turns_are_spread),
          cmocka_unit_test(test_the_observed_says_when_another_looked),
          cmocka_unit_test(test_who_watches_a_suspect_looks_beyond))
