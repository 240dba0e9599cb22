/* A connection: pipelines in order, limits, logging in, and commands that cross between workers. */
#include "world.h"

#include "base/memory.h"
#include "session/clients.h"
#include "worker/worker.h"

#define FOUR_SHARDS ((const char *const[]){"shards", "4", NULL})

/* Writes, reads and the node's own commands in one pipeline: the replies leave in the order of the
 * commands. */
static void test_pipeline_keeps_order(void **state) {
    (void)state;
    struct world *world = world_new(1, FOUR_SHARDS);
    struct client *client = world_connect(world, 0);
    CLIENT_EXPECT(
        client,
        "SET a 1\nPING\nGET a\nINCR a\nSET b x\nINCR b\nECHO hi\nNOSUCH\nGET a\nDBSIZE\nGET none",
        "+OK\r\n+PONG\r\n$1\r\n1\r\n:2\r\n+OK\r\n-ERR value is not an integer or out of range\r\n"
        "$2\r\nhi\r\n-ERR unknown command 'NOSUCH', with args beginning with: \r\n"
        "$1\r\n2\r\n:2\r\n$-1\r\n");
    CLIENT_EXPECT(client, "MSET a 1 b 2",
                  "-CROSSSLOT Keys in request don't hash to the same slot\r\n");
    CLIENT_EXPECT(client, "MSET {t}a 1 {t}b 2\nMGET {t}b {t}a",
                  "+OK\r\n*2\r\n$1\r\n2\r\n$1\r\n1\r\n");
    world_free(world);
}

/* What a connection's replies wait for, and one command's. */
static void test_durability(void **state) {
    (void)state;
    struct world *world = world_new(2, FOUR_SHARDS);
    struct client *client = world_connect(world, 0);
    CLIENT_EXPECT(client, "TROTHDB DURABILITY", "*2\r\n$7\r\ndefault\r\n$4\r\nsync\r\n");
    CLIENT_EXPECT(client, "CONFIG SET durability async\nTROTHDB DURABILITY",
                  "+OK\r\n*2\r\n$7\r\ndefault\r\n$5\r\nasync\r\n");
    CLIENT_EXPECT(client, "TROTHDB durability SYNC\nTROTHDB DURABILITY",
                  "+OK\r\n*2\r\n$4\r\nsync\r\n$4\r\nsync\r\n");
    CLIENT_EXPECT(client, "TROTHDB DURABILITY later",
                  "-ERR durability is sync, async or default\r\n");
    CLIENT_EXPECT(client, "TROTHDB WITH async SET a 1\nGET a\nTROTHDB WITH sync INCR a\nDBSIZE",
                  "+OK\r\n$1\r\n1\r\n:2\r\n:1\r\n");
    CLIENT_EXPECT(client, "TROTHDB WITH sometimes GET a", "-ERR durability is sync or async\r\n");
    CLIENT_EXPECT(client, "TROTHDB WITH async TROTHDB WITH sync GET a",
                  "-ERR TROTHDB WITH goes with commands on keys\r\n");
    CLIENT_EXPECT(client, "TROTHDB WITH async NOSUCH",
                  "-ERR unknown command 'NOSUCH', with args beginning with: \r\n");
    CLIENT_EXPECT(client, "RESET\nTROTHDB DURABILITY",
                  "+RESET\r\n*2\r\n$7\r\ndefault\r\n$5\r\nasync\r\n");
    world_free(world);
}

