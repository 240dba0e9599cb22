/* What a node makes of its directory when it starts: the files "founding" and "topology", and the
 * log. */
#include "../unit.h"

#include "../store/fake_disk.h"
#include "base/memory.h"
#include "cluster/topology.h"
#include "node/node.h"
#include "replica/shards/publish.h"
#include "replica/topology/control.h"
#include "shard/shard.h"
#include "worker/worker.h"

enum { TRIED_WORKER_COUNT = 2 };

struct node {
    struct clock clock; /* first: the clock's functions find the node by it */
    struct net net;
    uint64_t now_us;
    struct config config;
    unsigned worker_index; /* the last one, which is the one that starts */
    struct node_shared *shared;
    struct fake_disk disk, node_disk;
    struct worker *worker;
    struct buffer problem;
    const char *expected_end; /* of the node's own accord; NULL: none */
    bool may_end;             /* for whatever reason */
    bool has_ended;
};

static uint64_t now_us(struct clock *clock) { return ((struct node *)(void *)clock)->now_us; }
static uint64_t wall_ms(struct clock *clock) { return 1700000000000 + now_us(clock) / 1000; }
static void on_post(void *context, unsigned receiver, struct mail *mail) {
    (void)context, (void)receiver;
    mail_free(mail);
}
static void on_fatal(void *context, const char *what) {
    struct node *node = context;
    node->has_ended = true;
    if (node->may_end)
        return;
    if (node->expected_end == NULL)
        fail_msg("the node ended: %s", what);
    assert_string_equal(what, node->expected_end);
}
static void peer_set(struct net *net, uint32_t node, const struct net_address *address) {
    (void)net, (void)node, (void)address;
}

static struct node *node_new(void) {
    struct node *node = memory_allocate_zeroed(1, sizeof *node);
    node->clock = (struct clock){.monotonic_us = now_us, .wall_ms = wall_ms};
    node->net = (struct net){.peer_set = peer_set};
    node->now_us = 5000000;
    config_init(&node->config);
    node->shared = node_shared_new(TRIED_WORKER_COUNT);
    fake_disk_init(&node->disk);
    fake_disk_init(&node->node_disk);
    buffer_init(&node->problem, 1024);
    return node;
}

static int start(struct node *node) {
    struct worker_options options = {
        .index = node->worker_index,
        .count = node->worker_index + 1,
        .identity = {.uuid = {7}, .generation = 1, .worker_count = node->worker_index + 1},
        .config = &node->config,
        .client_address = {.host = "127.0.0.1", .port = 7001},
        .peer_address = {.host = "127.0.0.1", .port = 17001},
        .admin_address = {.host = "127.0.0.1", .port = 9001},
        .seed = 42,
        .shared = node->shared,
        .io = {.clock = &node->clock,
               .disk = &node->disk.disk,
               .node_disk = &node->node_disk.disk,
               .net = &node->net,
               .post = on_post,
               .fatal = on_fatal,
               .context = node}};
    buffer_clear(&node->problem);
    int error = worker_new(&options, &node->worker, &node->problem);
    buffer_append_u8(&node->problem, 0);
    if (error)
        node->worker = NULL;
    return error;
}

static void stop(struct node *node) {
    fake_disk_run_all(&node->disk);
    worker_free(node->worker);
    node->worker = NULL;
}

static void node_free(struct node *node) {
    stop(node);
    node_shared_free(node->shared);
    config_release(&node->config);
    fake_disk_release(&node->disk);
    fake_disk_release(&node->node_disk);
    buffer_release(&node->problem);
    memory_free(node);
}

static void pass_turns(struct node *node) {
    for (unsigned i = 0; i < 10; i++) {
        node->now_us += 100000;
        worker_tick(node->worker);
        worker_turn_end(node->worker);
        fake_disk_run_all(&node->disk);
    }
}

/* As founded, and since then changed so often. */
static void encode_topology(uint8_t cluster, unsigned changes, struct buffer *encoded) {
    struct topology_node member = {
        .uuid = {7},
        .address = {.host = "127.0.0.1", .client_port = 7001, .peer_port = 1, .admin_port = 2}};
    uint8_t cluster_id[16] = {cluster};
    struct topology *topology = topology_found(cluster_id, &member, 1, 1, 1);
    static const char *const lease_ms[] = {"350", "300"};
    for (unsigned i = 0; i < changes; i++) {
        const struct bytes setting[] = {BYTES_LITERAL("setting.set"), BYTES_LITERAL("lease-ms"),
                                        bytes_of_text(lease_ms[i])};
        assert_int_equal(topology_apply(topology, setting, 3), 0);
    }
    buffer_init(encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, encoded);
    topology_free(topology);
}

