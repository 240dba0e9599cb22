/* What a node answers itself: shapes and words, and what takes effect on every worker. */
#include <stdlib.h>

#include "world.h"

#include "base/memory.h"
#include "session/client/session_command.h"
#include "session/clients.h"
#include "wire/request.h"
#include "wire/response.h"
#include "worker/worker.h"

#define SELF        "1032547698ba4cfe80010203040506070621cbdb"
#define FOUR_SHARDS ((const char *const[]){"shards", "4", NULL})
#define TWO_SHARDS  ((const char *const[]){"shards", "2", NULL})

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

static void test_cluster_shapes(void **state) {
    (void)state;
    struct world *world = world_new(1, TWO_SHARDS);
    struct client *client = world_connect(world, 0);
#define NODE_OF_SLOTS "*4\r\n$9\r\n127.0.0.1\r\n:7001\r\n$40\r\n" SELF "\r\n*0\r\n"
    CLIENT_EXPECT(client, "CLUSTER SLOTS",
                  "*2\r\n*3\r\n:0\r\n:8191\r\n" NODE_OF_SLOTS
                  "*3\r\n:8192\r\n:16383\r\n" NODE_OF_SLOTS);
    CLIENT_EXPECT(client, "CLUSTER NODES\nCLUSTER MYID\nCLUSTER KEYSLOT foo\nCLUSTER LINKS",
                  "$102\r\n" SELF
                  " 127.0.0.1:7001@17001 myself,master - 0 0 1 connected 0-16383\n\r\n"
                  "$40\r\n" SELF "\r\n:12182\r\n*0\r\n");
    CLIENT_EXPECT(
        client, "CLUSTER INFO",
        "$201\r\ncluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384\r\n"
        "cluster_slots_pfail:0\r\ncluster_slots_fail:0\r\ncluster_known_nodes:1\r\ncluster_size:"
        "1\r\n"
        "cluster_current_epoch:1\r\ncluster_my_epoch:1\r\n\r\n");
    CLIENT_EXPECT(client, "CLUSTER REPLICAS " SELF "\nCLUSTER SLAVES abc",
                  "*0\r\n-ERR Unknown node abc\r\n");
    client_ask(client, "HELLO 3\nCLUSTER SHARDS");
    const char *shards = strstr(client_take(client), "*2\r\n%2\r\n$5\r\nslots\r\n");
    assert_non_null(shards);
    assert_non_null(strstr(
        shards, "*2\r\n:0\r\n:8191\r\n$5\r\nnodes\r\n*1\r\n%7\r\n$2\r\nid\r\n$40\r\n" SELF
                "\r\n$4\r\nport\r\n:7001\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n"
                "$9\r\n127.0.0.1\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n"));
    world_free(world);
}

/* A worker that takes itself for the first of three nodes. */
struct three {
    struct world *world;
    struct worker *worker;
    struct client *client;
    struct topology_node nodes[3];
    struct topology *own;
    struct shard_leader own_leaders[9];
};

static void three_set_up(struct three *three, unsigned shard_count, unsigned replica_count) {
    *three = (struct three){.world = world_new(1, FOUR_SHARDS)};
    struct worker *worker = three->worker = world_worker(three->world, 0);
    three->client = world_connect(three->world, 0);
    for (unsigned i = 0; i < 3; i++) {
        struct topology_node *node = &three->nodes[i];
        *node =
            (struct topology_node){.uuid = {(uint8_t)(i + 1)}, .address = {"", 7001, 17001, 9001}};
        snprintf(node->address.host, sizeof node->address.host, "10.0.0.%u", i + 1);
    }
    memcpy(three->nodes[0].uuid, worker->identity.uuid, 16);
    memcpy(three->own_leaders, worker->leaders, sizeof three->own_leaders);
    three->own = worker->topology;
    worker->topology =
        topology_found((const uint8_t[16]){1}, three->nodes, 3, shard_count, replica_count);
}

static void three_tear_down(struct three *three) {
    topology_free(three->worker->topology);
    three->worker->topology = three->own;
    memcpy(three->worker->leaders, three->own_leaders, sizeof three->own_leaders);
    world_free(three->world);
}