/* WAIT and WAITAOF by the words of Redis, on a node that is its own majority. */
static void test_wait(void **state) {
    (void)state;
    struct world *world = world_new(2, FOUR_SHARDS);
    struct client *client = world_connect(world, 0);
    CLIENT_EXPECT(client, "WAIT 0 100\nWAIT -1 100", ":0\r\n:0\r\n");
    CLIENT_EXPECT(
        client,
        "TROTHDB DURABILITY async\nSET a 1\nSET b 2\nSET c 3\nWAITAOF 1 0 0\nSET a 2\nGET a",
        "+OK\r\n+OK\r\n+OK\r\n+OK\r\n*2\r\n:1\r\n:0\r\n+OK\r\n$1\r\n2\r\n");
    client_ask(client, "WAIT 1 50");
    assert_string_equal(client_take(client), "");
    world_pass_ms(world, 300);
    assert_string_equal(client_take(client), ":0\r\n"); /* there is no replica: time was up */
    CLIENT_EXPECT(client, "WAIT x 1\nWAIT 1 x\nWAIT 1 -1\nWAITAOF 2 0 0\nWAITAOF 0 -1 0",
                  "-ERR value is not an integer or out of range\r\n"
                  "-ERR timeout is not an integer or out of range\r\n"
                  "-ERR timeout is negative\r\n"
                  "-ERR value is out of range, must be between 0 and 1\r\n"
                  "-ERR value is out of range, must be positive\r\n");
    world_free(world);
}

/* Requests come in pieces of any size. */
static void test_pieces(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    const char *bytes =
        "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nv v\r\nGET k\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
    for (size_t i = 0; i < strlen(bytes); i++) {
        client_send(client, bytes_of(bytes + i, 1));
        if (i % 7 == 0)
            world_settle(world);
    }
    world_settle(world);
    assert_string_equal(client_take(client), "+OK\r\n$3\r\nv v\r\n$3\r\nv v\r\n");
    CLIENT_EXPECT(client, "MSET a 1 b 2", "+OK\r\n"); /* one shard: any keys together */
    world_free(world);
}

enum { READ_KEYS = 100 };

static void ask_for_all(struct client *client, bool is_pipeline) {
    struct buffer lines;
    buffer_init(&lines, SIZE_MAX);
    for (unsigned i = 0; i < READ_KEYS; i++) {
        char line[64];
        snprintf(line, sizeof line, i % 10 ? "GET key:%u\n" : "EXISTS key:%u\n", i * 7 % 130);
        buffer_append_text(&lines, line);
        if (!is_pipeline || i + 1 == READ_KEYS) {
            buffer_append(&lines, "", 1);
            client_ask(client, (const char *)buffer_data(&lines));
            buffer_clear(&lines);
        }
    }
    buffer_release(&lines);
}

/* Reads whose keys are fetched ahead, from shards here and on another worker, some not there, say
 * what they say one by one. */
static void test_reads_ahead(void **state) {
    (void)state;
    struct world *world = world_new(2, FOUR_SHARDS);
    struct client *client = world_connect(world, 0);
    for (unsigned i = 0; i < READ_KEYS; i++) {
        char line[64];
        snprintf(line, sizeof line, "SET key:%u value-%u", i, i);
        CLIENT_EXPECT(client, line, "+OK\r\n");
    }
    ask_for_all(client, false);
    const char *received = client_take(client);
    char *one_by_one = memory_copy(received, strlen(received) + 1);
    ask_for_all(client, true);
    assert_string_equal(client_take(client), one_by_one);
    assert_non_null(strstr(one_by_one, "value-98"));
    memory_free(one_by_one);
    world_free(world);
}

/* More commands in flight than allowed: the input waits, and nothing is lost or turned round. */
static void test_pipeline_limit(void **state) {
    (void)state;
    struct world *world = world_new(1, (const char *const[]){"client-pipeline-limit", "16", NULL});
    struct client *client = world_connect(world, 0);
    struct buffer expected;
    buffer_init(&expected, SIZE_MAX);
    for (unsigned i = 1; i <= 500; i++) {
        client_send(client, BYTES_LITERAL("INCR n\r\n"));
        buffer_append_format(&expected, ":%u\r\n", i);
    }
    buffer_append_u8(&expected, 0);
    assert_true(client->was_paused);
    world_pass_ms(world, 200);
    assert_string_equal(client_take(client), (const char *)buffer_data(&expected));
    assert_false(client->is_paused);
    buffer_release(&expected);
    world_free(world);
}

