/* Majorities, of one configuration and of both halves of a joint one. */
#include "../unit.h"

#include "base/random.h"
#include "raft/parts/quorum.h"

static uint64_t value_of(const void *context, raft_node_number node) {
    return ((const uint64_t *)context)[node];
}

static uint64_t quorum_of(uint8_t count, const uint64_t *values) {
    struct raft_configuration configuration = {.voter_count = count};
    for (unsigned i = 0; i < count; i++)
        configuration.voters[i] = i + 1;
    return raft_quorum(&configuration, value_of, values);
}

static void test_simple(void **state) {
    (void)state;
    assert_int_equal(quorum_of(0, (uint64_t[]){0}), 0);
    assert_int_equal(quorum_of(1, (uint64_t[]){0, 7}), 7);
    assert_int_equal(quorum_of(2, (uint64_t[]){0, 7, 9}), 7);
    assert_int_equal(quorum_of(3, (uint64_t[]){0, 7, 9, 8}), 8);
    assert_int_equal(quorum_of(4, (uint64_t[]){0, 7, 9, 8, 6}), 7);
    assert_int_equal(quorum_of(5, (uint64_t[]){0, 1, 9, 8, 1, 5}), 5);
}

/* Against counting: the largest value that a majority reaches. */
static void test_against_counting(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 1);
    for (unsigned round = 0; round < 2000; round++) {
        uint64_t values[RAFT_VOTER_MAXIMUM + 1] = {0};
        uint8_t count = (uint8_t)random_between(&random, 1, RAFT_VOTER_MAXIMUM);
        for (unsigned i = 1; i <= count; i++)
            values[i] = random_below(&random, 10);
        uint64_t largest = 0;
        for (uint64_t value = 0; value < 10; value++) {
            unsigned reached = 0;
            for (unsigned i = 1; i <= count; i++)
                reached += values[i] >= value;
            if (reached > count / 2u)
                largest = value;
        }
        assert_int_equal(quorum_of(count, values), largest);
    }
}

static void test_joint(void **state) {
    (void)state;
    struct raft_configuration joint = {.voter_count = 3,
                                       .voters = {3, 4, 5},
                                       .old_voter_count = 3,
                                       .old_voters = {1, 2, 3},
                                       .learner_count = 1,
                                       .learners = {6}};
    /* Node:                                        1  2  3  4  5  6 */
    assert_int_equal(raft_quorum(&joint, value_of, (uint64_t[]){0, 9, 9, 9, 0, 0, 9}), 0);
    assert_int_equal(raft_quorum(&joint, value_of, (uint64_t[]){0, 0, 0, 9, 9, 9, 9}), 0);
    assert_int_equal(raft_quorum(&joint, value_of, (uint64_t[]){0, 0, 5, 9, 7, 0, 9}), 5);
    assert_int_equal(raft_quorum(&joint, value_of, (uint64_t[]){0, 8, 8, 0, 4, 6, 0}), 4);
}

RUN_TESTS(cmocka_unit_test(test_simple), cmocka_unit_test(test_against_counting),
          cmocka_unit_test(test_joint))
