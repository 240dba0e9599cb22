/* SLOWLOG: what took long is kept with its words, newest first, of all workers together. */
#include "world.h"

#include <stdio.h>

#include "session/client/slowlog.h"
#include "worker/worker.h"

/* Everything that a disk is waited for takes 1 ms here at the least; nothing else takes time. */
#define EVERYTHING                                                                                 \
    ((const char *const[]){"slowlog-log-slower-than", "0", "trace-after-slow", "no", NULL})
#define SLOW_ONLY                                                                                  \
    ((const char *const[]){"slowlog-log-slower-than", "1", "shards", "4", "trace-after-slow",      \
                           "no", NULL})

static struct slowlog_event event_of(uint64_t wall_ms, struct bytes excerpt) {
    return (struct slowlog_event){.wall_ms = wall_ms,
                                  .duration_us = wall_ms * 10,
                                  .client_address = "10.0.0.1:5000",
                                  .client_name = "me",
                                  .excerpt = excerpt,
                                  .trace = ""};
}

static void expect_reply(struct bytes encoded, const char *expected) {
    struct buffer out;
    buffer_init(&out, SIZE_MAX);
    struct reply reply = {.out = &out, .protocol = 2};
    slowlog_reply(encoded, &reply);
    buffer_append_u8(&out, 0);
    assert_string_equal((const char *)buffer_data(&out), expected);
    buffer_release(&out);
}

static void test_excerpts_are_cut_as_redis_cuts_them(void **state) {
    (void)state;
    struct buffer excerpt, encoded;
    buffer_init(&excerpt, SLOWLOG_EXCERPTS_BYTES_MAXIMUM);
    buffer_init(&encoded, SIZE_MAX);
    char text[131];
    memset(text, 'a', sizeof text);
    struct bytes arguments[40] = {BYTES_LITERAL("set"), bytes_of(text, 128), bytes_of(text, 131)};
    size_t length = slowlog_excerpt(&excerpt, arguments, 3);
    assert_int_equal(length, excerpt.length);
    struct slowlog slowlog;
    slowlog_init(&slowlog);
    struct slowlog_event event = event_of(7000, buffer_bytes(&excerpt));
    slowlog_add(&slowlog, &event, 128);
    slowlog_encode(&slowlog, 10, 0, 1, &encoded);
    char expected[1024];
    snprintf(expected, sizeof expected,
             "*1\r\n*6\r\n:0\r\n:7\r\n:70000\r\n*3\r\n$3\r\nset\r\n$128\r\n%.128s\r\n"
             "$146\r\n%.128s... (3 more bytes)\r\n$13\r\n10.0.0.1:5000\r\n$2\r\nme\r\n",
             text, text);
    expect_reply(buffer_bytes(&encoded), expected);

    for (size_t i = 0; i < 40; i++)
        arguments[i] = BYTES_LITERAL("x");
    buffer_clear(&excerpt);
    slowlog_excerpt(&excerpt, arguments, 32);
    assert_int_equal(excerpt.length, 1 + 32 * 2);
    buffer_clear(&excerpt);
    slowlog_excerpt(&excerpt, arguments, 40);
    assert_int_equal(buffer_data(&excerpt)[0], 32);
    assert_memory_equal(buffer_data(&excerpt) + 1 + 31 * 2, "\x16... (9 more arguments)", 23);
    slowlog_release(&slowlog);
    buffer_release(&excerpt);
    buffer_release(&encoded);
}

static void test_the_oldest_go_and_workers_are_merged(void **state) {
    (void)state;
    struct slowlog one, two;
    slowlog_init(&one);
    slowlog_init(&two);
    for (uint64_t i = 1; i <= 4; i++) {
        struct slowlog_event event = event_of(i * 2000, BYTES_NONE);
        slowlog_add(&one, &event, 2);
    }
    struct slowlog_event event = event_of(7000, BYTES_NONE);
    slowlog_add(&two, &event, 2);
    assert_int_equal(slowlog_count(&one), 2);
    struct buffer encoded;
    buffer_init(&encoded, SIZE_MAX);
    slowlog_encode(&one, 2, 0, 2, &encoded);
    slowlog_encode(&two, 2, 1, 2, &encoded);
#define REST "*0\r\n$13\r\n10.0.0.1:5000\r\n$2\r\nme\r\n"
    expect_reply(buffer_bytes(&encoded),
                 "*2\r\n*6\r\n:6\r\n:8\r\n:80000\r\n" REST "*6\r\n:1\r\n:7\r\n:70000\r\n" REST);
    buffer_release(&encoded);
    slowlog_release(&one);
    slowlog_release(&two);
}