/* A client that does not read what it asks for is closed, and nobody else is. */
static void test_output_limit(void **state) {
    (void)state;
    struct world *world = world_new(1, (const char *const[]){"client-output-limit", "64kb", NULL});
    struct client *greedy = world_connect(world, 0), *other = world_connect(world, 0);
    char *value = memory_allocate_zeroed(1, 20001);
    memset(value, 'x', 20000);
    client_send(other, BYTES_LITERAL("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20000\r\n"));
    client_send(other, bytes_of_text(value));
    client_send(other, BYTES_LITERAL("\r\n"));
    world_settle(world);
    assert_string_equal(client_take(other), "+OK\r\n");
    greedy->is_stuck = true;
    client_ask(greedy, "GET k\nGET k\nGET k\nGET k\nGET k");
    assert_null(greedy->session);
    CLIENT_EXPECT(other, "STRLEN k", ":20000\r\n");
    memory_free(value);
    world_free(world);
}

/* What cannot be read ends the connection, after the replies to what could. */
static void test_broken_request(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    client_send(client,
                BYTES_LITERAL("*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n*1\r\n:1\r\n*1\r\n$4\r\nPING\r\n"));
    world_settle(world);
    assert_string_equal(client_take(client),
                        ":1\r\n-ERR Protocol error: expected '$', got ':'\r\n");
    assert_null(client->session);
    client = world_connect(world, 0);
    client_send(client, BYTES_LITERAL("*1\r\n$999999999999\r\n"));
    world_settle(world);
    assert_string_equal(client_take(client), "-ERR Protocol error: invalid bulk length\r\n");
    assert_null(client->session);
    client = world_connect(world, 0);
    CLIENT_EXPECT(client, "GET n\nQUIT\nPING", "$1\r\n1\r\n+OK\r\n");
    assert_null(client->session);
    world_free(world);
}

/* The connection goes while its writes are in flight: they are done all the same. */
static void test_gone_with_writes_in_flight(void **state) {
    (void)state;
    struct world *world = world_new(2, FOUR_SHARDS);
    struct client *client = world_connect(world, 0), *other = world_connect(world, 1);
    for (unsigned i = 0; i < 20; i++) {
        char text[32];
        snprintf(text, sizeof text, "INCR k%u\r\n", i);
        client_send(client, bytes_of_text(text));
    }
    clients_closed(world_worker(world, 0), client->session);
    client->session = NULL;
    world_settle(world);
    CLIENT_EXPECT(other, "DBSIZE", ":20\r\n");
    world_free(world);
}

static void test_login(void **state) {
    (void)state;
    struct world *world = world_new(1, (const char *const[]){"requirepass", "secret", NULL});
    struct client *client = world_connect(world, 0);
    CLIENT_EXPECT(
        client,
        "GET k\nPING\nAUTH wrong\nAUTH secre\nAUTH secrets\nAUTH someone secret\nAUTH a b c",
        "-NOAUTH Authentication required.\r\n-NOAUTH Authentication required.\r\n"
        "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
        "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
        "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
        "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
        "-ERR syntax error\r\n");
    client_ask(client, "HELLO 3");
    assert_non_null(
        strstr(client_take(client), "-NOAUTH HELLO must be called with the client already"));
    CLIENT_EXPECT(client, "AUTH secret\nPING\nRESET\nPING",
                  "+OK\r\n+PONG\r\n+RESET\r\n-NOAUTH Authentication required.\r\n");
    client_send(client, BYTES_LITERAL("*11\r\n"));
    world_settle(world);
    assert_string_equal(client_take(client),
                        "-ERR Protocol error: unauthenticated multibulk length\r\n");
    assert_null(client->session);
    client = world_connect(world, 0);
    CLIENT_EXPECT(client, "AUTH default secret\nEXISTS 1 2 3 4 5 6 7 8 9 10 11 12",
                  "+OK\r\n:0\r\n");
    world_free(world);
}

