/* What a node answers itself: shapes and words, and what takes effect on every worker. */
#include "world.h"

#include "session/clients.h"
#include "worker/worker.h"

#define FOUR_SHARDS ((const char *const[]){"shards", "4", NULL})

static void test_connection_words(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    CLIENT_EXPECT(client,
                  "PING\nPING x\nPING x y\nSELECT 0\nSELECT 1\nSELECT x\nSELECT 99999999999",
                  "+PONG\r\n$1\r\nx\r\n-ERR wrong number of arguments for 'ping' command\r\n+OK\r\n"
                  "-ERR SELECT is not allowed in cluster mode\r\n-ERR value is not an integer or "
                  "out of range\r\n"
                  "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n");
    CLIENT_EXPECT(client,
                  "READONLY\nGET k\nREADWRITE\nCLIENT GETNAME\nCLIENT SETNAME me\nCLIENT GETNAME",
                  "+OK\r\n$-1\r\n+OK\r\n$-1\r\n+OK\r\n$2\r\nme\r\n");
    client_send(client,
                BYTES_LITERAL("CLIENT SETNAME \"a b\"\r\nCLIENT SETINFO lib-name \"a b\"\r\n"));
    CLIENT_EXPECT(
        client, "CLIENT SETINFO LIB-NAME ioredis\nCLIENT SETINFO x y\nCLIENT NOSUCH",
        "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"
        "-ERR lib-name cannot contain spaces, newlines or special characters.\r\n+OK\r\n"
        "-ERR Unrecognized option 'x'\r\n-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.\r\n");
    client_ask(client, "TIME");
    unsigned long long seconds;
    assert_int_equal(sscanf(client_take(client), "*2\r\n$10\r\n%llu", &seconds), 1);
    assert_in_range(seconds, 1700000000, 1700000100);
    world_free(world);
}

static void test_hello(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    CLIENT_EXPECT(
        client, "HELLO 4\nHELLO x\nHELLO 3 FOO\nHELLO 3 AUTH a",
        "-NOPROTO unsupported protocol version\r\n"
        "-ERR Protocol version is not an integer or out of range\r\n"
        "-ERR Syntax error in HELLO option 'FOO'\r\n-ERR Syntax error in HELLO option 'AUTH'\r\n");
    CLIENT_EXPECT(client, "HELLO 3 SETNAME me",
                  "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$"
                  "5\r\nproto\r\n:3\r\n"
                  "$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$7\r\ncluster\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
                  "$7\r\nmodules\r\n*0\r\n");
    CLIENT_EXPECT(client, "GET k\nCLIENT GETNAME\nRESET\nGET k\nCLIENT GETNAME",
                  "_\r\n$2\r\nme\r\n+RESET\r\n$-1\r\n$-1\r\n");
    CLIENT_EXPECT(client, "HELLO",
                  "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$"
                  "5\r\nproto\r\n:2\r\n"
                  "$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$7\r\ncluster\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
                  "$7\r\nmodules\r\n*0\r\n");
    world_free(world);
}

static void test_config(void **state) {
    (void)state;
    struct world *world = world_new(2, NULL);
    struct client *client = world_connect(world, 0), *other = world_connect(world, 1);
    CLIENT_EXPECT(client, "CONFIG GET maxclients maxcl*\nCONFIG GET nosuch",
                  "*2\r\n$10\r\nmaxclients\r\n$5\r\n10000\r\n*0\r\n");
    CLIENT_EXPECT(client,
                  "CONFIG SET maxclients 50 timeout 7 heartbeat-ms 33\nCONFIG GET maxclients",
                  "+OK\r\n*2\r\n$10\r\nmaxclients\r\n$2\r\n50\r\n");
    assert_int_equal(world_gossiper_settings(world), 3);
    CLIENT_EXPECT(other, "CONFIG GET timeout", "*2\r\n$7\r\ntimeout\r\n$1\r\n7\r\n");
    client_ask(client, "CONFIG SET maxclients 60 timeout x");
    assert_non_null(strstr(client_take(client),
                           "-ERR CONFIG SET failed (possibly related to argument 'timeout') - "));
    client_ask(client, "CONFIG SET heartbeat-ms 249");
    assert_non_null(strstr(client_take(client), "election-timeout-ms"));
    CLIENT_EXPECT(
        client, "CONFIG GET maxclients\nCONFIG GET heartbeat-ms",
        "*2\r\n$10\r\nmaxclients\r\n$2\r\n50\r\n*2\r\n$12\r\nheartbeat-ms\r\n$2\r\n33\r\n");
    CLIENT_EXPECT(
        client,
        "CONFIG SET port 1\nCONFIG SET nosuch 1\nCONFIG SET timeout 1 TIMEOUT 2\nCONFIG SET "
        "timeout 1 x",
        "-ERR CONFIG SET failed (possibly related to argument 'port') - can't set immutable "
        "config\r\n"
        "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'\r\n"
        "-ERR CONFIG SET failed (possibly related to argument 'TIMEOUT') - duplicate parameter\r\n"
        "-ERR syntax error\r\n");
    assert_int_equal(world_gossiper_settings(world), 3);
    client_ask(client, "CONFIG RESETSTAT\nINFO stats");
    assert_non_null(strstr(client_take(client),
                           "total_connections_received:0\r\ntotal_commands_processed:1\r\n"));
    world_free(world);
}