static void test_words(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    CLIENT_EXPECT(client, "SLOWLOG LEN\nSLOWLOG GET\nSLOWLOG RESET", ":0\r\n*0\r\n+OK\r\n");
    CLIENT_EXPECT(client, "SLOWLOG GET x\nSLOWLOG GET -2\nSLOWLOG GET 1 2\nSLOWLOG foo\nSLOWLOG",
                  "-ERR count should be greater than or equal to -1\r\n"
                  "-ERR count should be greater than or equal to -1\r\n"
                  "-ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG "
                  "HELP.\r\n"
                  "-ERR unknown subcommand 'foo'. Try SLOWLOG HELP.\r\n"
                  "-ERR wrong number of arguments for 'slowlog' command\r\n");
    CLIENT_EXPECT(client, "CONFIG GET slowlog-*",
                  "*4\r\n$23\r\nslowlog-log-slower-than\r\n$5\r\n10000\r\n"
                  "$15\r\nslowlog-max-len\r\n$3\r\n128\r\n");
    world_free(world);
}

/* The id of the trace that the newest entry of the slow log about the key k names; empty: none. */
static const char *newest_trace(struct client *client) {
    static char id[TRACE_ID_BYTES];
    client_ask(client, "SLOWLOG GET -1");
    const char *entry = strstr(client_take(client), "\r\n$1\r\nk\r\n");
    assert_non_null(entry);
    const char *next = strstr(entry, "*6\r\n"), *note = strstr(entry, "... (trace ");
    bool is_traced = note && (!next || note < next);
    snprintf(id, sizeof id, "%.16s", is_traced ? note + strlen("... (trace ") : "");
    return id;
}

/* Also where the session is on one worker and the shard on another. */
static void expect_slow_write_traced(unsigned workers) {
    static const char *const settings[] = {"slowlog-log-slower-than", "1", "shards", "4", NULL};
    struct world *world = world_new(workers, settings);
    for (unsigned i = 0; i < workers; i++) {
        struct client *client = world_connect(world, i);
        CLIENT_EXPECT(client, "SLOWLOG RESET\nSET k 1", "+OK\r\n+OK\r\n");
        char first[TRACE_ID_BYTES];
        strcpy(first, newest_trace(client));
        assert_int_equal(strlen(first), 16);
        CLIENT_EXPECT(client, "INCR k", ":2\r\n");
        assert_int_equal(strlen(newest_trace(client)), 16);
        assert_string_not_equal(newest_trace(client), first);
        CLIENT_EXPECT(client, "CONFIG SET trace-after-slow no\nSET k 1", "+OK\r\n+OK\r\n");
        assert_string_equal(newest_trace(client), "");
        CLIENT_EXPECT(client, "CONFIG SET trace-after-slow yes", "+OK\r\n");
    }
    world_free(world);
}

static void test_a_slow_write_is_traced_afterwards(void **state) {
    (void)state;
    expect_slow_write_traced(1);
    expect_slow_write_traced(2);
}

/* Is the newest entry of the slow log about this command, and has it a trace? */
static bool is_newest_traced(struct client *client, const char *words) {
    client_ask(client, "SLOWLOG GET 1");
    const char *text = strstr(client_take(client), words);
    assert_non_null(text);
    return strstr(text, "... (trace ") != NULL;
}

/* What stands in no log of its own: a read by lease, what goes to every shard. Each has an id of
 * its own, on whichever worker its shards are; what no shard answers has none. */
static void test_slow_reads_are_traced_too(void **state) {
    (void)state;
    static const char *const settings[] = {"slowlog-log-slower-than", "0", "shards", "4", NULL};
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct world *world = world_new(workers, settings);
        struct client *client = world_connect(world, workers - 1);
        world_pass_ms(world, 60 * 1000); /* by then it may trace a burst */
        client_ask(client, "SET k 1");
        for (unsigned i = 0; i < 2; i++) {
            client_ask(client, "GET k");
            assert_true(is_newest_traced(client, "$3\r\nGET\r\n$1\r\nk\r\n"));
        }
        client_ask(client, "DBSIZE");
        assert_true(is_newest_traced(client, "$6\r\nDBSIZE\r\n"));
        client_ask(client, "KEYS *");
        assert_true(is_newest_traced(client, "$4\r\nKEYS\r\n"));
        client_ask(client, "SCAN 0");
        assert_true(is_newest_traced(client, "$4\r\nSCAN\r\n"));
        client_ask(client, "FLUSHALL");
        assert_true(is_newest_traced(client, "$8\r\nFLUSHALL\r\n"));
        client_ask(client, "CONFIG RESETSTAT");
        assert_false(is_newest_traced(client, "$9\r\nRESETSTAT\r\n"));
        world_free(world);
    }
}

