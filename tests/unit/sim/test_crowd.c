/* The parts of sim/gossip beside naive ones that will always tell the truth, and a run that is the
 * same again. */
#include "../unit.h"
#include "config/config.h"
#include "sim/gossip/crowd.h"
#include "sim/gossip/report.h"
#include "sim/gossip/settle.h"
#include "tuning/tuning.h"

enum { NODES = 40, ROUNDS = 20000 };

/* What is wrong, counted by looking at every pair. */
static uint64_t naive_wrong(const bool *is_running, bool (*sees)[NODES]) {
    uint64_t wrong = 0;
    for (unsigned i = 0; i < NODES; i++)
        for (unsigned j = 0; j < NODES; j++)
            wrong += i != j && is_running[i] && sees[i][j] != is_running[j];
    return wrong;
}

static void naive_begin(bool *is_running, bool (*sees)[NODES], unsigned node, bool is_begin) {
    is_running[node] = is_begin;
    for (unsigned i = 0; i < NODES; i++) {
        sees[node][i] = false;
        if (is_begin)
            sees[i][node] = false;
    }
}

/* Nodes come, go, and change their minds about each other: what is wrong is known without counting.
 */
static void test_sight_counts_what_is_wrong(void **state) {
    (void)state;
    bool is_running[NODES] = {0}, sees[NODES][NODES] = {{0}};
    struct random random;
    struct sight sight;
    random_init(&random, 2);
    sight_init(&sight, NODES);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned node = (unsigned)random_below(&random, NODES),
                 other = (unsigned)random_below(&random, NODES);
        if (random_chance(&random, 0.1)) {
            naive_begin(is_running, sees, node, !is_running[node]);
            if (is_running[node])
                sight_begin(&sight, node);
            else
                sight_end(&sight, node);
        } else if (is_running[node] && node != other) {
            sees[node][other] = random_chance(&random, 0.5);
            sight_set(&sight, node, other, sees[node][other]);
        }
        assert_int_equal(sight.wrong_count, naive_wrong(is_running, sees));
    }
    sight_release(&sight);
}

static struct crowd *small_crowd(uint64_t seed) {
    struct config config;
    config_init(&config);
    struct crowd_options options = {
        .seed = seed, .node_count = NODES, .timing = tuning_timing(&config)};
    config_release(&config);
    return crowd_new(&options);
}

/* A crowd in which somebody dies while datagrams are lost; what it sent and how many steps it made,
 * as one number. Frees it. */
static uint64_t run_of(struct crowd *crowd) {
    settle_all(crowd);
    crowd->network.loss = 0.1;
    crowd_kill(crowd, crowd_any_running(crowd));
    crowd_run(crowd, 10 * CROWD_SECOND_US);
    uint64_t run = crowd->traffic.bytes * 1000003 + crowd->step_count;
    crowd_free(crowd);
    return run;
}

/* The same seed is the same run, to the last byte that is sent; another one is another. */
static void test_a_seed_is_a_run(void **state) {
    (void)state;
    uint64_t run = run_of(small_crowd(7));
    assert_int_equal(run_of(small_crowd(7)), run);
    assert_int_not_equal(run_of(small_crowd(8)), run);
}

/* Whether all nodes write with the same memory, or each with its own, is nobody's business. */
static void test_scratch_is_no_part_of_a_run(void **state) {
    (void)state;
    struct crowd *crowd = small_crowd(7);
    gossip_scratch_free(crowd->scratch);
    crowd->scratch = NULL;
    assert_int_equal(run_of(crowd), run_of(small_crowd(7)));
}

/* Looking ahead changes nothing. */
static void test_looking_ahead_is_no_part_of_a_run(void **state) {
    (void)state;
    struct crowd *crowd = small_crowd(7);
    crowd->ahead.again_us = UINT64_MAX; /* never */
    assert_int_equal(run_of(crowd), run_of(small_crowd(7)));
}

static bool is_looked_at(const struct crowd *crowd, const struct parcel *parcel) {
    const struct crowd_node *to = &crowd->nodes[parcel->to], *from = &crowd->nodes[parcel->from];
    for (unsigned i = 0; i < GOSSIP_EXPECT_TURNS; i++)
        for (size_t j = 0; j < crowd->ahead.spans[i].count; j++) {
            const struct gossip_coming *step = &crowd->ahead.spans[i].steps[j];
            if (step->gossip == to->gossip && step->sender == from->uuid)
                return true;
        }
    return false;
}

