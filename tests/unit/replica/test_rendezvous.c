/* A round of the log waits for all who write along, as long as they come in time: a bet that is not
 * made again at once after it was lost. */
#include "../unit.h"

#include "replica/shards/rendezvous.h"

enum { APART_US = 100, INTERVAL_US = 3 * APART_US, MOST_US = 5000 };

/* The log of a node, and who has entries for it. */
struct world {
    struct rendezvous rendezvous;
    uint64_t now_us, round, most_us;
};

/* Until when they wait. */
static uint64_t come(struct world *world, uint32_t node) {
    const struct rendezvous_arrival arrival = {
        .node = node, .now_us = world->now_us, .most_us = world->most_us};
    rendezvous_turn_to(&world->rendezvous, world->round);
    return rendezvous_waits_until_us(&world->rendezvous, &arrival);
}

static enum bet begin(struct world *world, uint64_t after_us) {
    world->now_us += after_us;
    return rendezvous_turn_to(&world->rendezvous, ++world->round);
}

/* Three who each have a round of their own: so far nobody was to wait. */
static struct world world_apart(void) {
    struct world world = {.now_us = 1000000, .round = 1000};
    for (uint32_t i = 0; i < 12; i++) {
        assert_true(come(&world, 1 + i % 3) == 0);
        assert_int_equal(begin(&world, APART_US), BET_NONE);
    }
    world.most_us = MOST_US;
    return world;
}

/* A log that writes for one leader alone, this node or another, never waits. */
static void test_one_waits_for_nobody(void **state) {
    (void)state;
    struct world world = {.now_us = 1000000, .round = 1000, .most_us = MOST_US};
    for (unsigned i = 0; i < 100; i++) {
        assert_true(come(&world, 2) == 0);
        assert_true(come(&world, 2) == 0);
        assert_int_equal(begin(&world, APART_US), BET_NONE);
    }
}

/* Whose entries came for rounds of their own wait for each other, and the last of them ends it. */
static void test_three_come_together(void **state) {
    (void)state;
    struct world world = world_apart();
    for (unsigned i = 0; i < 100; i++) {
        assert_true(come(&world, 2) > 0);
        assert_true(come(&world, 2) > 0);
        assert_true(come(&world, 3) > 0);
        assert_true(come(&world, 1) == 0);
        assert_true(come(&world, 2) == 0);
        assert_int_equal(begin(&world, INTERVAL_US), BET_WON);
    }
}

/* For half of the time in which who is missing comes once, from the first who came on. */
static void test_waits_for_half_an_interval(void **state) {
    (void)state;
    struct world world = world_apart();
    uint64_t until_us = world.now_us + INTERVAL_US / 2;
    assert_true(come(&world, 1) == until_us);
    world.now_us = until_us - 1;
    assert_true(come(&world, 2) == until_us);
    world.now_us++;
    assert_true(come(&world, 2) == 0);
    assert_int_equal(begin(&world, APART_US), BET_LOST);
}

/* Of several who are missing, for the one that comes least often. An interval is smoothed. */
static void test_the_slowest_is_waited_for(void **state) {
    (void)state;
    struct world world = world_apart();
    come(&world, 1);
    come(&world, 2);
    world.now_us += INTERVAL_US;
    come(&world, 3);
    begin(&world, APART_US);
    uint64_t interval_us = (7 * INTERVAL_US + INTERVAL_US + APART_US) / 8;
    assert_true(come(&world, 1) == world.now_us + interval_us / 2);
}

static void test_waits_no_longer_than_it_may(void **state) {
    (void)state;
    struct world world = world_apart();
    world.most_us = INTERVAL_US / 2 - 1;
    assert_true(come(&world, 1) == world.now_us + world.most_us);
    world = world_apart();
    world.most_us = 0;
    assert_true(come(&world, 1) == 0);
    assert_int_equal(begin(&world, APART_US), BET_NONE);
}

/* After `rounds` in which 1 came, 3 having come before them: is it waited for? */
static bool is_missed_after(unsigned rounds, uint64_t round_us) {
    struct world world = world_apart();
    for (unsigned i = 1; i < rounds; i++) {
        world.most_us = 0;
        come(&world, 1);
        begin(&world, round_us);
    }
    world.most_us = MOST_US;
    return come(&world, 1) > 0;
}