/* Whichever worker is asked, worker 0 decides, and a pipeline sees its own changes. */
static void test_settings_have_sources(void **state) {
    (void)state;
    struct world *world = world_new(3, (const char *const[]){"timeout", "5", NULL});
    struct client *client = world_connect(world, 1), *other = world_connect(world, 2);
    CLIENT_EXPECT(client,
                  "TROTHDB SETTINGS timeout\nCONFIG SET timeout 6\nTROTHDB SETTINGS timeout",
                  "*1\r\n*4\r\n$7\r\ntimeout\r\n$1\r\n5\r\n$4\r\nfile\r\n$4\r\nlive\r\n+OK\r\n"
                  "*1\r\n*4\r\n$7\r\ntimeout\r\n$1\r\n6\r\n$4\r\nnode\r\n$4\r\nlive\r\n");
    CLIENT_EXPECT(other, "TROTHDB CLUSTERSET timeout 7 maxclients 60", "+OK\r\n");
    for (unsigned i = 0; i < 3; i++) {
        const struct config *config = worker_config(world_worker(world, i));
        assert_int_equal(config->maxclients, 60);
        assert_int_equal(config->timeout, 6);
    }
    CLIENT_EXPECT(other, "TROTHDB UNSET timeout\nCONFIG GET timeout",
                  "+OK\r\n*2\r\n$7\r\ntimeout\r\n$1\r\n7\r\n");
    CLIENT_EXPECT(client, "TROTHDB CLUSTERUNSET timeout maxclients", "+OK\r\n");
    for (unsigned i = 0; i < 3; i++) {
        const struct config *config = worker_config(world_worker(world, i));
        assert_int_equal(config->maxclients, 10000);
        assert_int_equal(config->timeout, 5);
    }
    client_ask(client, "TROTHDB CLUSTERSET heartbeat-ms 249 timeout 1");
    assert_non_null(strstr(client_take(client), "-ERR heartbeat-ms: 249 is too long"));
    CLIENT_EXPECT(client,
                  "TROTHDB CLUSTERSET timeout 1 maxclients 70 Timeout 2\nCONFIG GET maxclients",
                  "-ERR timeout: it is named twice; say one value\r\n"
                  "*2\r\n$10\r\nmaxclients\r\n$5\r\n10000\r\n");
    CLIENT_EXPECT(client, "TROTHDB CLUSTERSET timeout\nCONFIG REWRITE",
                  "-ERR wrong number of arguments for 'trothdb|clusterset' command\r\n"
                  "-ERR The server is running without a config file\r\n");
    world_free(world);
}

/* What is set for all nodes does not go with what CONFIG SET said here: all of it waits, and counts
 * once that is taken back, or said otherwise. */
static void test_settings_of_all_wait_for_those_of_one(void **state) {
    (void)state;
    static const char *const MENDS[] = {"TROTHDB UNSET heartbeat-ms", "CONFIG SET heartbeat-ms 50"};
    for (size_t i = 0; i < sizeof MENDS / sizeof *MENDS; i++) {
        struct world *world = world_new(2, (const char *const[]){NULL});
        struct client *client = world_connect(world, 1);
        CLIENT_EXPECT(client, "TROTHDB CLUSTERSET election-timeout-ms 1200", "+OK\r\n");
        CLIENT_EXPECT(client, "CONFIG SET heartbeat-ms 300", "+OK\r\n");
        CLIENT_EXPECT(client, "TROTHDB CLUSTERUNSET election-timeout-ms", "+OK\r\n");
        for (unsigned worker = 0; worker < 2; worker++)
            assert_int_equal(worker_config(world_worker(world, worker))->election_timeout_ms, 1200);
        CLIENT_EXPECT(client, MENDS[i], "+OK\r\n");
        for (unsigned worker = 0; worker < 2; worker++)
            assert_int_equal(worker_config(world_worker(world, worker))->election_timeout_ms, 400);
        world_free(world);
    }
}

static unsigned count_lines(const char *text) {
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, "id=")); at += 3)
        count += at == text || at[-1] == '\n';
    return count;
}