static void put_topology(struct node *node, const char *name, uint8_t cluster) {
    struct buffer encoded;
    encode_topology(cluster, 1, &encoded);
    fake_disk_put(&node->node_disk, name, buffer_bytes(&encoded));
    buffer_release(&encoded);
}

static void assert_problem(struct node *node, const char *text) {
    assert_non_null(strstr((const char *)buffer_data(&node->problem), text));
}

/* A spare's first start: no files, but a log. */
static void start_as_spare(struct node *node) {
    struct buffer problem;
    buffer_init(&problem, 1024);
    assert_int_equal(config_set(&node->config, BYTES_LITERAL("join"),
                                BYTES_LITERAL("127.0.0.1:17009"), CONFIG_SOURCE_FLAG, &problem),
                     0);
    buffer_release(&problem);
    assert_int_equal(start(node), 0);
    assert_null(node->worker->topology);
    stop(node);
}

/* The node died between the two files: it belongs to the cluster that founded it, and to no other.
 */
static void test_died_between_the_files(void **state) {
    (void)state;
    struct node *node = node_new();
    start_as_spare(node);
    put_topology(node, "founding", 9);
    assert_int_equal(start(node), 0);
    assert_non_null(node->worker->topology);
    assert_int_equal(node->worker->topology->cluster_id[0], 9);
    assert_non_null(fake_disk_find(&node->node_disk, "topology"));
    node_free(node);
}

static void test_founding_lost(void **state) {
    (void)state;
    struct node *node = node_new();
    start_as_spare(node);
    put_topology(node, "topology", 9);
    assert_int_equal(start(node), ERR_DAMAGED);
    assert_problem(node, "\"founding\" is not; copy it from another node");
    put_topology(node, "founding", 9);
    assert_int_equal(start(node), 0);
    node_free(node);
}

/* A log is never taken into another cluster. */
static void test_files_lost(void **state) {
    (void)state;
    struct node *node = node_new();
    assert_int_equal(start(node), 0);
    pass_turns(node);
    stop(node);
    struct disk *disk = &node->node_disk.disk;
    assert_int_equal(disk->ops->remove(disk, "founding"), 0);
    assert_int_equal(disk->ops->remove(disk, "topology"), 0);
    assert_int_equal(start(node), ERR_DAMAGED);
    assert_problem(node, "a log here and no file \"topology\"");
    node_free(node);
}

/* A node whose log is gone has forgotten what it promised: it may not vote as if it were new. */
static void test_log_lost(void **state) {
    (void)state;
    struct node *node = node_new();
    put_topology(node, "founding", 9);
    put_topology(node, "topology", 9);
    assert_int_equal(start(node), ERR_DAMAGED);
    assert_problem(node, "the log of worker 0 is gone");
    node_free(node);
}

/* What a replica promised in its former life, by a setting of all nodes, it promises again when it
 * is made: the settings of the saved topology are in force before, on every worker. */
static void test_settings_before_replicas(void **state) {
    (void)state;
    for (unsigned index = 0; index < TRIED_WORKER_COUNT; index++) {
        struct node *node = node_new();
        node->worker_index = index;
        start_as_spare(node);
        put_topology(node, "founding", 9);
        put_topology(node, "topology", 9);
        assert_int_equal(start(node), 0);
        assert_non_null(worker_shard(node->worker, index));
        assert_int_equal(worker_config(node->worker)->lease_ms, 350);
        node_free(node);
    }
}

/* The settings of all nodes are in the topology that was saved, and an earlier life promised longer
 * than they say: that is kept until it has run off. */
static void test_former_promise(void **state) {
    (void)state;
    struct node *node = node_new();
    start_as_spare(node);
    put_topology(node, "founding", 9);
    put_topology(node, "topology", 9);
    struct promise former = {0};
    assert_int_equal(promise_open(&former, &node->disk.disk, false, 900000, 0), 0);
    assert_int_equal(start(node), 0);
    assert_int_equal(node->worker->promise.most_us, 900000);
    node->now_us += 900000;
    worker_tick(node->worker);
    assert_int_equal(node->worker->promise.most_us, 350000); /* as the topology has it */
    node_free(node);
}

/* It ends no node: it keeps the topology that it has, and takes the newer one, which is told again,
 * once it can save it. */