/* The password is taken away: those who had not logged in need not any more. */
static void test_password_changes(void **state) {
    (void)state;
    struct world *world = world_new(2, (const char *const[]){"requirepass", "secret", NULL});
    struct client *in = world_connect(world, 0), *out = world_connect(world, 1);
    CLIENT_EXPECT(in, "AUTH secret", "+OK\r\n");
    client_send(in, BYTES_LITERAL("CONFIG SET requirepass \"\"\r\n"));
    world_settle(world);
    assert_string_equal(client_take(in), "+OK\r\n");
    CLIENT_EXPECT(out, "PING\nAUTH x",
                  "+PONG\r\n-ERR AUTH <password> called without any password configured for the "
                  "default user. "
                  "Are you sure your configuration is correct?\r\n");
    CLIENT_EXPECT(in, "CONFIG SET requirepass other", "+OK\r\n");
    CLIENT_EXPECT(out, "PING", "+PONG\r\n"); /* as in Redis: who is in stays in */
    struct client *late = world_connect(world, 0);
    CLIENT_EXPECT(late, "PING", "-NOAUTH Authentication required.\r\n");
    world_free(world);
}

static void test_client_limit(void **state) {
    (void)state;
    struct world *world = world_new(2, (const char *const[]){"maxclients", "3", NULL});
    struct client *clients[3];
    for (unsigned i = 0; i < 3; i++) {
        clients[i] = world_connect(world, i % 2);
        assert_non_null(clients[i]);
    }
    assert_null(world_connect(world, 0));
    assert_null(world_connect(world, 1));
    CLIENT_EXPECT(clients[1], "QUIT", "+OK\r\n");
    assert_non_null(world_connect(world, 0));
    client_ask(clients[0], "INFO stats");
    const char *text = client_take(clients[0]);
    assert_non_null(strstr(text, "total_connections_received:4\r\n"));
    assert_non_null(strstr(text, "rejected_connections:2\r\n"));
    world_free(world);
}

/* The system has descriptors for fewer than the settings allow, now or later. */
static void test_clients_have_descriptors(void **state) {
    (void)state;
    struct world *world = world_new(2, (const char *const[]){"maxclients", "3", NULL});
    node_shared_limit_clients(world_worker(world, 0)->shared, 2);
    struct client *client = world_connect(world, 0);
    assert_non_null(client);
    assert_non_null(world_connect(world, 1));
    assert_null(world_connect(world, 0));
    CLIENT_EXPECT(client, "CONFIG SET maxclients 1000", "+OK\r\n");
    assert_null(world_connect(world, 1));
    client_ask(client, "INFO clients");
    assert_non_null(strstr(client_take(client), "\r\nmaxclients:2\r\n"));
    CLIENT_EXPECT(client, "CONFIG SET maxclients 1", "+OK\r\n");
    client_ask(client, "INFO clients");
    assert_non_null(strstr(client_take(client), "\r\nmaxclients:1\r\n"));
    world_free(world);
}

static void test_idle_clients(void **state) {
    (void)state;
    struct world *world = world_new(1, (const char *const[]){"timeout", "2", NULL});
    struct client *idle = world_connect(world, 0), *busy = world_connect(world, 0);
    world_pass_ms(world, 1500);
    CLIENT_EXPECT(busy, "PING", "+PONG\r\n");
    world_pass_ms(world, 1000);
    assert_null(idle->session);
    assert_non_null(busy->session);
    world_free(world);
}

static void test_reply_modes(void **state) {
    (void)state;
    struct world *world = world_new(2, FOUR_SHARDS);
    struct client *client = world_connect(world, 0);
    CLIENT_EXPECT(client, "CLIENT REPLY SKIP\nSET a 1\nGET a", "$1\r\n1\r\n");
    CLIENT_EXPECT(client, "CLIENT REPLY SKIP\nPING\nPING", "+PONG\r\n");
    CLIENT_EXPECT(client, "CLIENT REPLY OFF\nSET a 2\nSET b 1\nNOSUCH\nDBSIZE\nCLIENT LIST", "");
    CLIENT_EXPECT(client, "CLIENT REPLY SKIP\nGET a", "");
    CLIENT_EXPECT(client, "CLIENT REPLY ON\nGET a\nCLIENT REPLY x",
                  "+OK\r\n$1\r\n2\r\n-ERR syntax error\r\n");
    world_free(world);
}