/* Other nodes' leaders, as hints tell them; a shard without a leader is left out. */
static void test_cluster_of_several(void **state) {
    (void)state;
    struct three scene;
    three_set_up(&scene, 4, 3);
    struct client *client = scene.client;
    struct worker *worker = scene.worker;
    worker->leaders[1] = (struct shard_leader){.node = 2, .term = 7};
    worker->leaders[2] = (struct shard_leader){.node = 2, .term = 4};
    worker->leaders[3] = (struct shard_leader){.node = 0, .term = 4};
    worker->leaders[4] = (struct shard_leader){.node = 1, .term = 3};
    char two[NODE_ID_TEXT_BYTES], three[NODE_ID_TEXT_BYTES], line[256];
    identity_node_id(scene.nodes[1].uuid, two);
    identity_node_id(scene.nodes[2].uuid, three);

    client_ask(client, "CLUSTER NODES");
    const char *text = client_take(client);
    assert_non_null(
        strstr(text, SELF " 10.0.0.1:7001@17001 myself,master - 0 0 3 connected 12288-16383\n"));
    snprintf(line, sizeof line, "%s 10.0.0.2:7001@17001 master - 0 0 7 disconnected 0-8191\n", two);
    assert_non_null(strstr(text, line));
    snprintf(line, sizeof line, "%s 10.0.0.3:7001@17001 slave %s 0 0 7 disconnected\n", three, two);
    assert_non_null(strstr(text, line));

    client_ask(client, "CLUSTER SLOTS");
    text = client_take(client);
    assert_non_null(strstr(text, "*3\r\n*5\r\n:0\r\n:4095\r\n*4\r\n$8\r\n10.0.0.2\r\n"));
    assert_null(strstr(text, ":8192\r\n"));
    client_ask(client, "CLUSTER INFO");
    text = client_take(client);
    assert_non_null(strstr(
        text, "cluster_state:fail\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:12288\r\n"
              "cluster_slots_pfail:0\r\ncluster_slots_fail:4096\r\ncluster_known_nodes:3\r\n"
              "cluster_size:2\r\ncluster_current_epoch:7\r\ncluster_my_epoch:3\r\n"));
    snprintf(line, sizeof line, "CLUSTER REPLICAS %s", two);
    client_ask(client, line);
    text = client_take(client);
    assert_memory_equal(text, "*1\r\n$", 5);
    assert_non_null(strstr(text, three));
    snprintf(line, sizeof line, "CLUSTER REPLICAS %s", three);
    CLIENT_EXPECT(client, line, "-ERR The specified node is not a master\r\n");
    /* A key of the second node's: slot 12182 is of shard 3, which nobody leads; "b" is in slot
     * 3300. */
    CLIENT_EXPECT(client, "GET foo\nGET b",
                  "-CLUSTERDOWN Hash slot not served\r\n-MOVED 3300 10.0.0.2:7001\r\n");

    three_tear_down(&scene);
}

/* What gossip tells of one member, who says nothing else. */
static void member_hear(struct worker *worker, const struct topology_node *node,
                        enum gossip_member_state state) {
    struct buffer told;
    buffer_init(&told, 4096);
    buffer_append_u8(&told, 0); /* not all of them */
    buffer_append_varint(&told, 1);
    buffer_append(&told, node->uuid, sizeof node->uuid);
    buffer_append_varint(&told, 1); /* its generation */
    buffer_append_length_prefixed(&told, bytes_of_text(node->address.host));
    buffer_append_u16(&told, node->address.peer_port);
    buffer_append_length_prefixed(&told, BYTES_LITERAL("its name"));
    buffer_append_u8(&told, (uint8_t)state);
    buffer_append_varint(&told, 0);
    buffer_append_varint(&told, 0);
#define MEMBER_SAYS(field, key) buffer_append_length_prefixed(&told, BYTES_LITERAL(""));
#include "member/member_says.def"
#undef MEMBER_SAYS
    assert_int_equal(member_view_hear(&worker->members, buffer_bytes(&told)), 0);
    buffer_release(&told);
}

/* A shard that has no replica here, and of whose leader nobody told, or one that died since: a node
 * that lives and should hold it knows more. Slot 12182, of "foo", is of shard 6. */
