/* bench-entry [SHARDS [PIPELINE [BYTES [REPEATS]]]]: what the workers of three nodes do themselves
 * for a SET, in one thread, on disks, streams and a clock in memory. Nothing of the kernel is in
 * it, and every run takes the same way: so two builds can be told apart where bench/run sees only
 * noise, and `valgrind --tool=callgrind` counts instructions.
 *
 *   50 clients write to the leaders --> turns of the nodes --> answered, all of them: a round
 *
 * A repeat is 100 rounds. Prints the processor time that a command took all three nodes together,
 * in the middle one of the repeats and in the fastest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/containers/queue.h"
#include "base/memory.h"
#include "base/random.h"
#include "cluster/topology.h"
#include "entry_disk.h"
#include "io/process.h"
#include "node/node.h"
#include "replica/peers.h"
#include "session/clients.h"
#include "slot/slot.h"
#include "wire/request.h"
#include "worker/worker.h"

enum {
    NODES = 3,
    CLIENTS = 50,
    KEYS = 100000,
    VALUE_MAXIMUM = 65536,
    BATCHES = 64, /* of requests that are made beforehand, and sent over and over */
    ROUNDS = 100,
    WARM_REPEATS = 3,
    REPEAT_MAXIMUM = 1000,
    STEP_US = 60,          /* that pass between two turns of a node */
    FOUNDING_STEPS = 20000 /* of a millisecond: until each shard has the leader it is to have */
};

struct options {
    unsigned shards, pipeline, bytes, repeats;
};

struct node {
    struct net net; /* first: the calls find the node by it */
    struct bench *bench;
    unsigned index;
    struct memory_disk *disk, *node_disk;
    struct worker *worker;
    struct queue received; /* struct buffer: batches of other nodes */
    struct queue mail;     /* struct mail * */
    struct session *founder, *clients[CLIENTS];
};

struct bench {
    struct clock clock; /* first: the calls find the bench by it */
    uint64_t now_us, answered_bytes;
    struct node nodes[NODES];
    struct buffer requests[BATCHES][CLIENTS][NODES];
};

/* ---- the world ---- */

static uint64_t monotonic_us(struct clock *clock) {
    return ((struct bench *)(void *)clock)->now_us;
}
static uint64_t wall_ms(struct clock *clock) { return 1700000000000 + monotonic_us(clock) / 1000; }
static uint64_t wall_us(struct clock *clock) { return wall_ms(clock) * 1000; }

static void peer_set(struct net *net, uint32_t node, const struct net_address *address) {
    (void)net, (void)node, (void)address;
}
static bool peer_send(struct net *net, uint32_t node, struct bytes message) {
    struct bench *bench = ((struct node *)(void *)net)->bench;
    struct buffer *batch = queue_push(&bench->nodes[node - 1].received);
    buffer_init(batch, SIZE_MAX);
    buffer_append_bytes(batch, message);
    return true;
}
static bool peer_link(struct net *net, uint32_t node, struct net_link *link) {
    (void)net, (void)node;
    *link = (struct net_link){0};
    return true;
}
static void datagram_send(struct net *net, const struct net_address *to, struct bytes datagram) {
    (void)net, (void)to, (void)datagram;
}

/* A founder's answer is looked at, a client's is OK. */
static void client_output(void *context, struct session *session, void *handle) {
    (void)handle;
    struct node *node = context;
    struct buffer *output = clients_output(session);
    CHECK(buffer_data(output)[0] == '+');
    if (session != node->founder)
        node->bench->answered_bytes += output->length;
    buffer_consume(output, output->length);
}
static void client_close(void *context, struct session *session, void *handle) {
    (void)context, (void)session, (void)handle;
}
static void client_pause(void *context, struct session *session, void *handle, bool is_paused) {
    (void)context, (void)session, (void)handle, (void)is_paused;
}
static void post(void *context, unsigned receiver, struct mail *mail) {
    struct node *node = context;
    if (receiver == 0)
        *(struct mail **)queue_push(&node->mail) = mail;
    else
        mail_free(mail);
}
static void process_facts(struct process_facts *out) {
    *out = (struct process_facts){.system = "a bench", .id = 1};
}
static void fatal(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "bench-entry: a node ended: %s\n", what);
    exit(1);
}

/* ---- the nodes ---- */

static void turn(struct node *node) {
    for (size_t left = queue_count(&node->received); left > 0; left--) {
        struct buffer batch = *(struct buffer *)queue_front(&node->received);
        queue_pop(&node->received);
        (void)!peers_take(node->worker, buffer_bytes(&batch)); /* a spare refuses some */
        buffer_release(&batch);
    }
    while (queue_count(&node->mail)) {
        struct mail *mail = *(struct mail **)queue_front(&node->mail);
        queue_pop(&node->mail);
        worker_mail(node->worker, mail);
    }
    if (node->bench->now_us >= worker_deadline_us(node->worker))
        worker_tick(node->worker);
    worker_turn_end(node->worker);
    memory_disk_run(node->disk);
    memory_disk_run(node->node_disk);
    worker_turn_end(node->worker);
}