/* What was refused before it ran took no time of anybody's. */
static void test_refusals_are_not_kept(void **state) {
    (void)state;
    static const char *const settings[] = {"slowlog-log-slower-than", "0",  "shards", "4",
                                           "trace-after-slow",        "no", NULL};
    struct world *world = world_new(1, settings);
    struct client *client = world_connect(world, 0);
    client_ask(client, "SLOWLOG RESET\nMGET a b\nTROTHDB WITH never SET a 1\nSELECT 1\nGET a");
    client_take(client);
    client_ask(client, "SLOWLOG GET");
    const char *text = client_take(client);
    assert_non_null(strstr(text, "$3\r\nGET\r\n$1\r\na\r\n"));
    assert_non_null(strstr(text, "$7\r\nSLOWLOG\r\n"));
    assert_null(strstr(text, "MGET"));
    assert_null(strstr(text, "WITH"));
    client_ask(client, "LATENCY HISTOGRAM mget");
    assert_string_equal(client_take(client), "*0\r\n");
    world_free(world);
}

/* Commands of one entry share its trace; who asked for an id of his own keeps that. A read
 * behind writes stands in the log with them. */
static void test_one_trace_an_entry(void **state) {
    (void)state;
    static const char *const settings[] = {"slowlog-log-slower-than", "1", NULL};
    struct world *world = world_new(1, settings);
    struct client *client = world_connect(world, 0);
    CLIENT_EXPECT(client, "SET k 1\nSET k 2\nTROTHDB TRACE mine SET k 3\nGET k",
                  "+OK\r\n+OK\r\n+OK\r\n$1\r\n3\r\n");
    client_ask(client, "SLOWLOG GET");
    const char *text = client_take(client);
    const char *get = strstr(text, "*3\r\n$3\r\nGET\r\n");
    assert_non_null(get);
    const char *mine = strstr(get, "*6\r\n$7\r\nTROTHDB\r\n$5\r\nTRACE\r\n");
    assert_non_null(mine);
    const char *read = strstr(get, "... (trace "), *second = strstr(mine, "... (trace ");
    assert_true(read && second && read < mine);
    const char *first = strstr(second + 1, "... (trace ");
    assert_non_null(first);
    assert_memory_equal(first, second, strlen("... (trace ") + 16);
    assert_memory_equal(first, read, strlen("... (trace ") + 16);
    assert_null(strstr(first + 1, "... (trace "));
    world_free(world);
}

/* Ids stand in entries that a node of an older release could not read: while the cluster may have
 * one, nobody's does. */
static void test_no_id_before_all_nodes_can_read_it(void **state) {
    (void)state;
    static const char *const settings[] = {
        "trace-one-in", "1", "slowlog-log-slower-than", "0", "feature-level-maximum", "0", NULL};
    struct world *world = world_new(1, settings);
    struct client *client = world_connect(world, 0);
    world_pass_ms(world, 1000);
    client_ask(client, "TROTHDB TRACE mine SET k 1");
    assert_non_null(strstr(client_take(client), "-ERR not all nodes of the cluster can read"));
    CLIENT_EXPECT(client, "EXISTS k\nSET k 2", ":0\r\n+OK\r\n");
    client_ask(client, "SLOWLOG GET -1");
    assert_null(strstr(client_take(client), "$5\r\nTRACE\r\n$16"));
    world_free(world);
}

/* Where everything is slow, a burst is traced, and then one a second. */
static void test_traces_are_bounded_in_rate(void **state) {
    (void)state;
    static const char *const settings[] = {"slowlog-log-slower-than", "1", NULL};
    struct world *world = world_new(1, settings);
    struct client *client = world_connect(world, 0);
    world_pass_ms(world, 60 * 1000);
    uint64_t begun_us = worker_now_us(world_worker(world, 0));
    unsigned traced = 0;
    for (unsigned i = 0; i < 100; i++) {
        CLIENT_EXPECT(client, "SET k 1", "+OK\r\n");
        traced += newest_trace(client)[0] != '\0';
    }
    uint64_t seconds = (worker_now_us(world_worker(world, 0)) - begun_us) / 1000000;
    assert_in_range(seconds, 0, 60);
    assert_in_range(traced, 31 + seconds, 33 + seconds);
    assert_string_equal(newest_trace(client), "");
    world_pass_ms(world, 1000);
    CLIENT_EXPECT(client, "SET k 1", "+OK\r\n");
    assert_string_not_equal(newest_trace(client), "");
    world_free(world);
}