/* However much goes on, each datagram that lands within the spans that were looked at is known. */
static void test_a_look_ahead_sees_what_lands(void **state) {
    (void)state;
    struct crowd *crowd = small_crowd(6);
    unsigned seen = 0;
    crowd->timing.probe_interval_us /= 50; /* as much goes on as among 2,000 */
    settle_all(crowd);
    for (unsigned round = 0; round < 2000; round++) {
        crowd_run(crowd, 997);
        uint64_t after_us = crowd->ahead.again_us; /* what lands before has had all its turns */
        uint64_t until_us = crowd->ahead.spans[crowd->ahead.newest].until_us;
        for (size_t i = 0; i < crowd->flying.count; i++) {
            uint64_t lands_us = crowd->flying.nodes[i].deadline;
            if (lands_us <= after_us || lands_us > until_us)
                continue;
            assert_true(is_looked_at(crowd, crowd->flying.nodes[i].element));
            seen++;
        }
    }
    assert_true(seen > 1000);
    crowd_free(crowd);
}

/* A world that is begun settled is one: nobody compares, nobody is suspected, all know all. */
static void test_a_settled_crowd_is_silent(void **state) {
    (void)state;
    struct crowd *crowd = small_crowd(3);
    settle_all(crowd);
    crowd_run(crowd, 5 * CROWD_SECOND_US);
    assert_true(crowd_is_settled(crowd));
    assert_int_equal(crowd->traffic.digests, 0);
    for (unsigned i = 0; i < NODES; i++) {
        struct gossip_counters counters;
        gossip_counters(crowd->nodes[i].gossip, &counters);
        assert_int_equal(counters.suspicions, 0);
        assert_int_equal(gossip_member_count(crowd->nodes[i].gossip), NODES);
    }
    crowd_free(crowd);
}

/* How far the clock of another one was found to be ahead is the truth, as far as can be known. */
static bool is_measured_rightly(const struct crowd *crowd, unsigned observer,
                                const struct gossip_member *member) {
    unsigned subject = crowd_node_of(crowd, member->who->uuid);
    int64_t ahead_us = crowd->nodes[subject].clock_ahead_us - crowd->nodes[observer].clock_ahead_us;
    int64_t missed_us = member->contact->clock_offset_us - ahead_us;
    return (uint64_t)(missed_us < 0 ? -missed_us : missed_us) <= member->contact->clock_error_us;
}

/* Each node lives by a wall clock of its own: the others find out by how much it is wrong. */
static void test_wall_clocks_are_apart(void **state) {
    (void)state;
    struct crowd *crowd = small_crowd(4);
    unsigned measured = 0;
    settle_all(crowd);
    crowd_run(crowd, 10 * CROWD_SECOND_US);
    for (unsigned i = 0; i < NODES; i++)
        for (size_t j = 0; j < NODES; j++) {
            const struct gossip_member *member = gossip_member_at(crowd->nodes[i].gossip, j);
            if (member->contact->clock_error_us == 0)
                continue;
            assert_true(is_measured_rightly(crowd, i, member));
            measured++;
        }
    assert_true(measured > NODES);
    crowd_free(crowd);
}

/* Where steps and datagrams take time of the one processor that all share, no two are done at once:
 * more than there is time for is not done, however much there is to do. */
static void test_work_takes_its_time(void **state) {
    (void)state;
    enum { WORK_US = 1000, DATAGRAMS_A_STEP = 64 };
    struct crowd *crowd = small_crowd(5);
    settle_all(crowd);
    crowd_run(crowd, 10 * CROWD_SECOND_US);
    uint64_t without = crowd->step_count;
    crowd->work_us = WORK_US;
    crowd_count_traffic(crowd);
    crowd_run(crowd, 10 * CROWD_SECOND_US);
    uint64_t steps = crowd->step_count - without;
    uint64_t work_us = (steps + crowd->traffic.datagrams) * WORK_US;
    assert_true(steps < without);
    assert_in_range(work_us, 9 * CROWD_SECOND_US,
                    10 * CROWD_SECOND_US + DATAGRAMS_A_STEP * WORK_US);
    crowd_free(crowd);
}

RUN_TESTS(cmocka_unit_test(test_sight_counts_what_is_wrong), cmocka_unit_test(test_a_seed_is_a_run),
          cmocka_unit_test(test_scratch_is_no_part_of_a_run),
          cmocka_unit_test(test_looking_ahead_is_no_part_of_a_run),
          cmocka_unit_test(test_a_look_ahead_sees_what_lands),
          cmocka_unit_test(test_a_settled_crowd_is_silent),
          cmocka_unit_test(test_wall_clocks_are_apart), cmocka_unit_test(test_work_takes_its_time))