static void test_client_list_and_kill(void **state) {
    (void)state;
    struct world *world = world_new(3, FOUR_SHARDS);
    struct client *clients[6];
    for (unsigned i = 0; i < 6; i++)
        clients[i] = world_connect(world, i % 3);
    client_ask(clients[0], "CLIENT LIST");
    assert_int_equal(count_lines(client_take(clients[0])), 6);
    CLIENT_EXPECT(clients[1], "CLIENT LIST TYPE pubsub", "$0\r\n\r\n");
    client_ask(clients[1], "CLIENT LIST ID 3 4 99999");
    const char *text = client_take(clients[1]);
    assert_int_equal(count_lines(text), 2);
    assert_non_null(
        strstr(text, "id=3 addr=10.0.0.1:5000 laddr=127.0.0.1:7001 name= age=0 idle=0 flags=N "));
    assert_non_null(
        strstr(text, " cmd=client|list user=default redir=-1 resp=2 lib-name= lib-ver=\n"));
    CLIENT_EXPECT(
        clients[0],
        "CLIENT LIST TYPE x\nCLIENT LIST ID x\nCLIENT LIST x\nCLIENT KILL ID 0\nCLIENT KILL a b c\n"
        "CLIENT KILL USER x\nCLIENT KILL SKIPME x\nCLIENT KILL 1.2.3.4:5\nCLIENT KILL ID 12345",
        "-ERR Unknown client type 'x'\r\n-ERR Invalid client ID\r\n-ERR syntax error\r\n"
        "-ERR client-id should be greater than 0\r\n-ERR syntax error\r\n-ERR No such user 'x'\r\n"
        "-ERR syntax error\r\n-ERR No such client\r\n:0\r\n");
    CLIENT_EXPECT(clients[0], "CLIENT KILL 10.0.0.2:5000\nPING", "+OK\r\n+PONG\r\n");
    assert_null(clients[1]->session);
    CLIENT_EXPECT(clients[0], "CLIENT KILL LADDR 127.0.0.1:7001 TYPE normal", ":4\r\n");
    for (unsigned i = 1; i < 6; i++)
        assert_null(clients[i]->session);
    CLIENT_EXPECT(clients[0], "CLIENT KILL 10.0.0.1:5000",
                  "+OK\r\n"); /* the old form takes oneself as well */
    assert_null(clients[0]->session);
    world_free(world);
}

/* Who leads nothing has no keys, and knows wrong words all the same. */
static void test_commands_of_all_shards_without_any(void **state) {
    (void)state;
    struct world *world = world_new(1, (const char *const[]){"join", "127.0.0.1:17002", NULL});
    struct client *client = world_connect(world, 0);
    CLIENT_EXPECT(
        client, "SCAN 0\nSCAN 12345\nKEYS *\nDBSIZE\nRANDOMKEY\nFLUSHALL\nFLUSHDB SYNC",
        "*2\r\n$1\r\n0\r\n*0\r\n*2\r\n$1\r\n0\r\n*0\r\n*0\r\n:0\r\n$-1\r\n+OK\r\n+OK\r\n");
    CLIENT_EXPECT(client, "SCAN x\nSCAN 0 COUNT 0\nSCAN 0 FOO\nFLUSHALL FOO\nFLUSHDB SYNC ASYNC",
                  "-ERR invalid cursor\r\n-ERR syntax error\r\n-ERR syntax error\r\n"
                  "-ERR syntax error\r\n-ERR syntax error\r\n");
    client_ask(client, "INFO commandstats");
    assert_non_null(strstr(client_take(client), "rejected_calls=0,failed_calls=3\r\n"));
    world_free(world);
}

/* Every row that says the node runs it is run by the node, and answers something. */
static void test_every_row_has_a_function(void **state) {
    (void)state;
    struct world *world = world_new(2, FOUR_SHARDS);
    unsigned asked = 0;
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)); i++) {
        bool is_silent = strcmp(command->name, "client|reply") == 0;
        if (!(command->flags & COMMAND_SESSION) || command_is_container(command) || is_silent)
            continue;
        if (++asked % WORLD_CLIENT_MAXIMUM == 0) {
            world_free(world);
            world = world_new(2, FOUR_SHARDS);
        }
        struct client *client = world_connect(world, i % 2);
        char line[256];
        int length = snprintf(line, sizeof line, "%s", command->name);
        char *bar = strchr(line, '|');
        if (bar)
            *bar = ' ';
        int count = command->arity < 0 ? -command->arity : command->arity;
        for (int at = bar ? 2 : 1; at < count; at++)
            length += snprintf(line + length, sizeof line - (size_t)length, " 1");
        client_ask(client, line);
        if (client->received.length == 0)
            world_pass_ms(world, 2); /* WAIT 1 1: for a replica, or a millisecond */
        assert_true(client->received.length > 0);
        if (client->session) {
            clients_closed(world_worker(world, client->worker), client->session);
            client->session = NULL;
        }
    }
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_connection_words), cmocka_unit_test(test_hello),
          cmocka_unit_test(test_config), cmocka_unit_test(test_settings_have_sources),
          cmocka_unit_test(test_settings_of_all_wait_for_those_of_one),
          cmocka_unit_test(test_client_list_and_kill),
          cmocka_unit_test(test_commands_of_all_shards_without_any),
          cmocka_unit_test(test_every_row_has_a_function))