/* A write waits for the disk, a read of the same pipeline behind it as well; a read alone does not.
 */
static void test_what_waits_is_kept(void **state) {
    (void)state;
    struct world *world = world_new(2, SLOW_ONLY);
    struct client *one = world_connect(world, 0), *two = world_connect(world, 1);
    CLIENT_EXPECT(one, "CLIENT SETNAME me\nGET k\nSLOWLOG LEN", "+OK\r\n$-1\r\n:0\r\n");
    CLIENT_EXPECT(one, "SET k 1\nINCR k", "+OK\r\n:2\r\n");
    CLIENT_EXPECT(two, "SET j 1", "+OK\r\n");
    client_ask(one, "SLOWLOG GET");
    const char *text = client_take(one);
    assert_int_equal(strncmp(text, "*4\r\n*6\r\n", 8), 0);
    const char *last =
        strstr(text, "*3\r\n$3\r\nSET\r\n$1\r\nj\r\n$1\r\n1\r\n$13\r\n10.0.0.2:5000\r\n$0\r\n\r\n");
    const char *middle =
        strstr(text, "*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n$13\r\n10.0.0.1:5000\r\n$2\r\nme\r\n");
    const char *first =
        strstr(text, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n1\r\n$13\r\n10.0.0.1:5000\r\n");
    assert_true(last && middle && first && last < middle && middle < first);
    CLIENT_EXPECT(two, "SLOWLOG LEN", ":5\r\n"); /* asking the other worker takes 1 ms, too */
    client_ask(two, "SLOWLOG GET 1");
    assert_int_equal(strncmp(client_take(two), "*1\r\n*6\r\n", 8), 0);
    CLIENT_EXPECT(two, "CONFIG SET slowlog-max-len 1", "+OK\r\n");
    CLIENT_EXPECT(one, "SLOWLOG LEN\nSLOWLOG RESET\nSLOWLOG LEN", ":1\r\n+OK\r\n:0\r\n");
    CLIENT_EXPECT(one, "CONFIG SET slowlog-log-slower-than -1\nSLOWLOG RESET\nSET k 3\nSLOWLOG LEN",
                  "+OK\r\n+OK\r\n+OK\r\n:0\r\n");
    world_free(world);
}

/* Many in flight, answered out of order, some taken back: each entry has its own words. */
static void test_words_stay_with_their_commands(void **state) {
    (void)state;
    struct world *world = world_new(1, EVERYTHING);
    struct client *client = world_connect(world, 0);
    CLIENT_EXPECT(client, "CONFIG SET requirepass secret", "+OK\r\n");
    client_ask(client, "AUTH secret\nSET a 1\nPING\nGET a\nMSET b 2 {b} 3\nDBSIZE\nSET c 4\nDEL a");
    client_take(client);
    client_ask(client, "SLOWLOG GET -1");
    const char *text = client_take(client);
    static const char *const in_order[] = {
        "*2\r\n$3\r\nDEL\r\n$1\r\na\r\n", "*3\r\n$3\r\nSET\r\n$1\r\nc\r\n$1\r\n4\r\n",
        "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n",
        "*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n$10\r\n(redacted)\r\n"};
    for (size_t i = 0; i < 5; i++)
        assert_non_null(strstr(text, in_order[i]));
    assert_null(strstr(text, "secret"));
    assert_null(strstr(text, "AUTH"));
    assert_null(strstr(text, "PING"));
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_excerpts_are_cut_as_redis_cuts_them),
          cmocka_unit_test(test_the_oldest_go_and_workers_are_merged), cmocka_unit_test(test_words),
          cmocka_unit_test(test_a_slow_write_is_traced_afterwards),
          cmocka_unit_test(test_slow_reads_are_traced_too),
          cmocka_unit_test(test_refusals_are_not_kept), cmocka_unit_test(test_one_trace_an_entry),
          cmocka_unit_test(test_no_id_before_all_nodes_can_read_it),
          cmocka_unit_test(test_traces_are_bounded_in_rate),
          cmocka_unit_test(test_what_waits_is_kept),
          cmocka_unit_test(test_words_stay_with_their_commands))
