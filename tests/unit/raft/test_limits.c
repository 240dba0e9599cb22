/* What waits in a replica is bounded: one more is refused, and those that wait are none the worse.
 */
#include "../unit.h"

#include "cluster.h"

#include "raft/state/read_queue.h"
#include "raft/state/standing.h"

static const struct raft_timing timing = {.election_timeout_us = 250000,
                                          .lease_us = 250000,
                                          .heartbeat_us = 50000,
                                          .clock_drift_percent = 20,
                                          .window_bytes = 1 << 20,
                                          .window_messages = 8,
                                          .message_bytes = 1 << 20};

struct answers {
    size_t given, refused;
};

static void answers_count(void *context, struct cluster_node *node,
                          const struct raft_actions *actions) {
    (void)node;
    struct answers *answers = context;
    for (size_t i = 0; i < actions->read_count; i++)
        *(actions->reads[i].is_refused ? &answers->refused : &answers->given) += 1;
}

/* Three nodes; node 1 leads, and its lease is over. */
static struct cluster *led_cluster(struct answers *answers) {
    struct raft_configuration configuration = {.voter_count = 3, .voters = {1, 2, 3}};
    struct cluster *cluster = cluster_new(3, &timing, &configuration, 1, NULL);
    cluster->now_us += 600000;
    cluster_step(cluster, cluster_node(cluster, 1), (struct raft_event){.kind = RAFT_TICK});
    cluster_settle(cluster);
    assert_int_equal(raft_role(cluster_node(cluster, 1)->raft), RAFT_LEADER);
    cluster->now_us += 240000;
    cluster->watch = answers_count;
    cluster->context = answers;
    return cluster;
}

static void reads_ask(struct cluster *cluster, raft_node_number node, size_t count) {
    for (size_t i = 0; i < count; i++)
        cluster_step(cluster, cluster_node(cluster, node),
                     (struct raft_event){.kind = RAFT_READ, .read_id = i});
}

/* As many as may wait are not refused, and each one more is. */
static void reads_ask_too_many(struct cluster *cluster, raft_node_number node,
                               const struct answers *answers) {
    reads_ask(cluster, node, RAFT_READ_MAXIMUM);
    assert_int_equal(answers->refused, 0);
    reads_ask(cluster, node, 3);
    assert_int_equal(answers->refused, 3);
}

static void test_reads_that_wait_for_a_round(void **state) {
    (void)state;
    struct answers answers = {0};
    struct cluster *cluster = led_cluster(&answers);
    reads_ask_too_many(cluster, 1, &answers);
    cluster_settle(cluster);
    assert_int_equal(answers.given, RAFT_READ_MAXIMUM);
    cluster_free(cluster);
}

static void test_reads_that_a_follower_asks_the_leader(void **state) {
    (void)state;
    struct answers answers = {0};
    struct cluster *cluster = led_cluster(&answers);
    reads_ask_too_many(cluster, 3, &answers);
    cluster_free(cluster);
}

/* A standing is a hint: past the limit nobody is remembered, and whoever is remembered stays so. */
static void test_standings_of_many_nodes(void **state) {
    (void)state;
    struct answers answers = {0};
    struct cluster *cluster = led_cluster(&answers);
    for (raft_node_number node = 1; node <= 4 * RAFT_MEMBER_MAXIMUM; node++)
        cluster_step(
            cluster, cluster_node(cluster, 2),
            (struct raft_event){.kind = RAFT_STANDING, .peer = node, .standing = RAFT_LEAVING});
    const struct raft *raft = cluster_node(cluster, 2)->raft;
    assert_int_equal(raft_standing_of(raft, RAFT_MEMBER_MAXIMUM), RAFT_LEAVING);
    assert_int_equal(raft_standing_of(raft, RAFT_MEMBER_MAXIMUM + 1), RAFT_WILLING);
    assert_int_equal(raft->stander_count, RAFT_MEMBER_MAXIMUM);
    cluster_free(cluster);
}

/* Who is willing again leaves its place to others. */
static void test_standings_that_come_and_go(void **state) {
    (void)state;
    struct answers answers = {0};
    struct cluster *cluster = led_cluster(&answers);
    struct cluster_node *node = cluster_node(cluster, 2);
    struct raft_event event = {.kind = RAFT_STANDING};
    for (event.peer = 1; event.peer <= 2 * RAFT_MEMBER_MAXIMUM; event.peer++) {
        event.standing = RAFT_WILLING;
        cluster_step(cluster, node, event); /* whom nobody called anything else */
        event.standing = RAFT_LEAVING;
        cluster_step(cluster, node, event);
        assert_int_equal(raft_standing_of(node->raft, event.peer), RAFT_LEAVING);
        event.standing = RAFT_WILLING;
        cluster_step(cluster, node, event);
        assert_int_equal(node->raft->stander_count, 0);
    }
    cluster_free(cluster);
}