static void step(struct bench *bench, unsigned us) {
    bench->now_us += us;
    for (unsigned i = 0; i < NODES; i++)
        turn(&bench->nodes[i]);
}

static struct net_address address_of(unsigned index, unsigned base) {
    return (struct net_address){.host = "127.0.0.1", .port = (uint16_t)(base + index)};
}

static void start(struct bench *bench, unsigned index, const struct config *config) {
    struct node *node = &bench->nodes[index];
    node->bench = bench;
    node->index = index;
    node->net = (struct net){.peer_set = peer_set,
                             .peer_send = peer_send,
                             .peer_link = peer_link,
                             .datagram_send = datagram_send};
    node->disk = memory_disk_new();
    node->node_disk = memory_disk_new();
    queue_init(&node->received, sizeof(struct buffer));
    queue_init(&node->mail, sizeof(struct mail *));
    struct worker_options options = {.count = 1,
                                     .identity = {.generation = 1, .worker_count = 1},
                                     .config = config,
                                     .client_address = address_of(index, 7001),
                                     .peer_address = address_of(index, 17001),
                                     .admin_address = address_of(index, 9001),
                                     .seed = 42 + index,
                                     .shared = node_shared_new(1),
                                     .io = {.clock = &bench->clock,
                                            .disk = memory_disk_door(node->disk),
                                            .node_disk = memory_disk_door(node->node_disk),
                                            .net = &node->net,
                                            .client_output = client_output,
                                            .client_close = client_close,
                                            .client_pause = client_pause,
                                            .post = post,
                                            .process_facts = process_facts,
                                            .fatal = fatal,
                                            .context = node}};
    memset(options.identity.uuid, (int)index + 1, sizeof options.identity.uuid);
    struct buffer problem;
    buffer_init(&problem, 1024);
    int error = worker_new(&options, &node->worker, &problem);
    CHECK(error == 0);
    buffer_release(&problem);
}

static void read_settings(struct config *config) {
    struct buffer problem;
    buffer_init(&problem, 1024);
    config_init(config);
    /* Spares, that are founded together. */
    int error = config_set(config, BYTES_LITERAL("join"), BYTES_LITERAL("127.0.0.1:1"),
                           CONFIG_SOURCE_FILE, &problem);
    CHECK(error == 0);
    buffer_release(&problem);
}

static void feed(struct node *node, struct session *session, struct bytes bytes) {
    while (bytes.length) {
        size_t room;
        uint8_t *at = clients_room(node->worker, session, &room);
        size_t length = bytes.length < room ? bytes.length : room;
        CHECK(at != NULL);
        memcpy(at, bytes.data, length);
        clients_input(node->worker, session, length);
        bytes = bytes_of(bytes.data + length, bytes.length - length);
    }
}

static void found(struct bench *bench, unsigned shards) {
    struct topology_node nodes[NODES] = {0};
    for (unsigned i = 0; i < NODES; i++) {
        nodes[i].number = i + 1;
        memset(nodes[i].uuid, (int)i + 1, sizeof nodes[i].uuid);
        nodes[i].address = (struct topology_address){"127.0.0.1", (uint16_t)(7001 + i),
                                                     (uint16_t)(17001 + i), (uint16_t)(9001 + i)};
    }
    const uint8_t cluster_id[16] = {1};
    struct topology *topology = topology_found(cluster_id, nodes, NODES, shards, NODES);
    struct buffer encoded, request;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    buffer_init(&request, SIZE_MAX);
    topology_encode(topology, &encoded);
    const struct bytes words[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("FOUND"),
                                  buffer_bytes(&encoded)};
    request_encode(&request, words, 3);
    for (unsigned i = 0; i < NODES; i++) {
        struct node *node = &bench->nodes[i];
        node->founder = clients_open(node->worker, NULL, "10.0.0.1:5000", "127.0.0.1:7001");
        feed(node, node->founder, buffer_bytes(&request));
    }
    for (unsigned i = 0; i < FOUNDING_STEPS; i++)
        step(bench, 1000);
    buffer_release(&encoded);
    buffer_release(&request);
    topology_free(topology);
}

/* ---- the load ---- */

