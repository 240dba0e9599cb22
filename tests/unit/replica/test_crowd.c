/* Those who were answered together are waited for, as long as they are back in time: a bet that is
 * not made again at once after it was lost. */
#include "../unit.h"

#include "replica/shards/crowd.h"

enum { ROUND_US = 400, IN_TIME_US = 2 * ROUND_US, LONGEST_US = 2000 };

/* A worker's clients, and what its shards would tell of them. */
struct world {
    struct crowd crowd;
    struct crowd_demand demand;
    uint64_t now_us;
};

static struct world world_of(uint32_t gathered_count) {
    return (struct world){.now_us = 1000000,
                          .demand = {.gathered_count = gathered_count, .gathered_bytes = 100}};
}

static bool is_waiting(struct world *world) {
    return crowd_waits_until_us(&world->crowd, world->now_us, &world->demand) > 0;
}

static enum bet begin(struct world *world) {
    uint32_t count = world->demand.gathered_count;
    enum bet came = crowd_round_begins(&world->crowd, world->now_us, count);
    world->demand.under_way_count += count;
    world->demand.gathered_count = 0;
    return came;
}

/* All that is under way is answered, while others have asked already. */
static void answer(struct world *world, uint64_t after_us, uint32_t others) {
    world->now_us += after_us;
    crowd_answered(&world->crowd, world->demand.under_way_count);
    world->demand.under_way_count = 0;
    world->demand.gathered_count = others;
}

/* A round of `count` commands that took ROUND_US, at whose end `others` have asked. */
static void run_round(struct world *world, uint32_t count, uint32_t others) {
    world->demand.gathered_count = count;
    begin(world);
    answer(world, ROUND_US, others);
}

/* Of fifty clients 25 are answered while 25 have asked: all fifty go together. */
static void test_two_halves_become_one(void **state) {
    (void)state;
    struct world world = world_of(25);
    assert_false(is_waiting(&world));
    run_round(&world, 25, 25);
    for (; world.demand.gathered_count < 50; world.demand.gathered_count++)
        assert_true(is_waiting(&world));
    assert_false(is_waiting(&world));
    assert_int_equal(begin(&world), BET_WON);
    answer(&world, ROUND_US, 0);
    world.demand.gathered_count = 49;
    assert_true(is_waiting(&world));
}

/* Twice as long as the round took, and no longer, whoever is missing. */
static void test_waits_no_longer_than_two_rounds(void **state) {
    (void)state;
    struct world world = world_of(0);
    run_round(&world, 10, 0);
    assert_true(is_waiting(&world));
    world.demand.gathered_count = 9;
    assert_true(crowd_waits_until_us(&world.crowd, world.now_us, &world.demand) ==
                world.now_us + IN_TIME_US);
    world.now_us += IN_TIME_US - 1;
    assert_true(is_waiting(&world));
    world.now_us++;
    assert_false(is_waiting(&world));
    assert_int_equal(begin(&world), BET_LOST);
}

/* Nor longer than two milliseconds, however slow the disks are. */
static void test_slow_disks_are_not_waited_for_as_long(void **state) {
    (void)state;
    struct world world = world_of(10);
    begin(&world);
    answer(&world, 20000, 1);
    assert_true(crowd_waits_until_us(&world.crowd, world.now_us, &world.demand) ==
                world.now_us + LONGEST_US);
}

/* While anything is under way its answers are still to come: there is nobody to bet on. */
static void test_no_bet_while_any_is_under_way(void **state) {
    (void)state;
    struct world world = world_of(10);
    begin(&world);
    world.now_us += ROUND_US;
    crowd_answered(&world.crowd, 9);
    world.demand.under_way_count = 1;
    world.demand.gathered_count = 1;
    assert_false(is_waiting(&world));
    crowd_answered(&world.crowd, 1);
    world.demand.under_way_count = 0;
    assert_true(is_waiting(&world));
}

/* Three clients would each rather go at once. */
static void test_few_are_not_waited_for(void **state) {
    (void)state;
    struct world world = world_of(0);
    run_round(&world, 3, 1);
    assert_false(is_waiting(&world));
    assert_int_equal(begin(&world), BET_NONE);
    run_round(&world, 4, 1);
    assert_true(is_waiting(&world));
}

/* Long batches go: they cost what they hold, and say nothing of who is back. */
static void test_long_batches_do_not_wait(void **state) {
    (void)state;
    struct world world = world_of(0);
    run_round(&world, 10, 5);
    world.demand.gathered_bytes = SHARD_CROWD_BYTES_MAXIMUM - 1;
    assert_true(is_waiting(&world));
    world.demand.gathered_bytes = SHARD_CROWD_BYTES_MAXIMUM;
    assert_false(is_waiting(&world));
    assert_int_equal(begin(&world), BET_NONE);
    run_round(&world, 10, 5);
    world.demand.gathered_bytes = 100;
    assert_true(is_waiting(&world));
}

/* A round whose answered do not come back; true if it was waited for. */
static bool is_bet_lost(struct world *world) {
    run_round(world, 10, 1);
    bool is_bet = is_waiting(world);
    world->now_us += LONGEST_US;
    assert_false(is_waiting(world));
    assert_int_equal(begin(world), is_bet ? BET_LOST : BET_NONE);
    answer(world, ROUND_US, 0);
    return is_bet;
}

static unsigned rounds_until_bet(struct world *world) {
    unsigned count = 0;
    while (!is_bet_lost(world))
        count++;
    return count;
}

/* Who does not come back at once is left alone for longer and longer, but not for ever; and one
 * crowd that is complete is trusted again. */
static void test_lost_bets_grow_rare(void **state) {
    (void)state;
    struct world world = world_of(0);
    assert_int_equal(rounds_until_bet(&world), 0);
    unsigned last = 0, pauses = 0;
    for (; pauses < 20; pauses++) {
        unsigned now = rounds_until_bet(&world);
        assert_true(now >= last);
        assert_true(now <= 512);
        last = now;
    }
    assert_true(last >= 256);
    while (!is_waiting(&world))
        run_round(&world, 10, 1);
    world.demand.gathered_count = 11;
    assert_false(is_waiting(&world));
    assert_int_equal(begin(&world), BET_WON);
    answer(&world, ROUND_US, 0);
    assert_int_equal(rounds_until_bet(&world), 0);
    assert_in_range(rounds_until_bet(&world), 0, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_two_halves_become_one),
    cmocka_unit_test(test_waits_no_longer_than_two_rounds),
    cmocka_unit_test(test_slow_disks_are_not_waited_for_as_long),
    cmocka_unit_test(test_no_bet_while_any_is_under_way),
    cmocka_unit_test(test_few_are_not_waited_for),
    cmocka_unit_test(test_long_batches_do_not_wait),
    cmocka_unit_test(test_lost_bets_grow_rare),
};

int main(void) { return cmocka_run_group_tests(tests, NULL, NULL); }