static void test_leaders_that_nobody_told_of(void **state) {
    (void)state;
    struct three scene;
    three_set_up(&scene, 8, 2);
    struct client *client = scene.client;
    struct worker *worker = scene.worker;
    memcpy(worker->topology->shards[6].replicas, (uint32_t[]){2, 3}, 2 * sizeof(uint32_t));

    CLIENT_EXPECT(client, "GET foo", "-CLUSTERDOWN Hash slot not served\r\n");
    member_hear(worker, &scene.nodes[1], GOSSIP_DEAD);
    member_hear(worker, &scene.nodes[2], GOSSIP_ALIVE);
    CLIENT_EXPECT(client, "GET foo", "-MOVED 12182 10.0.0.3:7001\r\n");
    client_ask(client, "CLUSTER SLOTS");
    assert_non_null(strstr(client_take(client), ":10240\r\n:12287\r\n*4\r\n$8\r\n10.0.0.3\r\n"));
    member_hear(worker, &scene.nodes[1], GOSSIP_ALIVE);
    CLIENT_EXPECT(client, "GET foo", "-MOVED 12182 10.0.0.2:7001\r\n");
    worker->leaders[6] = (struct shard_leader){.node = 3, .term = 4};
    CLIENT_EXPECT(client, "GET foo", "-MOVED 12182 10.0.0.3:7001\r\n");
    member_hear(worker, &scene.nodes[2], GOSSIP_LEFT);
    CLIENT_EXPECT(client, "GET foo", "-MOVED 12182 10.0.0.2:7001\r\n");

    /* Whoever holds a replica knows when there is no leader. */
    member_hear(worker, &scene.nodes[2], GOSSIP_ALIVE);
    worker->topology->shards[6].replicas[0] = 1;
    worker->leaders[6] = (struct shard_leader){.term = 5};
    CLIENT_EXPECT(client, "GET foo", "-CLUSTERDOWN Hash slot not served\r\n");

    three_tear_down(&scene);
}

