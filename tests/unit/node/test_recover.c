/* TROTHDB RECOVER: the control shard lost its majority, and one of its replicas is to go on alone.
 */
#include "world.h"

#include "shard/shard.h"
#include "wire/request.h"
#include "worker/worker.h"

enum { ELECTIONS_MS = 3000, LEADER = 2, TERM = 5, WISH = 7 };

/* The first of three nodes, and nobody hears it. */
static struct world *first_of_three(struct client **client) {
    struct world *world = world_new(1, (const char *const[]){"join", "127.0.0.1:17002", NULL});
    struct topology_node nodes[3];
    *client = world_connect(world, 0);
    for (unsigned i = 0; i < 3; i++)
        nodes[i] = (struct topology_node){.uuid = {(uint8_t)(i + 1)},
                                          .address = {"127.0.0.1", 7001, 17001, 9001}};
    memcpy(nodes[0].uuid, world_worker(world, 0)->identity.uuid, sizeof nodes[0].uuid);
    struct topology *topology = topology_found((const uint8_t[16]){9}, nodes, 3, 1, 3);
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, &encoded);
    const struct bytes arguments[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("FOUND"),
                                      buffer_bytes(&encoded)};
    request_encode(&(*client)->unsent, arguments, 3);
    world_pass_ms(world, ELECTIONS_MS);
    assert_string_equal(client_take(*client), "+OK\r\n");
    buffer_release(&encoded);
    topology_free(topology);
    return world;
}

/* From a leader that nobody hears of again. */
static void hear_of_change(struct shard *control, const struct raft_configuration *next) {
    struct buffer payload;
    buffer_init(&payload, RAFT_CONFIGURATION_BYTES_MAXIMUM);
    raft_configuration_encode(next, &payload);
    struct raft_entry *entry = raft_entry_new(payload.length);
    memcpy(raft_entry_payload_room(entry), buffer_data(&payload), payload.length);
    raft_entry_seal(entry, TERM, 1, RAFT_ENTRY_CONFIGURATION);
    shard_message(control, &(struct raft_message){.kind = RAFT_APPEND,
                                                  .from = LEADER,
                                                  .to = 1,
                                                  .term = TERM,
                                                  .entries = &entry,
                                                  .entry_count = 1});
    raft_entry_drop(entry);
    buffer_release(&payload);
}

static void expect_recovered(struct world *world, struct client *client) {
    struct shard *control = worker_shard(world_worker(world, 0), 0);
    assert_false(shard_is_leader(control));
    CLIENT_EXPECT(client, "TROTHDB RECOVER", "+OK\r\n");
    world_pass_ms(world, ELECTIONS_MS);
    assert_true(shard_is_leader(control));
}

/* And its log knows no newer wish than the topology does, which could not be followed any more. */
static void test_one_of_three_goes_on(void **state) {
    (void)state;
    struct client *client;
    struct world *world = first_of_three(&client);
    expect_recovered(world, client);
    struct worker *worker = world_worker(world, 0);
    uint64_t wish = raft_configuration(shard_raft(worker_shard(worker, 0)))->wish;
    assert_true(worker->topology->shards[0].wanted_epoch < worker->topology->epoch);
    assert_int_equal(wish, worker->topology->shards[0].wanted_epoch);
    world_free(world);
}

/* Other replicas of the control shard were wished for, its log says so, and the node's topology
 * does not: its disk was full when that was to be saved, or its power failed just before. */
static void test_a_wish_that_only_the_log_knows(void **state) {
    (void)state;
    struct client *client;
    struct world *world = first_of_three(&client);
    struct raft_configuration next = {.voter_count = 2,
                                      .voters = {1, LEADER},
                                      .old_voter_count = 3,
                                      .old_voters = {1, LEADER, 3},
                                      .wish = WISH};
    assert_true(world_worker(world, 0)->topology->epoch < WISH);
    hear_of_change(worker_shard(world_worker(world, 0), 0), &next);
    world_pass_ms(world, ELECTIONS_MS);
    expect_recovered(world, client);
    world_free(world);
}

/* For whoever is to say which replica goes on: where the log ends, who votes by it, and what comes
 * in. */
static void test_a_replica_says_what_it_has(void **state) {
    (void)state;
    struct client *client;
    struct world *world = first_of_three(&client);
    client_ask(client, "TROTHDB VOTERS");
    assert_non_null(strstr(client_take(client), "\n0 0 0 1,2,3 - 0 0\n"));
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_one_of_three_goes_on),
          cmocka_unit_test(test_a_replica_says_what_it_has),
          cmocka_unit_test(test_a_wish_that_only_the_log_knows))
