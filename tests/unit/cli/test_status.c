/* TROTHDB STATUS, as bytes, becomes the tables and the object that people and programs read. */
#include "cli/client/status.h"

#include "base/memory.h"
#include "cli/cluster/view_print.h"
#include "cluster/topology.h"

#include <stdio.h>

#include "../unit.h"

#define BULK(n, text) "$" #n "\r\n" text "\r\n"
#define ID_1          BULK(40, "1111111111111111111111111111111100000001")
#define ID_2          BULK(40, "2222222222222222222222222222222200000002")
#define NODE_1                                                                                     \
    "*8\r\n:1\r\n" ID_1 BULK(9, "127.0.0.1") ":7001\r\n:17001\r\n:9001\r\n" BULK(5, "alive")
#define NODE_2                                                                                     \
    "*8\r\n:2\r\n" ID_2 BULK(9, "127.0.0.1") ":7002\r\n:17002\r\n:9002\r\n" BULK(4, "dead")
#define CLUSTER BULK(32, "cccccccccccccccccccccccccccccccc")
#define SHARDS                                                                                     \
    "*2\r\n*3\r\n:0\r\n" BULK(0, "") "*2\r\n:1\r\n:2\r\n"                                          \
                                     "*3\r\n:1\r\n" BULK(7, "0-16383") "*2\r\n:1\r\n:2\r\n"

/* Node 1 leads shard 1 at index 90; node 2, of an older term, still believes that it leads. */
static const char STATUS_1[] = "*9\r\n" BULK(5, "0.1.0") CLUSTER
    ":3\r\n:1\r\n" ID_1 "*2\r\n" NODE_1 BULK(4, "self") NODE_2 BULK(0, "") SHARDS
    "*1\r\n*8\r\n:1\r\n" BULK(6,
                              "leader") ":7\r\n:1\r\n:90\r\n:90\r\n:91\r\n:0\r\n"
                                        "*1\r\n*6\r\n" BULK(32, "11111111111111111111111111111111")
                                            BULK(1, "a") BULK(15, "127.0.0.1:17001")
                                                BULK(5, "alive") BULK(14, "127.0.0.1:7001") CLUSTER;
static const char STATUS_2[] = "*9\r\n" BULK(5, "0.1.0") CLUSTER
    ":3\r\n:2\r\n" ID_2 "*2\r\n" NODE_1 BULK(0, "") NODE_2 BULK(4, "self") SHARDS
    "*1\r\n*8\r\n:1\r\n" BULK(6, "leader") ":6\r\n:2\r\n:88\r\n:88\r\n:88\r\n:0\r\n*0\r\n";

static int decode(const char *bytes, struct status *status) {
    struct response reply;
    size_t consumed;
    assert_int_equal(response_parse(bytes_of_text(bytes), &reply, &consumed), 1);
    assert_int_equal(consumed, strlen(bytes));
    int error = status_decode(status, &reply);
    response_release(&reply);
    return error;
}

/* `second` is what comes from the address of node 2, or NULL. */
static void open_view(struct cluster_view *view, const char *second) {
    *view = (struct cluster_view){.nodes = memory_allocate_zeroed(2, sizeof *view->nodes)};
    assert_int_equal(decode(STATUS_1, &view->asked), 0);
    assert_int_equal(decode(STATUS_1, &view->nodes[0].status), 0);
    if (second)
        assert_int_equal(decode(second, &view->nodes[1].status), 0);
    else
        snprintf(view->nodes[1].problem, CLIENT_PROBLEM_BYTES, "cannot read from it");
    cluster_view_find_leads(view);
}

static void the_reply_is_understood(void **state) {
    (void)state;
    struct status status;
    assert_int_equal(decode(STATUS_1, &status), 0);
    assert_string_equal(status.version, "0.1.0");
    assert_int_equal(status.epoch, 3);
    assert_int_equal(status.node_count, 2);
    assert_true(status.nodes[0].is_self);
    assert_false(status.nodes[1].is_self);
    assert_string_equal(status.nodes[1].state, "dead");
    assert_int_equal(status.nodes[1].address.admin_port, 9002);
    assert_string_equal(status.shards[1].slots, "0-16383");
    assert_int_equal(status.shards[1].replicas[1], 2);
    assert_int_equal(status_replica(&status, 1)->last_index, 91);
    assert_null(status_replica(&status, 0));
    assert_string_equal(status.members[0].client, "127.0.0.1:7001");
    status_release(&status);
}