static void newer_topology_waits(bool is_full, int no_open) {
    struct node *node = node_new();
    struct buffer newer;
    encode_topology(9, 2, &newer);
    start_as_spare(node);
    put_topology(node, "founding", 9);
    put_topology(node, "topology", 9);
    assert_int_equal(start(node), 0);
    uint64_t epoch = node->worker->topology->epoch;
    node->node_disk.is_full = is_full;
    node->node_disk.no_open = no_open;
    control_topology_heard(node->worker, buffer_bytes(&newer), BYTES_NONE);
    assert_int_equal(node->worker->topology->epoch, epoch);
    node->node_disk.is_full = false;
    node->node_disk.no_open = 0;
    control_topology_heard(node->worker, buffer_bytes(&newer), BYTES_NONE);
    assert_int_equal(node->worker->topology->epoch, epoch + 1);
    stop(node);
    assert_int_equal(start(node), 0);
    assert_int_equal(node->worker->topology->epoch, epoch + 1);
    buffer_release(&newer);
    node_free(node);
}

static void test_newer_topology_waits_for_space(void **state) {
    (void)state;
    newer_topology_waits(true, 0);
}

static void test_newer_topology_waits_for_files(void **state) {
    (void)state;
    newer_topology_waits(false, ERR_BUSY);
    newer_topology_waits(false, ERR_NO_MEMORY);
}

/* A cluster that is founded on a full disk is not, and may be again later, with another id. */
static void test_founding_waits_for_space(void **state) {
    (void)state;
    struct node *node = node_new();
    struct buffer first, second;
    encode_topology(9, 0, &first);
    encode_topology(8, 0, &second);
    start_as_spare(node);
    assert_int_equal(start(node), 0);
    node->node_disk.is_full = true;
    buffer_clear(&node->problem);
    assert_int_equal(control_found(node->worker, buffer_bytes(&first), &node->problem),
                     ERR_NO_SPACE);
    buffer_append_u8(&node->problem, 0);
    assert_problem(node, "the topology cannot be saved in this node's directory: no space left");
    assert_null(node->worker->topology);
    node->node_disk.is_full = false;
    assert_int_equal(control_found(node->worker, buffer_bytes(&second), &node->problem), 0);
    assert_int_equal(node->worker->topology->cluster_id[0], 8);
    buffer_release(&first);
    buffer_release(&second);
    node_free(node);
}

/* The cluster as it is without this node, whose place another has taken. */
static void encode_topology_without_us(uint8_t cluster, struct buffer *encoded) {
    struct topology_node members[] = {{.uuid = {7}, .address = {.host = "127.0.0.1"}},
                                      {.uuid = {8}, .address = {.host = "127.0.0.2"}}};
    for (unsigned i = 0; i < 2; i++) {
        members[i].address.client_port = 7001;
        members[i].address.peer_port = 17001;
        members[i].address.admin_port = 9001;
    }
    uint8_t cluster_id[16] = {cluster};
    struct topology *topology = topology_found(cluster_id, members, 2, 1, 2);
    static const char *const changes[][3] = {
        {"level.raise", "1"}, {"nodes.lost", "1", "0=2,1=2"}, {"setting.set", "lease-ms", "300"}};
    for (unsigned i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct bytes arguments[3];
        size_t count = 0;
        while (count < 3 && changes[i][count]) {
            arguments[count] = bytes_of_text(changes[i][count]);
            count++;
        }
        assert_int_equal(topology_apply(topology, arguments, count), 0);
    }
    assert_non_null(topology_removed_by_uuid(topology, members[0].uuid));
    buffer_init(encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, encoded);
    topology_free(topology);
}

/* A node that was given up comes back, and its own replica of the control shard is the first to
 * tell it, as it catches up: it ends as if somebody else had said so. */
static void test_own_log_tells_of_the_removal(void **state) {
    (void)state;
    struct node *node = node_new();
    struct buffer without_us;
    encode_topology_without_us(9, &without_us);
    start_as_spare(node);
    put_topology(node, "founding", 9);
    put_topology(node, "topology", 9);
    assert_int_equal(start(node), 0);
    pass_turns(node);
    const struct bytes restore[] = {BYTES_LITERAL("topology.restore"), buffer_bytes(&without_us)};
    assert_int_equal(
        shard_propose(worker_shard(node->worker, 0), restore, 2, (struct shard_waiter){0}), 0);
    node->expected_end = "this node was removed from its cluster";
    pass_turns(node);
    assert_true(node->has_ended);
    assert_int_equal(node->worker->topology->node_count, 1); /* what it goes on with until then */
    stop(node);
    assert_int_equal(start(node), ERR_INVALID);
    assert_problem(node, "this node was removed from its cluster");
    buffer_release(&without_us);
    node_free(node);
}

/* A spare that was added and removed before it heard of either: nobody will ever take it, and it
 * says so, instead of waiting in silence. */