/* A client of a cluster: each command goes to the node that leads its key's shard. */
static void make_requests(struct bench *bench, const struct options *options) {
    static char value[VALUE_MAXIMUM];
    struct random random;
    random_init(&random, 1);
    memset(value, 'x', sizeof value);
    const struct worker *worker = bench->nodes[0].worker;
    for (unsigned i = 0; i < BATCHES * CLIENTS; i++) {
        struct buffer *requests = bench->requests[i / CLIENTS][i % CLIENTS];
        for (unsigned node = 0; node < NODES; node++)
            buffer_init(&requests[node], SIZE_MAX);
        for (unsigned command = 0; command < options->pipeline; command++) {
            char key[32];
            snprintf(key, sizeof key, "key:%012u", (unsigned)random_below(&random, KEYS));
            uint32_t shard = worker->topology->slot_owner[slot_of_key(bytes_of_text(key))];
            const struct bytes words[] = {BYTES_LITERAL("SET"), bytes_of_text(key),
                                          bytes_of(value, options->bytes)};
            CHECK(worker->leaders[shard].node != 0);
            request_encode(&requests[worker->leaders[shard].node - 1], words, 3);
        }
    }
}

static void connect_clients(struct node *node) {
    for (unsigned i = 0; i < CLIENTS; i++)
        node->clients[i] = clients_open(node->worker, node, "10.0.0.2:5000", "127.0.0.1:7001");
}

static void run_round(struct bench *bench, const struct options *options, unsigned number) {
    uint64_t until_bytes = bench->answered_bytes + strlen("+OK\r\n") * CLIENTS * options->pipeline;
    for (unsigned i = 0; i < NODES * CLIENTS; i++) {
        struct node *node = &bench->nodes[i / CLIENTS];
        unsigned client = i % CLIENTS;
        const struct buffer *requests = &bench->requests[number % BATCHES][client][node->index];
        feed(node, node->clients[client], buffer_bytes(requests));
    }
    while (bench->answered_bytes < until_bytes)
        step(bench, STEP_US);
}

static double processor_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t entries_applied(const struct bench *bench, unsigned shards) {
    uint64_t count = 0;
    for (unsigned shard = 1; shard <= shards; shard++)
        count += shard_applied_index(bench->nodes[0].worker->shards[shard]);
    return count;
}

static int by_value(const void *a, const void *b) {
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

static void measure(struct bench *bench, const struct options *options) {
    double ns[REPEAT_MAXIMUM];
    double commands = (double)ROUNDS * CLIENTS * options->pipeline;
    uint64_t entries = entries_applied(bench, options->shards);
    for (unsigned repeat = 0; repeat < WARM_REPEATS + options->repeats; repeat++) {
        double begun = processor_seconds();
        for (unsigned i = 0; i < ROUNDS; i++)
            run_round(bench, options, repeat * ROUNDS + i);
        if (repeat >= WARM_REPEATS)
            ns[repeat - WARM_REPEATS] = (processor_seconds() - begun) * 1e9 / commands;
    }
    entries = entries_applied(bench, options->shards) - entries;
    qsort(ns, options->repeats, sizeof ns[0], by_value);
    printf(
        "%u shards, pipeline %u, %u bytes: %.0f ns a command, least %.0f; %.1f commands an entry\n",
        options->shards, options->pipeline, options->bytes, ns[options->repeats / 2], ns[0],
        commands * (WARM_REPEATS + options->repeats) / (double)entries);
}

/* The argument at `at`, if it is there and in the range. */
static unsigned argument(int argc, char **argv, int at, unsigned otherwise, unsigned most) {
    unsigned long value = argc > at ? strtoul(argv[at], NULL, 10) : otherwise;
    if (value == 0 || value > most) {
        fprintf(stderr, "usage: bench-entry [SHARDS [PIPELINE [BYTES [REPEATS]]]]\n");
        exit(2);
    }
    return (unsigned)value;
}

int main(int argc, char **argv) {
    struct options options = {.shards = argument(argc, argv, 1, 64, TOPOLOGY_SHARD_MAXIMUM),
                              .pipeline = argument(argc, argv, 2, 16, 1024),
                              .bytes = argument(argc, argv, 3, 3, VALUE_MAXIMUM),
                              .repeats = argument(argc, argv, 4, 20, REPEAT_MAXIMUM)};
    struct bench *bench = memory_allocate_zeroed(1, sizeof *bench);
    bench->clock =
        (struct clock){.monotonic_us = monotonic_us, .wall_ms = wall_ms, .wall_us = wall_us};
    bench->now_us = 5000000;
    struct config config;
    read_settings(&config);
    for (unsigned i = 0; i < NODES; i++)
        start(bench, i, &config);
    found(bench, options.shards);
    make_requests(bench, &options);
    for (unsigned i = 0; i < NODES; i++)
        connect_clients(&bench->nodes[i]);
    measure(bench, &options);
    return 0; /* what is left of it ends with the process */
}
