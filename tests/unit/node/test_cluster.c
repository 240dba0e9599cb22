/* CLUSTER and TROTHDB: what a node tells of the topology, and of leaders that it knows by hearsay;
 * a batch from another node; and a spare that is given a topology. */
#include "world.h"

#include "replica/peers.h"
#include "wire/peer_message.h"
#include "wire/request.h"
#include "wire/response.h"
#include "worker/worker.h"

#define SELF        "1032547698ba4cfe80010203040506070621cbdb"
#define FOUR_SHARDS ((const char *const[]){"shards", "4", NULL})
#define TWO_SHARDS  ((const char *const[]){"shards", "2", NULL})

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

/* A worker reads some messages of a batch before it acts on the first: it acts on all, however many
 * there are, and whatever shards they name. */
static void test_batch_of_many_messages(void **state) {
    (void)state;
    struct three scene;
    three_set_up(&scene, 4, 3);
    const struct topology *topology = scene.worker->topology;
    struct metric_cell *received =
        metrics_cell(scene.worker->metrics, METRIC_raft_messages_received_total, "pre_vote");
    uint64_t before = metric_value(received);
    struct buffer bytes;
    buffer_init(&bytes, SIZE_MAX);
    peer_batch_begin(&bytes, &(struct peer_batch){.cluster_id = bytes_of(topology->cluster_id, 16),
                                                  .from = 2,
                                                  .to = scene.worker->self,
                                                  .protocol = 2,
                                                  .workers = 1});
    for (unsigned i = 0; i < 40; i++) {
        struct peer_raft message = {
            .shard = i % 8 < 4 ? 1 + i % 4 : 1000 * i, .kind = RAFT_PRE_VOTE, .term = 1};
        peer_raft_append(&bytes, &message, 0);
    }
    assert_int_equal(peers_take(scene.worker, buffer_bytes(&bytes)), 0);
    assert_int_equal(metric_value(received) - before, 20); /* half of the shards are not here */
    buffer_release(&bytes);
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

RUN_TESTS(cmocka_unit_test(test_cluster_shapes), cmocka_unit_test(test_cluster_of_several),
          cmocka_unit_test(test_leaders_that_nobody_told_of),
          cmocka_unit_test(test_batch_of_many_messages), cmocka_unit_test(test_keys_in_slot),
          cmocka_unit_test(test_found), cmocka_unit_test(test_status))