/* A new replica on node 4 stood still, and is tried again. */
static void who_was_given_up_is_told(void **state) {
    (void)state;
    struct status status;
    assert_int_equal(
        decode(
            "*9\r\n" BULK(5, "0.1.0") CLUSTER ":3\r\n:1\r\n" ID_1 "*2\r\n" NODE_1 BULK(4, "self")
                NODE_2 BULK(0, "") SHARDS
            "*1\r\n*15\r\n:1\r\n" BULK(
                6,
                "leader") ":7\r\n:1\r\n:90\r\n:90\r\n:91\r\n:0\r\n:1\r\n:5\r\n:0\r\n:7\r\n:99\r\n"
                          ":4\r\n" BULK(13, "it is silent!") "*0\r\n",
            &status),
        0);
    assert_int_equal(status_replica(&status, 1)->learner_index, 5);
    assert_int_equal(status_replica(&status, 1)->given_up, 4);
    assert_string_equal(status_replica(&status, 1)->give_up_text, "it is silent!");
    status_release(&status);
}

/* Gossip remembers a node that was removed; the topology says that it was. A release before says
 * nothing of it. */
static void who_was_removed_is_told(void **state) {
    (void)state;
    struct status status;
    assert_int_equal(
        decode("*9\r\n" BULK(5, "0.1.0") CLUSTER
               ":3\r\n:1\r\n" ID_1 "*0\r\n*0\r\n*0\r\n*2\r\n"
               "*8\r\n" BULK(32, "11111111111111111111111111111111") BULK(1, "a") BULK(
                   15, "127.0.0.1:17001") BULK(4, "dead") BULK(14, "127.0.0.1:7001")
                   CLUSTER BULK(0, "") ":4\r\n"
                                       "*7\r\n" BULK(32, "22222222222222222222222222222222")
                                           BULK(1, "b") BULK(15, "127.0.0.1:17002") BULK(4, "dead")
                                               BULK(14, "127.0.0.1:7002") CLUSTER BULK(0, ""),
               &status),
        0);
    assert_int_equal(status_member(&status, "11111111111111111111111111111111")->removed, 4);
    assert_int_equal(status_member(&status, "22222222222222222222222222222222")->removed, 0);
    assert_null(status_member(&status, "33333333333333333333333333333333"));
    status_release(&status);
}

static void a_spare_tells_its_address_as_a_member(void **state) {
    (void)state;
    struct status status;
    struct topology_address address;
    assert_int_equal(decode("*9\r\n" BULK(5, "0.1.0") BULK(
                                0, "") ":0\r\n:0\r\n" ID_1 "*0\r\n*0\r\n*0\r\n"
                                       "*1\r\n*6\r\n" BULK(32, "11111111111111111111111111111111")
                                           BULK(1, "a") BULK(15, "127.0.0.1:17001") BULK(5, "alive")
                                               BULK(14, "127.0.0.1:7001") BULK(0, ""),
                            &status),
                     0);
    assert_true(status_own_address(&status, &address));
    assert_string_equal(address.host, "127.0.0.1");
    assert_int_equal(address.client_port, 7001);
    assert_int_equal(address.peer_port, 17001);
    assert_int_equal(address.admin_port, 9001);
    status_release(&status);
}

static void what_is_not_a_status_is_refused(void **state) {
    (void)state;
    struct status status;
    assert_int_equal(decode("+OK\r\n", &status), ERR_MALFORMED);
    assert_int_equal(decode("*0\r\n", &status), ERR_MALFORMED);
    assert_int_equal(decode("*3\r\n:1\r\n:2\r\n:3\r\n", &status), ERR_MALFORMED);
    assert_int_equal(decode("*9\r\n" BULK(5, "0.1.0") CLUSTER ":3\r\n:1\r\n" ID_1
                                                              "*1\r\n:1\r\n*0\r\n*0\r\n*0\r\n",
                            &status),
                     ERR_MALFORMED);
}