/* Of a vote that comes again and again, or from who does not vote, nothing is kept: there is room
 * for as many as there can be voters. */
static void test_votes_that_come_again(void **state) {
    (void)state;
    struct raft_configuration configuration = {.voter_count = 5, .voters = {1, 2, 3, 4, 5}};
    struct cluster *cluster = cluster_new(6, &timing, &configuration, 1, NULL);
    struct cluster_node *node = cluster_node(cluster, 1);
    cluster->now_us += 600000;
    cluster_step(cluster, node, (struct raft_event){.kind = RAFT_TICK});
    struct raft_message granted = {
        .kind = RAFT_PRE_VOTE_REPLY, .to = 1, .term = raft_current_term(node->raft) + 1};
    for (unsigned i = 0; i < 4 * RAFT_MEMBER_MAXIMUM; i++) {
        granted.from = i % 2 ? 2 : 6;
        cluster_step(cluster, node, (struct raft_event){.kind = RAFT_MESSAGE, .message = &granted});
    }
    assert_int_equal(raft_role(node->raft), RAFT_PRE_CANDIDATE);
    assert_int_equal(node->raft->granted_count, 2); /* its own, and one */
    cluster_free(cluster);
}

static void error_note(void *context, struct cluster_node *node,
                       const struct raft_actions *actions) {
    (void)node;
    *(int *)context = actions->proposal_error;
}

/* What can be wished for are voters, each a node and named once, as many as there is room for. */
static void test_wishes_that_cannot_be(void **state) {
    (void)state;
    const struct {
        struct raft_configuration wanted;
        int error;
    } wishes[] = {
        {{.voter_count = 0}, ERR_INVALID},
        {{.voter_count = 2, .voters = {1, 1}}, ERR_INVALID},
        {{.voter_count = 2, .voters = {1, 0}}, ERR_INVALID},
        {{.voter_count = RAFT_VOTER_MAXIMUM + 1,
          .voters = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
          .old_voters = {17}},
         ERR_INVALID},
        {{.voter_count = 2, .voters = {1, 2}, .old_voter_count = 1, .old_voters = {3}},
         ERR_INVALID},
        {{.voter_count = 2, .voters = {1, 2}, .learner_count = 1, .learners = {3}}, ERR_INVALID},
        {{.voter_count = RAFT_VOTER_MAXIMUM,
          .voters = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
         0}};
    struct answers answers = {0};
    struct cluster *cluster = led_cluster(&answers);
    int error = 0;
    cluster->watch = error_note;
    cluster->context = &error;
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        cluster_step(cluster, cluster_node(cluster, 1),
                     (struct raft_event){.kind = RAFT_CHANGE, .configuration = &wishes[i].wanted});
        assert_int_equal(error, wishes[i].error);
    }
    cluster_free(cluster);
}

/* Who goes on alone goes on alone: not with somebody else, and not as somebody else. */
static void test_recoveries_that_cannot_be(void **state) {
    (void)state;
    const struct raft_configuration wishes[] = {{.voter_count = 2, .voters = {2, 3}},
                                                {.voter_count = 1, .voters = {3}},
                                                {.voter_count = 1, .voters = {2}}};
    struct raft_configuration configuration = {.voter_count = 3, .voters = {1, 2, 3}};
    struct cluster *cluster = cluster_new(3, &timing, &configuration, 1, NULL);
    int error = 0;
    cluster->watch = error_note;
    cluster->context = &error;
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        cluster_step(cluster, cluster_node(cluster, 2),
                     (struct raft_event){.kind = RAFT_RECOVER, .configuration = &wishes[i]});
        assert_int_equal(error, i < 2 ? ERR_INVALID : 0);
    }
    cluster_free(cluster);
}

RUN_TESTS(cmocka_unit_test(test_reads_that_wait_for_a_round),
          cmocka_unit_test(test_votes_that_come_again),
          cmocka_unit_test(test_reads_that_a_follower_asks_the_leader),
          cmocka_unit_test(test_standings_of_many_nodes),
          cmocka_unit_test(test_standings_that_come_and_go),
          cmocka_unit_test(test_wishes_that_cannot_be),
          cmocka_unit_test(test_recoveries_that_cannot_be))
