/* maxmemory: what needs memory is refused past it, and nothing else is. */
#include "world.h"

#include "session/sessions.h"
#include "worker/node_shared.h"
#include "worker/worker.h"

enum { PIECE_BYTES = 100000, TICK_MS = 100 };
#define OOM "-OOM command not allowed when used memory > 'maxmemory'.\r\n"

static void send_set(struct client *client, const char *key) {
    struct buffer command;
    buffer_init(&command, 2 * PIECE_BYTES);
    buffer_append_format(&command, "*3\r\n$3\r\nSET\r\n$%zu\r\n%s\r\n$%d\r\n", strlen(key), key,
                         PIECE_BYTES);
    for (unsigned i = 0; i < PIECE_BYTES; i++)
        buffer_append_u8(&command, 'x');
    buffer_append_text(&command, "\r\n");
    client_send(client, buffer_bytes(&command));
    buffer_release(&command);
}

static void set(struct world *world, struct client *client, const char *key) {
    send_set(client, key);
    world_settle(world);
}

/* The node has more than it may, and knows it. */
static struct world *world_past_its_limit(struct client **client) {
    struct world *world = world_new(1, (const char *const[]){"maxmemory", "50kb", NULL});
    *client = world_connect(world, 0);
    CLIENT_EXPECT(*client, "SET n 1", "+OK\r\n");
    set(world, *client, "k");
    assert_string_equal(client_take(*client), "+OK\r\n");
    world_pass_ms(world, TICK_MS);
    return world;
}

static void test_what_needs_memory_is_refused(void **state) {
    (void)state;
    struct client *client;
    struct world *world = world_past_its_limit(&client);
    static const char *const needs[] = {"SET k v",    "APPEND k v", "INCR n",
                                        "HSET h f v", "MSET k v",   "TROTHDB WITH async SET k v"};
    static const char *const needs_none[] = {"STRLEN k", "EXPIRE k 100", "DEL k"};
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        CLIENT_EXPECT(client, needs[i], OOM);
    CLIENT_EXPECT(client, needs_none[0], ":100000\r\n");
    for (size_t i = 1; i < sizeof needs_none / sizeof *needs_none; i++)
        CLIENT_EXPECT(client, needs_none[i], ":1\r\n");
    world_pass_ms(world, TICK_MS);
    CLIENT_EXPECT(client, "INCR n", ":2\r\n");
    world_free(world);
}

static void expect_info(struct client *client, const char *line) {
    client_ask(client, "INFO everything");
    assert_non_null(strstr(client_take(client), line));
}

/* INFO, the metrics, and who asks whether the node is ready. */
static void test_it_is_told(void **state) {
    (void)state;
    struct client *client;
    struct world *world = world_past_its_limit(&client);
    struct worker *worker = world_worker(world, 0);
    struct buffer reason;
    buffer_init(&reason, 1024);
    CLIENT_EXPECT(client, "SET k v", OOM);
    expect_info(client, "maxmemory:51200\r\nmaxmemory_human:50.00K\r\n");
    expect_info(client, "errorstat_OOM:count=1\r\n");
    assert_int_equal(metric_value(metrics_cell(worker->metrics, METRIC_memory_limit_bytes, NULL)),
                     51200);
    assert_in_range(metric_value(metrics_cell(worker->metrics, METRIC_memory_bytes, NULL)),
                    PIECE_BYTES, 2 * PIECE_BYTES);
    assert_true(node_shared_is_ready(worker->shared, &reason));
    assert_non_null(strstr((const char *)buffer_data(&reason), "maxmemory is reached"));
    buffer_clear(&reason);
    CLIENT_EXPECT(client, "CONFIG SET maxmemory 0", "+OK\r\n");
    CLIENT_EXPECT(client, "SET n 1", "+OK\r\n"); /* at once */
    world_pass_ms(world, TICK_MS);
    assert_true(node_shared_is_ready(worker->shared, &reason));
    assert_int_equal(reason.length, 0);
    buffer_release(&reason);
    world_free(world);
}

/* Between two looks at what there is, what is let in counts. */
static void test_a_burst_is_bounded(void **state) {
    (void)state;
    enum { FIT = 11, SENT = 20 }; /* 1 MB has ten pieces and a part */
    struct world *world = world_new(1, (const char *const[]){"maxmemory", "1mb", NULL});
    struct client *client = world_connect(world, 0);
    char key[16];
    for (unsigned i = 0; i < SENT; i++) {
        snprintf(key, sizeof key, "k%u", i);
        send_set(client, key);
    }
    world_settle(world);
    CLIENT_EXPECT(client, "DBSIZE",
                  "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n"
                  "+OK\r\n+OK\r\n" OOM OOM OOM OOM OOM OOM OOM OOM OOM ":11\r\n");
    world_free(world);
}

/* What another worker of the node holds counts as well. */
static void test_the_node_counts(void **state) {
    (void)state;
    struct world *world =
        world_new(2, (const char *const[]){"maxmemory", "50kb", "shards", "2", NULL});
    struct client *client = world_connect(world, 0), *other = world_connect(world, 1);
    set(world, client, "a"); /* of shard 2, on worker 0; "b" is of shard 1, on worker 1 */
    assert_string_equal(client_take(client), "+OK\r\n");
    world_pass_ms(world, TICK_MS);
    CLIENT_EXPECT(client, "SET b v", OOM);
    CLIENT_EXPECT(other, "SET b v", OOM);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_what_needs_memory_is_refused), cmocka_unit_test(test_it_is_told),
          cmocka_unit_test(test_a_burst_is_bounded), cmocka_unit_test(test_the_node_counts))