/* Who has not come for the last four rounds has nothing to write just now. */
static void test_who_stays_away_for_rounds_is_not_awaited(void **state) {
    (void)state;
    assert_true(is_missed_after(4, 1));
    assert_false(is_missed_after(5, 1));
}

/* Nor has who has not come for two of its intervals; once it is waited for, that is to the end. */
static void test_who_stays_away_for_long_is_not_awaited(void **state) {
    (void)state;
    struct world world = world_apart();
    world.now_us += 2 * INTERVAL_US - APART_US;
    uint64_t until_us = come(&world, 1);
    assert_true(until_us > 0);
    world.now_us++;
    assert_true(come(&world, 2) == until_us);
    world.now_us = until_us;
    assert_true(come(&world, 2) == 0);
    assert_int_equal(begin(&world, APART_US), BET_LOST);
    world = world_apart();
    world.now_us += 2 * INTERVAL_US - APART_US + 1;
    assert_true(come(&world, 1) == 0);
    assert_int_equal(begin(&world, APART_US), BET_NONE);
}

/* What a node brings in pieces for one round says nothing of how often it comes. */
static void test_pieces_count_once(void **state) {
    (void)state;
    struct world world = world_apart();
    for (unsigned i = 0; i < 100; i++)
        come(&world, 1);
    come(&world, 2);
    come(&world, 3);
    begin(&world, APART_US);
    assert_true(come(&world, 2) == world.now_us + INTERVAL_US / 2);
}

/* Two in turn, each for a round of its own: is there a bet on whoever comes next? It is lost. */
static bool is_bet_lost(struct world *world) {
    uint32_t node = 1 + world->round % 2;
    uint64_t until_us = come(world, node);
    if (until_us > 0)
        world->now_us = until_us;
    assert_true(come(world, node) == 0);
    assert_int_equal(begin(world, APART_US), until_us > 0 ? BET_LOST : BET_NONE);
    return until_us > 0;
}

static unsigned rounds_until_bet(struct world *world) {
    unsigned count = 0;
    while (!is_bet_lost(world))
        count++;
    return count;
}

/* Who never comes in time is waited for less and less often, but not for ever less; and one bet
 * that is won is trusted again. */
static void test_lost_bets_grow_rare(void **state) {
    (void)state;
    struct world world = world_apart();
    rounds_until_bet(&world);
    for (unsigned pause = 1; pause < 63; pause = 2 * pause + 1)
        assert_int_equal(rounds_until_bet(&world), pause);
    assert_int_equal(rounds_until_bet(&world), 63);
    assert_int_equal(rounds_until_bet(&world), 63);
    uint64_t until_us;
    while ((until_us = come(&world, 1 + world.round % 2)) == 0)
        begin(&world, APART_US);
    assert_true(come(&world, 2 - world.round % 2) == 0);
    assert_int_equal(begin(&world, APART_US), BET_WON);
    assert_in_range(rounds_until_bet(&world), 0, 1);
    assert_int_equal(rounds_until_bet(&world), 1);
}

/* There are places for eight: who stayed away longest makes room. */
static void test_more_nodes_than_places(void **state) {
    (void)state;
    struct world world = {.now_us = 1000000, .round = 1000};
    for (uint32_t node = 1; node <= 2 * RENDEZVOUS_PARTY_MAXIMUM; node++) {
        come(&world, node);
        begin(&world, APART_US);
    }
    for (unsigned i = 0; i < RENDEZVOUS_PARTY_MAXIMUM; i++)
        assert_in_range(world.rendezvous.parties[i].node, RENDEZVOUS_PARTY_MAXIMUM + 1,
                        2 * RENDEZVOUS_PARTY_MAXIMUM);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_one_waits_for_nobody),
    cmocka_unit_test(test_three_come_together),
    cmocka_unit_test(test_waits_for_half_an_interval),
    cmocka_unit_test(test_the_slowest_is_waited_for),
    cmocka_unit_test(test_waits_no_longer_than_it_may),
    cmocka_unit_test(test_who_stays_away_for_rounds_is_not_awaited),
    cmocka_unit_test(test_who_stays_away_for_long_is_not_awaited),
    cmocka_unit_test(test_pieces_count_once),
    cmocka_unit_test(test_lost_bets_grow_rare),
    cmocka_unit_test(test_more_nodes_than_places),
};

int main(void) { return cmocka_run_group_tests(tests, NULL, NULL); }
