/* How much may be sent: how deep the bucket is on both sides, who is let through at which level,
 * and for how long the others wait. */
#include "../unit.h"
#include "gossip/instance/bucket.h"
#include "world.h"

enum { SECOND = 1000000, RATE = 20000, LEAST = 16 << 10 };

static struct world *world_with_rate(uint64_t bytes_per_second) {
    struct world *world = world_new(1);
    world->timing.bytes_per_second = bytes_per_second;
    world_add(world);
    bucket_init(world->nodes[1].gossip);
    return world;
}

/* One second's bytes at the most, and sixteen kilobytes at the least; as much may be owed. */
static void test_it_is_bounded_on_both_sides(void **state) {
    (void)state;
    for (uint64_t rate = 1000; rate <= RATE; rate += RATE - 1000) {
        struct world *world = world_with_rate(rate);
        struct gossip *gossip = world->nodes[1].gossip;
        int64_t full = rate > LEAST ? (int64_t)rate : LEAST;
        assert_int_equal(gossip->bucket.tokens, full);
        bucket_spend(gossip, 100);
        assert_int_equal(gossip->bucket.tokens, full - 100);
        bucket_spend(gossip, 100 * LEAST);
        assert_int_equal(gossip->bucket.tokens, -full);
        assert_int_equal(gossip->counters.tokens_spent, 100 + 100 * LEAST);
        gossip->now_us += 3600 * (uint64_t)SECOND;
        bucket_fill(gossip);
        assert_int_equal(gossip->bucket.tokens, full);
        world_free(world);
    }
}

/* What the time brings is counted to the byte, however often one looks. */
static void test_time_fills_it(void **state) {
    (void)state;
    struct world *world = world_with_rate(RATE);
    struct gossip *gossip = world->nodes[1].gossip;
    bucket_spend(gossip, RATE);
    assert_int_equal(gossip->bucket.tokens, 0);
    for (unsigned i = 0; i < 10000; i++) {
        gossip->now_us += 33; /* less than a byte takes */
        bucket_fill(gossip);
    }
    assert_in_range(gossip->bucket.tokens, 6599, 6600);
    gossip->now_us += SECOND;
    bucket_fill(gossip);
    assert_int_equal(gossip->bucket.tokens, RATE);
    world_free(world);
}

/* However long nobody looked, it is full once, and no second time for the same time. */
static void test_a_long_time_fills_it_once(void **state) {
    (void)state;
    struct world *world = world_with_rate(RATE);
    struct gossip *gossip = world->nodes[1].gossip;
    bucket_spend(gossip, RATE);
    gossip->now_us += UINT64_MAX / RATE + SECOND; /* more than can be counted in bytes */
    bucket_fill(gossip);
    assert_int_equal(gossip->bucket.tokens, RATE);
    bucket_spend(gossip, RATE);
    bucket_fill(gossip);
    assert_int_equal(gossip->bucket.tokens, 0);
    world_free(world);
}

/* At a quarter news stops, at half comparisons do, at nothing what is urgent; and each is told how
 * long it takes until it is let through, to the byte. */
static void test_each_has_its_level(void **state) {
    (void)state;
    static const struct {
        enum bucket_claim claim;
        int64_t level;
    } claims[] = {{BUCKET_URGENT, 0}, {BUCKET_NEWS, RATE / 4}, {BUCKET_COMPARISON, RATE / 2}};
    struct world *world = world_with_rate(RATE);
    struct gossip *gossip = world->nodes[1].gossip;
    for (size_t i = 0; i < 3; i++) {
        gossip->bucket.tokens = claims[i].level + 1;
        assert_true(bucket_admits(gossip, claims[i].claim));
        assert_int_equal(bucket_wait_us(gossip, claims[i].claim), 1);
        gossip->bucket.tokens = RATE;
        assert_int_equal(bucket_wait_us(gossip, claims[i].claim), 1);
        gossip->bucket.tokens = claims[i].level;
        assert_false(bucket_admits(gossip, claims[i].claim));
        gossip->bucket.tokens = claims[i].level - 999;
        uint64_t wait_us = bucket_wait_us(gossip, claims[i].claim);
        assert_in_range(wait_us, 1000 * SECOND / RATE, 1000 * SECOND / RATE + 1);
        gossip->bucket.filled_us = gossip->now_us;
        gossip->now_us += wait_us;
        bucket_fill(gossip);
        assert_true(bucket_admits(gossip, claims[i].claim));
    }
    world_free(world);
}

/* Where no limit is set nothing is spent, and nobody waits. */
static void test_without_a_limit_it_is_always_full(void **state) {
    (void)state;
    struct world *world = world_with_rate(0);
    struct gossip *gossip = world->nodes[1].gossip;
    bucket_spend(gossip, SIZE_MAX / 4);
    assert_true(bucket_admits(gossip, BUCKET_COMPARISON));
    assert_int_equal(bucket_wait_us(gossip, BUCKET_COMPARISON), 1);
    assert_int_equal(gossip->counters.tokens_spent, 0);
    world_free(world);
}

/* The limit is lifted while the bucket is empty: the next step finds it full. */
static void test_the_limit_is_lifted(void **state) {
    (void)state;
    struct world *world = world_with_rate(RATE);
    struct gossip *gossip = world->nodes[1].gossip;
    bucket_spend(gossip, 2 * RATE);
    gossip->timing.bytes_per_second = 0;
    assert_int_equal(bucket_wait_us(gossip, BUCKET_NEWS), 1);
    gossip->now_us++;
    bucket_fill(gossip);
    assert_true(bucket_admits(gossip, BUCKET_COMPARISON));
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_it_is_bounded_on_both_sides), cmocka_unit_test(test_time_fills_it),
          cmocka_unit_test(test_a_long_time_fills_it_once),
          cmocka_unit_test(test_the_limit_is_lifted), cmocka_unit_test(test_each_has_its_level),
          cmocka_unit_test(test_without_a_limit_it_is_always_full))
