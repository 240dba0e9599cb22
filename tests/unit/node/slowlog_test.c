/* SLOWLOG: what took long is kept with its words, newest first, of all workers together. */
#include "world.h"

#include "base/memory.h"
#include "wire/request.h"

/* Everything that a disk is waited for takes 1 ms here at the least; nothing else takes time. */
#define EVERYTHING ((const char *const[]){"slowlog-log-slower-than", "0", NULL})
#define SLOW_ONLY  ((const char *const[]){"slowlog-log-slower-than", "1", "shards", "4", NULL})

static struct slowlog_event event_of(uint64_t wall_ms, struct bytes excerpt) {
    return (struct slowlog_event){.wall_ms = wall_ms,
                                  .duration_us = wall_ms * 10,
                                  .client_address = "10.0.0.1:5000",
                                  .client_name = "me",
                                  .excerpt = excerpt};
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
    memset(text, 'a', sizeof(text));
    struct bytes arguments[40] = {BYTES_LITERAL("set"), bytes_of(text, 128), bytes_of(text, 131)};
    size_t length = slowlog_excerpt(&excerpt, arguments, 3);
    assert_int_equal(length, excerpt.length);
    struct slowlog slowlog;
    slowlog_init(&slowlog);
    struct slowlog_event event = event_of(7000, buffer_bytes(&excerpt));
    slowlog_add(&slowlog, &event, 128);
    slowlog_encode(&slowlog, 10, 0, 1, &encoded);
    char expected[1024];
    snprintf(expected, sizeof(expected),
             "*1\r\n*6\r\n:0\r\n:7\r\n:70000\r\n*3\r\n$3\r\nset\r\n$128\r\n%.128s\r\n"
             "$146\r\n%.128s... (3 more bytes)\r\n$13\r\n10.0.0.1:5000\r\n$2\r\nme\r\n",
             text, text);
    expect_reply(buffer_bytes(&encoded), expected);

    for (size_t i = 0; i < 40; i++) {
        arguments[i] = BYTES_LITERAL("x");
    }
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

/* A write waits for the disk, a read of the same pipeline behind it as well; a read alone does not.
 */
/* Is one of the two newest entries of the slow log a command with a trace id? */
static bool is_one_traced(struct client *client) {
    client_ask(client, "SLOWLOG GET 2");
    return strstr(client_take(client), "$5\r\nTRACE\r\n") != NULL;
}

/* What was slow is not traced, what follows it is, but not everything. */
static void test_after_a_slow_command_a_write_is_traced(void **state) {
    (void)state;
    struct world *world = world_new(1, SLOW_ONLY);
    struct client *client = world_connect(world, 0);
    CLIENT_EXPECT(client, "SET k 1\nSET k 2", "+OK\r\n+OK\r\n");
    assert_false(is_one_traced(client)); /* it is to be asked for */
    CLIENT_EXPECT(client, "CONFIG SET trace-after-slow yes", "+OK\r\n");
    CLIENT_EXPECT(client, "SET k 3", "+OK\r\n");
    assert_false(is_one_traced(client)); /* nothing was slow before it */
    CLIENT_EXPECT(client, "GET k\nSET k 4", "$1\r\n3\r\n+OK\r\n");
    assert_true(is_one_traced(client));
    CLIENT_EXPECT(client, "SET k 5\nSET k 6", "+OK\r\n+OK\r\n");
    assert_false(is_one_traced(client)); /* within the same second */
    world_free(world);
}

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
    for (size_t i = 0; i < 5; i++) {
        assert_non_null(strstr(text, in_order[i]));
    }
    assert_null(strstr(text, "secret"));
    assert_null(strstr(text, "AUTH"));
    assert_null(strstr(text, "PING"));
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_excerpts_are_cut_as_redis_cuts_them),
          cmocka_unit_test(test_the_oldest_go_and_workers_are_merged), cmocka_unit_test(test_words),
          cmocka_unit_test(test_after_a_slow_command_a_write_is_traced),
          cmocka_unit_test(test_what_waits_is_kept),
          cmocka_unit_test(test_words_stay_with_their_commands))