static void test_keys_in_slot(void **state) {
    (void)state;
    struct world *world = world_new(2, FOUR_SHARDS);
    for (unsigned i = 0; i < 2; i++) { /* slots of shards on this worker and on the other */
        struct client *client = world_connect(world, i);
        CLIENT_EXPECT(client, "SET {foo}1 x\nSET {foo}2 x\nSET {b}1 x", "+OK\r\n+OK\r\n+OK\r\n");
        CLIENT_EXPECT(client,
                      "CLUSTER COUNTKEYSINSLOT 12182\nCLUSTER COUNTKEYSINSLOT 3300\nPING\n"
                      "CLUSTER COUNTKEYSINSLOT 0\nCLUSTER GETKEYSINSLOT 3300 10\nCLUSTER "
                      "GETKEYSINSLOT 12182 0",
                      ":2\r\n:1\r\n+PONG\r\n:0\r\n*1\r\n$4\r\n{b}1\r\n*0\r\n");
        CLIENT_EXPECT(
            client,
            "CLUSTER COUNTKEYSINSLOT x\nCLUSTER COUNTKEYSINSLOT 16384\nCLUSTER GETKEYSINSLOT 1 -1",
            "-ERR value is not an integer or out of range\r\n-ERR Invalid slot\r\n"
            "-ERR Invalid slot or number of keys\r\n");
        CLIENT_EXPECT(
            client, "trothdb.countslot 1",
            "-ERR unknown command 'trothdb.countslot', with args beginning with: '1' \r\n");
    }
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

static void test_info(void **state) {
    (void)state;
    struct world *world = world_new(2, FOUR_SHARDS);
    struct client *client = world_connect(world, 0);
    client_ask(client, "SET a 1\nSET b 1 EX 100");
    client_take(client);
    world_pass_ms(world, 150);
    client_ask(client, "INFO");
    const char *text = client_take(client);
    static const char *const expected[] = {
        "# Server\r\nredis_version:7.0.15\r\nredis_mode:cluster\r\n",
        "\r\n\r\n# Clients\r\nconnected_clients:1\r\n",
        "loading:0\r\n",
        "role:master\r\nconnected_slaves:0\r\n",
        "# Cluster\r\ncluster_enabled:1\r\n",
        "# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=0\r\n",
        "tcp_port:7001\r\n",
        "shards_led:5\r\n"};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_non_null(strstr(text, expected[i]));
    const char *resident = strstr(text, "used_memory_rss:");
    assert_non_null(resident);
    assert_in_range(strtoull(resident + strlen("used_memory_rss:"), NULL, 10), 1 << 20, 1LL << 40);
    CLIENT_EXPECT(client, "INFO cluster KEYSPACE",
                  "$76\r\n# Cluster\r\ncluster_enabled:1\r\n\r\n# "
                  "Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=0\r\n\r\n");
    CLIENT_EXPECT(client, "INFO nosuch", "$0\r\n\r\n");
    client_ask(client, "HELLO 3\nINFO cluster");
    assert_non_null(strstr(client_take(client), "=34\r\ntxt:# Cluster\r\n"));
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

/* A spare with two workers is given a topology through either. */
static void test_found(void **state) {
    (void)state;
    for (unsigned asked = 0; asked < 2; asked++) {
        struct world *world = world_new(2, (const char *const[]){"join", "127.0.0.1:17002", NULL});
        struct client *client = world_connect(world, asked),
                      *other = world_connect(world, 1 - asked);
        CLIENT_EXPECT(client, "SET k v\nCLUSTER SLOTS\nCLUSTER NODES\nDBSIZE",
                      "-CLUSTERDOWN Hash slot not served\r\n*0\r\n"
                      "$94\r\n" SELF
                      " 127.0.0.1:7001@17001 myself,master - 0 0 0 connected\n\r\n:0\r\n");
        struct topology_node node = {.address = {"127.0.0.1", 7001, 17001, 9001}};
        memcpy(node.uuid, world_worker(world, 0)->identity.uuid, 16);
        struct topology *topology = topology_found((const uint8_t[16]){9}, &node, 1, 3, 1);
        struct buffer encoded;
        buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
        topology_encode(topology, &encoded);
        const struct bytes arguments[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("FOUND"),
                                          buffer_bytes(&encoded)};
        CLIENT_EXPECT(client, "TROTHDB FOUND rubbish",
                      "-ERR the topology cannot be read: a version this release does not know\r\n");
        request_encode(&client->unsent, arguments, 3);
        world_pass_ms(world, 1500);
        assert_string_equal(client_take(client), "+OK\r\n");
        CLIENT_EXPECT(client, "SET k v\nSET l v", "+OK\r\n+OK\r\n");
        CLIENT_EXPECT(other, "GET k\nGET l\nDBSIZE", "$1\r\nv\r\n$1\r\nv\r\n:2\r\n");
        request_encode(&other->unsent, arguments, 3);
        world_settle(world);
        assert_string_equal(
            client_take(other),
            "-ERR this node belongs to a cluster already; only a spare can be given one\r\n");
        buffer_release(&encoded);
        topology_free(topology);
        world_free(world);
    }
}

static void test_status(void **state) {
    (void)state;
    struct world *world = world_new(2, TWO_SHARDS);
    struct client *client = world_connect(world, 1);
    client_ask(client, "TROTHDB STATUS");
    const char *text = client_take(client);
    struct response status;
    size_t consumed;
    assert_int_equal(response_parse(bytes_of_text(text), &status, &consumed), 1);
    assert_int_equal(status.element_count, 9);
    assert_true(bytes_equal(status.elements[0].text, bytes_of_text(TROTHDB_VERSION)));
    assert_int_equal(status.elements[1].text.length, 32);
    assert_int_equal(status.elements[2].integer, 2); /* the founding, and its feature level */
    assert_int_equal(status.elements[3].integer, 1);
    assert_true(bytes_equal(status.elements[4].text, BYTES_LITERAL(SELF)));
    const struct response *node = &status.elements[5].elements[0];
    assert_int_equal(status.elements[5].element_count, 1);
    assert_true(bytes_equal(node->elements[6].text, BYTES_LITERAL("alive")));
    assert_true(bytes_equal(node->elements[7].text, BYTES_LITERAL("self")));
    const struct response *shards = &status.elements[6], *here = &status.elements[7];
    assert_int_equal(shards->element_count, 3);
    assert_int_equal(shards->elements[0].elements[1].text.length, 0);
    assert_true(bytes_equal(shards->elements[2].elements[1].text, BYTES_LITERAL("8192-16383")));
    assert_int_equal(here->element_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(here->elements[i].elements[0].integer, i);
        assert_true(bytes_equal(here->elements[i].elements[1].text, BYTES_LITERAL("leader")));
    }
    response_release(&status);
    CLIENT_EXPECT(client,
                  "TROTHDB SNAPSHOT\nTROTHDB SNAPSHOT 1\nTROTHDB SNAPSHOT 9\nTROTHDB SNAPSHOT x",
                  ":3\r\n:1\r\n:0\r\n-ERR value is not an integer or out of range\r\n");
    CLIENT_EXPECT(
        client,
        "TROTHDB TRANSFER 1 9\nTROTHDB TRANSFER 99\nTROTHDB TRANSFER x\n"
        "TROTHDB TRANSFER 1 4294967297\nTROTHDB TRANSFER 1 -1",
        "-ERR nobody can take the lead of that shard now: the node named is not one of its "
        "replicas, does not answer or is about to stop\r\n"
        "-ERR there is no such shard\r\n"
        "-ERR value is not an integer or out of range\r\n"
        "-ERR there is no such node\r\n-ERR there is no such node\r\n");
    world_free(world);
}

/* The figure behind `name:` in INFO. */
static long long info_figure(struct client *client, const char *name) {
    client_ask(client, "INFO everything");
    const char *at = strstr(client_take(client), name);
    assert_non_null(at);
    assert_int_equal(at[strlen(name)], ':');
    return atoll(at + strlen(name) + 1);
}

/* Reads that find and do not find, a key whose time comes, an error: INFO has counted each once.
 * The read that meets the key past its time runs twice and misses once; who looks inside a write
 * does not read. */
static void test_info_counts_what_was_met(void **state) {
    (void)state;
    static const char *const settings[] = {"expire-interval-ms", "60000", NULL};
    struct world *world = world_new(1, settings);
    struct client *client = world_connect(world, 0);
    client_ask(
        client,
        "SET a 1\nSET b 2 PX 50\nGET a\nMGET a b none\nEXISTS none\nAPPEND a x\nGETDEL none");
    client_take(client);
    world_pass_ms(world, 60);
    CLIENT_EXPECT(client, "GET b\nINCR a",
                  "$-1\r\n-ERR value is not an integer or out of range\r\n");
    world_pass_ms(world, 250);
    assert_int_equal(info_figure(client, "keyspace_hits"), 3);
    assert_int_equal(info_figure(client, "keyspace_misses"), 3);
    assert_int_equal(info_figure(client, "expired_keys"), 1);
    assert_int_equal(info_figure(client, "total_error_replies"), 1);
    client_ask(client, "INFO errorstats");
    assert_non_null(strstr(client_take(client), "errorstat_ERR:count=1\r\n"));
    client_ask(client, "INFO commandstats");
    assert_non_null(strstr(client_take(client), "cmdstat_mget:calls=1,usec="));
    world_free(world);
}

/* What INFO commandstats says of a command, without its times; "" if it says nothing. */
static void command_figures(struct client *client, const char *name, char out[128]) {
    char start[48];
    client_ask(client, "INFO commandstats");
    int length = snprintf(start, sizeof start, "cmdstat_%s:", name);
    const char *at = strstr(client_take(client), start);
    out[0] = '\0';
    if (!at)
        return;
    unsigned long long calls, duration_us, rejected, failed;
    double mean_us;
    int end = 0;
    int count = sscanf(at + length,
                       "calls=%llu,usec=%llu,usec_per_call=%lf,rejected_calls=%llu,"
                       "failed_calls=%llu\r\n%n",
                       &calls, &duration_us, &mean_us, &rejected, &failed, &end);
    assert_int_equal(count, 5);
    assert_true(end > 0);
    snprintf(out, 128, "%llu called, %llu rejected, %llu failed", calls, rejected, failed);
}

static void expect_figures(struct client *client, const char *name, const char *expected) {
    char figures[128];
    command_figures(client, name, figures);
    assert_string_equal(figures, expected);
}

/* What never ran was rejected, and is no call: a wrong count of words, no login, keys in several
 * slots, a leader elsewhere. What ran and ended in an error has failed. */
static void test_info_tells_calls_rejected_and_failed(void **state) {
    (void)state;
    struct world *world = world_new(2, FOUR_SHARDS);
    struct client *client = world_connect(world, 0), *other = world_connect(world, 1);
    client_ask(client,
               "SET {a}x y\nSET\nSET {a}x y EX 0\nGET {a}x\nHGET {a}x f\nGET\nMGET a b\n"
               "CONFIG SET nosuch 1\nCONFIG\nNOSUCH\nCLIENT NOSUCH\nTROTHDB WITH async INCR {a}x\n"
               "TROTHDB WITH now SET {a}x y\nTROTHDB WITH async SET\nSUBSCRIBE c\nECHO x");
    world_pass_ms(world, 100);
    client_take(client);
    expect_figures(other, "set", "2 called, 1 rejected, 1 failed");
    expect_figures(other, "get", "1 called, 1 rejected, 0 failed");
    expect_figures(other, "hget", "1 called, 0 rejected, 1 failed");
    expect_figures(other, "mget", "0 called, 1 rejected, 0 failed");
    expect_figures(other, "config|set", "1 called, 0 rejected, 1 failed");
    expect_figures(other, "config", "0 called, 1 rejected, 0 failed");
    expect_figures(other, "client", "");
    expect_figures(other, "incr", "1 called, 0 rejected, 1 failed");
    expect_figures(other, "trothdb|with", "1 called, 2 rejected, 0 failed");
    expect_figures(other, "echo", "0 called, 1 rejected, 0 failed");
    client_ask(other, "CONFIG SET requirepass secret");
    struct client *stranger = world_connect(world, 0);
    client_ask(stranger, "DEL a");
    expect_figures(other, "del", "0 called, 1 rejected, 0 failed");
    world_free(world);
}

/* How long the one SET took by INFO, whose disk was held for `held_ms` longer than it takes. */
static unsigned long long set_duration_us(unsigned held_ms) {
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    world_hold_disks(world, true);
    client_ask(client, "SET x y");
    world_pass_ms(world, held_ms);
    world_hold_disks(world, false);
    world_settle(world);
    assert_string_equal(client_take(client), "+OK\r\n");
    client_ask(client, "INFO commandstats");
    const char *set = strstr(client_take(client), "cmdstat_set:");
    unsigned long long duration_us, mean_us;
    assert_non_null(set);
    assert_int_equal(
        sscanf(set, "cmdstat_set:calls=1,usec=%llu,usec_per_call=%llu.00,", &duration_us, &mean_us),
        2);
    assert_true(mean_us == duration_us);
    world_free(world);
    return duration_us;
}

/* From its arrival to its reply, the wait for the disk included. */
static void test_info_tells_how_long_commands_took(void **state) {
    (void)state;
    assert_int_equal(set_duration_us(40) - set_duration_us(0), 40000);
}

/* Cumulative counts by upper bounds, of the commands named; a container stands for its subcommands,
 * and what was not called is left out. */
static void test_latency_histogram(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    client_ask(client, "CONFIG GET timeout\nOBJECT HELP\nHELLO 3");
    client_take(client);
    CLIENT_EXPECT(client, "LATENCY HISTOGRAM Config get nosuch confi",
                  "%1\r\n$10\r\nconfig|get\r\n%2\r\n$5\r\ncalls\r\n:1\r\n"
                  "$14\r\nhistogram_usec\r\n%1\r\n:10\r\n:1\r\n");
    CLIENT_EXPECT(client, "LATENCY HISTOGRAM get", "%0\r\n");
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
          cmocka_unit_test(test_cluster_shapes), cmocka_unit_test(test_cluster_of_several),
          cmocka_unit_test(test_leaders_that_nobody_told_of), cmocka_unit_test(test_keys_in_slot),
          cmocka_unit_test(test_config), cmocka_unit_test(test_settings_have_sources),
          cmocka_unit_test(test_settings_of_all_wait_for_those_of_one),
          cmocka_unit_test(test_client_list_and_kill), cmocka_unit_test(test_info),
          cmocka_unit_test(test_info_counts_what_was_met),
          cmocka_unit_test(test_info_tells_calls_rejected_and_failed),
          cmocka_unit_test(test_info_tells_how_long_commands_took),
          cmocka_unit_test(test_latency_histogram),
          cmocka_unit_test(test_commands_of_all_shards_without_any), cmocka_unit_test(test_found),
          cmocka_unit_test(test_status), cmocka_unit_test(test_every_row_has_a_function))