/* Two workers: each connection reaches all shards, and its replies keep their order. */
static void test_across_workers(void **state) {
    (void)state;
    struct world *world = world_new(2, FOUR_SHARDS);
    struct client *clients[2] = {world_connect(world, 0), world_connect(world, 1)};
    struct buffer lines, expected;
    buffer_init(&lines, SIZE_MAX);
    buffer_init(&expected, SIZE_MAX);
    for (unsigned i = 0; i < 60; i++) {
        buffer_append_format(&lines, "SET key%u %u\nPING %u\nGET key%u\n", i, i, i, i);
        buffer_append_format(&expected, "+OK\r\n$%u\r\n%u\r\n$%u\r\n%u\r\n", i < 10 ? 1 : 2, i,
                             i < 10 ? 1 : 2, i);
    }
    buffer_append_u8(&lines, 0);
    buffer_append_u8(&expected, 0);
    for (unsigned i = 0; i < 2; i++) {
        CLIENT_EXPECT(clients[i], (const char *)buffer_data(&lines),
                      (const char *)buffer_data(&expected));
        CLIENT_EXPECT(clients[i], "DBSIZE", ":60\r\n");
    }
    CLIENT_EXPECT(clients[0], "FLUSHALL\nDBSIZE\nRANDOMKEY", "+OK\r\n:0\r\n$-1\r\n");
    buffer_release(&lines);
    buffer_release(&expected);
    world_free(world);
}

/* SCAN goes from shard to shard and tells every key, also to a client that keeps the cursor in a
 * double, as those in JavaScript do. */
static void test_scan_over_shards(void **state) {
    (void)state;
    enum { KEYS = 200 };
    struct world *world = world_new(2, (const char *const[]){"shards", "24", NULL});
    struct client *client = world_connect(world, 1);
    bool is_seen[KEYS] = {false};
    for (unsigned i = 0; i < KEYS; i++) {
        char text[32];
        snprintf(text, sizeof text, "SET key%u x", i);
        client_ask(client, text);
    }
    client_take(client);
    double cursor = 0;
    unsigned calls = 0;
    do {
        char text[64];
        snprintf(text, sizeof text, "SCAN %.0f COUNT 2", cursor);
        client_ask(client, text);
        const char *reply = client_take(client);
        assert_int_equal(sscanf(reply, "*2\r\n$%*u\r\n%lf", &cursor), 1);
        for (const char *at = reply; (at = strstr(at, "key")); at++) {
            unsigned key;
            assert_int_equal(sscanf(at, "key%u", &key), 1);
            is_seen[key] = true;
        }
        assert_true(++calls < 2 * KEYS);
    } while (cursor);
    for (unsigned i = 0; i < KEYS; i++)
        assert_true(is_seen[i]);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_pipeline_keeps_order), cmocka_unit_test(test_durability),
          cmocka_unit_test(test_wait), cmocka_unit_test(test_pieces),
          cmocka_unit_test(test_reads_ahead), cmocka_unit_test(test_pipeline_limit),
          cmocka_unit_test(test_output_limit), cmocka_unit_test(test_broken_request),
          cmocka_unit_test(test_gone_with_writes_in_flight), cmocka_unit_test(test_login),
          cmocka_unit_test(test_password_changes), cmocka_unit_test(test_client_limit),
          cmocka_unit_test(test_clients_have_descriptors), cmocka_unit_test(test_idle_clients),
          cmocka_unit_test(test_reply_modes), cmocka_unit_test(test_across_workers),
          cmocka_unit_test(test_scan_over_shards))