static void test_a_spare_hears_that_it_was_removed(void **state) {
    (void)state;
    struct node *node = node_new();
    struct buffer without_us, reason;
    encode_topology_without_us(9, &without_us);
    buffer_init(&reason, 1024);
    start_as_spare(node);
    assert_int_equal(start(node), 0);
    pass_turns(node);
    control_topology_heard(node->worker, buffer_bytes(&without_us), BYTES_NONE);
    control_topology_heard(node->worker, buffer_bytes(&without_us), BYTES_NONE);
    publish_statistics(node->worker);
    assert_false(node->has_ended);
    assert_null(node->worker->topology);
    assert_false(node_shared_is_ready(node->worker->shared, &reason));
    buffer_append_u8(&reason, 0);
    assert_non_null(strstr((const char *)buffer_data(&reason), "remove its directory"));
    buffer_release(&reason);
    buffer_release(&without_us);
    node_free(node);
}

/* ---- the directory refuses one call ---- */

enum { CALLS_MAXIMUM = 200 };

/* What a life of the node has told: of which cluster it is, and how far its topology had come. */
struct told {
    bool is_any;
    uint8_t cluster_id[16];
    uint64_t epoch;
};

static void note_told(const struct node *node, struct told *told) {
    const struct topology *topology = node->worker->topology;
    assert_non_null(topology);
    if (told->is_any)
        assert_memory_equal(topology->cluster_id, told->cluster_id, sizeof told->cluster_id);
    assert_true(topology->epoch >= told->epoch);
    told->is_any = true;
    told->epoch = topology->epoch;
    memcpy(told->cluster_id, topology->cluster_id, sizeof told->cluster_id);
}

/* As a process: its generation is raised first, which also makes durable what an earlier life may
 * have left in the directory without having synced it. Then it founds a cluster of its own, or goes
 * on with it, and says where it listens, which changes the topology. */
static int live(struct node *node, struct told *told) {
    struct identity identity;
    node->has_ended = false;
    buffer_clear(&node->problem);
    int error = identity_open(&node->node_disk.disk, (const uint8_t[NODE_UUID_BYTES]){7}, 1,
                              &identity, &node->problem);
    error = error ? error : start(node);
    assert_int_equal(node->problem.length > 1, error != 0);
    if (error)
        return error;
    note_told(node, told);
    pass_turns(node);
    if (!node->has_ended)
        note_told(node, told);
    stop(node);
    return 0;
}

/* Two lives, in one of which a call fails; then the power does, or not, and the third one is of the
 * same cluster and has heard no less. False: there is no such call. */
static bool fail_one(enum fake_call call, unsigned nth, unsigned seed) {
    struct node *node = node_new();
    struct random random;
    struct told told = {.is_any = false};
    random_init(&random, seed);
    node->may_end = true;
    fake_disk_fail_call(&node->node_disk, call, nth);
    for (unsigned life = 0; life < 2; life++) {
        unsigned failed = node->node_disk.failed_calls;
        int error = live(node, &told);
        assert_true((error == 0 && !node->has_ended) || node->node_disk.failed_calls > failed);
    }
    bool is_hit = node->node_disk.failed_calls > 0;
    fake_disk_fail_call(&node->node_disk, call, 0);
    if (seed) {
        fake_disk_crash(&node->node_disk, &random);
        fake_disk_crash(&node->disk, &random);
    }
    node->may_end = false;
    assert_int_equal(live(node, &told), 0);
    node_free(node);
    return is_hit;
}

static void test_any_one_call_for_the_files_fails(void **state) {
    (void)state;
    unsigned failures = 0;
    for (enum fake_call call = 0; call < FAKE_CALL_COUNT; call++)
        for (unsigned nth = 1; fail_one(call, nth, 0); nth++, failures++) {
            assert_true(nth < CALLS_MAXIMUM);
            for (unsigned seed = 1; seed < 3; seed++)
                (void)fail_one(call, nth, seed);
        }
    assert_true(failures > 20);
}

RUN_TESTS(cmocka_unit_test(test_any_one_call_for_the_files_fails),
          cmocka_unit_test(test_former_promise),
          cmocka_unit_test(test_own_log_tells_of_the_removal),
          cmocka_unit_test(test_a_spare_hears_that_it_was_removed),
          cmocka_unit_test(test_newer_topology_waits_for_space),
          cmocka_unit_test(test_newer_topology_waits_for_files),
          cmocka_unit_test(test_founding_waits_for_space),
          cmocka_unit_test(test_settings_before_replicas), cmocka_unit_test(test_log_lost),
          cmocka_unit_test(test_died_between_the_files), cmocka_unit_test(test_founding_lost),
          cmocka_unit_test(test_files_lost))