static void the_higher_term_leads(void **state) {
    (void)state;
    struct cluster_view view;
    open_view(&view, STATUS_2);
    assert_int_equal(cluster_view_leader(&view, 1)->term, 7);
    assert_null(cluster_view_leader(&view, 0));
    struct buffer out;
    buffer_init(&out, 65536);
    view_print_tables(&view, &out);
    buffer_append_u8(&out, '\0');
    assert_string_equal(
        (const char *)buffer_data(&out),
        "cluster cccccccccccccccccccccccccccccccc   epoch 3   version 0.1.0\n\n"
        "node   id         clients at       gossip says   answers   leads\n"
        "   1   11111111   127.0.0.1:7001   alive         yes           1\n"
        "   2   22222222   127.0.0.1:7002   dead          yes           0\n\n"
        "shard   slots          leader   term   applied   followers:entries behind\n"
        "    0   the topology     none      -         -   1:?  2:?\n"
        "    1   0-16383             1      7        90   2:2\n");
    buffer_release(&out);
    cluster_view_release(&view);
}

static void a_node_that_does_not_answer_is_shown_as_such(void **state) {
    (void)state;
    struct cluster_view view;
    open_view(&view, NULL);
    struct buffer out;
    buffer_init(&out, 65536);
    view_print_json(&view, &out);
    buffer_append_u8(&out, '\0');
    const char *text = (const char *)buffer_data(&out);
    assert_non_null(strstr(text, "\"gossip_state\":\"dead\",\"reachable\":false,"
                                 "\"problem\":\"cannot read from it\",\"shards_led\":0}"));
    assert_non_null(strstr(text, "{\"node\":2,\"role\":\"unknown\",\"lag_entries\":null}"));
    assert_non_null(strstr(text, "\"number\":1,\"slots\":\"0-16383\",\"leader\":1,"));
    assert_non_null(strstr(text, "\"number\":0,\"slots\":\"\",\"leader\":null,"));
    buffer_release(&out);
    cluster_view_release(&view);
}

/* A node that is left and does not know who was given up would go on with it: it is waited for. */
static void who_has_not_heard_who_was_given_up_is_counted(void **state) {
    (void)state;
    struct cluster_view view;
    open_view(&view, STATUS_2);
    view.asked.epoch = view.nodes[0].status.epoch = TOPOLOGY_EPOCH_RECOVERY + 9;
    assert_int_equal(cluster_view_count_unaware(&view), 1);
    view.nodes[1].status.epoch = TOPOLOGY_EPOCH_RECOVERY + 3;
    assert_int_equal(cluster_view_count_unaware(&view), 0);
    cluster_view_release(&view);
    open_view(&view, NULL);
    assert_int_equal(cluster_view_count_unaware(&view), 1);
    cluster_view_release(&view);
}

static void expect_in_tables(const char *second, const char *expected) {
    struct cluster_view view;
    struct buffer out;
    open_view(&view, second);
    buffer_init(&out, 65536);
    view_print_tables(&view, &out);
    buffer_append_u8(&out, '\0');
    assert_non_null(strstr((const char *)buffer_data(&out), expected));
    buffer_release(&out);
    cluster_view_release(&view);
}

/* What sits at the address of a node may be another one, of this cluster or of none. */
static void only_the_node_itself_answers_for_it(void **state) {
    (void)state;
    static const char nodes_end[] = "  no            0\nnode 2 does not answer: ";
    char expected[128];
    snprintf(expected, sizeof expected, "%scannot read from it\n\nshard", nodes_end);
    expect_in_tables(NULL, expected);
    snprintf(expected, sizeof expected, "%sanother node answers at its address\n\nshard",
             nodes_end);
    expect_in_tables(STATUS_1, expected);
    expect_in_tables("*9\r\n" BULK(5, "0.1.0") BULK(0, "") ":0\r\n:0\r\n" ID_2
                                                           "*0\r\n*0\r\n*0\r\n*0\r\n",
                     expected);
}

RUN_TESTS(cmocka_unit_test(the_reply_is_understood), cmocka_unit_test(who_was_given_up_is_told),
          cmocka_unit_test(who_was_removed_is_told),
          cmocka_unit_test(a_spare_tells_its_address_as_a_member),
          cmocka_unit_test(what_is_not_a_status_is_refused),
          cmocka_unit_test(the_higher_term_leads),
          cmocka_unit_test(who_has_not_heard_who_was_given_up_is_counted),
          cmocka_unit_test(only_the_node_itself_answers_for_it),
          cmocka_unit_test(a_node_that_does_not_answer_is_shown_as_such))
