/* CLUSTER, as clients of Redis Cluster read it: the table, INFO, keys and slots. The tables of
 * nodes and slots are in cluster_nodes.c and cluster_slots.c. */

#include "base/check.h"
#include "base/text/number.h"
#include "session/calls/calls.h"
#include "session/client/session.h"
#include "session/commands/cluster_facts.h"
#include "session/commands/cluster_replies.h"
#include "session/commands/commands.h"
#include "worker/leaders.h"
#include "worker/worker.h"

/* ---- INFO ---- */

struct cluster_figures {
    unsigned assigned, ok, suspect, failed; /* slots */
    unsigned known_nodes, leading_nodes;
    uint64_t current_epoch, own_epoch;
};

static void count_slots(const struct worker *worker, struct cluster_figures *figures) {
    const struct topology *topology = worker->topology;
    for (unsigned i = 1; i < topology->shard_count; i++) {
        const struct topology_shard *shard = &topology->shards[i];
        unsigned slots = slot_set_count(&shard->slots);
        uint32_t number = cluster_leader_of(worker, shard->number);
        const struct topology_node *leader = number ? topology_node(topology, number) : NULL;
        enum node_health health = leader ? cluster_health_of(worker, leader) : NODE_HAS_FAILED;
        figures->assigned += slots;
        figures->ok += health == NODE_IS_WELL || health == NODE_IS_UNHEARD ? slots : 0;
        figures->suspect += health == NODE_IS_SUSPECT ? slots : 0;
        figures->failed += health == NODE_HAS_FAILED ? slots : 0;
    }
}

static struct cluster_figures figures_of(const struct worker *worker) {
    struct cluster_figures figures = {.known_nodes = 1};
    if (!worker->topology)
        return figures;
    count_slots(worker, &figures);
    figures.known_nodes = worker->topology->node_count;
    for (unsigned i = 0; i < worker->topology->node_count; i++) {
        uint32_t node = worker->topology->nodes[i].number;
        uint64_t epoch = cluster_epoch_of(worker, node);
        figures.leading_nodes += cluster_leads_any(worker, node);
        figures.current_epoch = epoch > figures.current_epoch ? epoch : figures.current_epoch;
    }
    uint32_t master = cluster_master_of(worker, worker->self);
    figures.own_epoch = cluster_epoch_of(worker, master ? master : worker->self);
    return figures;
}

static bool cluster_info(struct session_command *call) {
    struct cluster_figures figures = figures_of(call->worker);
    bool is_ok = figures.ok + figures.suspect == SLOT_COUNT;
    struct buffer text;
    buffer_init(&text, SIZE_MAX);
    buffer_append_format(&text,
                         "cluster_state:%s\r\ncluster_slots_assigned:%u\r\ncluster_slots_ok:%u\r\n",
                         is_ok ? "ok" : "fail", figures.assigned, figures.ok);
    buffer_append_format(&text, "cluster_slots_pfail:%u\r\ncluster_slots_fail:%u\r\n",
                         figures.suspect, figures.failed);
    buffer_append_format(&text, "cluster_known_nodes:%u\r\ncluster_size:%u\r\n",
                         figures.known_nodes, figures.leading_nodes);
    buffer_append_format(&text, "cluster_current_epoch:%llu\r\ncluster_my_epoch:%llu\r\n",
                         (unsigned long long)figures.current_epoch,
                         (unsigned long long)figures.own_epoch);
    reply_verbatim(call->reply, buffer_bytes(&text));
    buffer_release(&text);
    return true;
}

/* ---- keys and slots ---- */

static bool cluster_myid(struct session_command *call) {
    reply_bulk_text(call->reply, call->worker->node_id);
    return true;
}

static bool cluster_keyslot(struct session_command *call) {
    reply_integer(call->reply, slot_of_key(call->arguments[2]));
    return true;
}

/* Asks the slot's shard, on whatever worker it is. False: the reply comes later. */
static bool ask_shard(struct session_command *call, const struct bytes *arguments, size_t count,
                      slot_number slot) {
    struct worker *worker = call->worker;
    struct session *session = call->session;
    uint32_t shard = worker->topology->slot_owner[slot];
    const struct command *command = command_find(arguments[0], BYTES_NONE);
    unsigned flags;
    (void)session_order(session, command, &flags); /* a read need not wait */
    flags = leaders_is_here(worker, shard) ? flags : 0;
    struct shard_call of_shard = {.arguments = arguments,
                                  .argument_count = count,
                                  .target = &session->target,
                                  .ticket = session_expect(session, shard, slot),
                                  .protocol = (uint8_t)session->protocol,
                                  .flags = flags | SHARD_READ_ON_FOLLOWER};
    if (calls_send(worker, shard, &of_shard) == ROUTE_BUSY) {
        session_expect_no_more(session);
        reply_error(call->reply, "TRYAGAIN too much is in flight at the shard of that slot");
        return true;
    }
    return false;
}

static bool has_replica_here(const struct worker *worker, slot_number slot) {
    uint32_t shard = worker->topology ? worker->topology->slot_owner[slot] : 0;
    return shard &&
           topology_shard_has_replica(topology_shard(worker->topology, shard), worker->self);
}

static bool cluster_countkeysinslot(struct session_command *call) {
    int64_t slot;
    if (!number_parse_i64(call->arguments[2], &slot)) {
        reply_error(call->reply, REPLY_NOT_INTEGER);
    } else if (slot < 0 || slot >= SLOT_COUNT) {
        reply_error(call->reply, "ERR Invalid slot");
    } else if (!has_replica_here(call->worker, (slot_number)slot)) {
        reply_integer(call->reply, 0);
    } else {
        const struct bytes arguments[] = {BYTES_LITERAL("trothdb.countslot"), call->arguments[2]};
        return ask_shard(call, arguments, 2, (slot_number)slot);
    }
    return true;
}

static bool cluster_getkeysinslot(struct session_command *call) {
    int64_t slot, maximum;
    if (!number_parse_i64(call->arguments[2], &slot) ||
        !number_parse_i64(call->arguments[3], &maximum)) {
        reply_error(call->reply, REPLY_NOT_INTEGER);
    } else if (slot < 0 || slot >= SLOT_COUNT || maximum < 0) {
        reply_error(call->reply, "ERR Invalid slot or number of keys");
    } else if (!has_replica_here(call->worker, (slot_number)slot)) {
        reply_array(call->reply, 0);
    } else {
        const struct bytes arguments[] = {BYTES_LITERAL("trothdb.getslot"), call->arguments[2],
                                          call->arguments[3]};
        return ask_shard(call, arguments, 3, (slot_number)slot);
    }
    return true;
}

static void reply_link(const struct worker *worker, const struct topology_node *node,
                       const struct net_link *link, struct reply *reply) {
    char id[NODE_ID_TEXT_BYTES];
    identity_node_id(node->uuid, id);
    reply_map(reply, 6);
    reply_bulk_text(reply, "direction");
    reply_bulk_text(reply, "to");
    reply_bulk_text(reply, "node");
    reply_bulk_text(reply, id);
    reply_bulk_text(reply, "create-time");
    reply_integer(reply, (int64_t)(worker_wall_ms(worker) - link->age_us / 1000));
    reply_bulk_text(reply, "events");
    reply_bulk_text(reply, link->queued_bytes ? "rw" : "r");
    reply_bulk_text(reply, "send-buffer-allocated");
    reply_integer(reply, (int64_t)link->queue_bytes);
    reply_bulk_text(reply, "send-buffer-used");
    reply_integer(reply, (int64_t)link->queued_bytes);
}

/* The streams that this worker has opened to its peers. Those that peers have opened to us carry
 * their batches, and are told by them: each stream is used one way. */
static bool cluster_links(struct session_command *call) {
    struct worker *worker = call->worker;
    struct buffer links;
    buffer_init(&links, SIZE_MAX);
    struct reply each = {.out = &links, .protocol = call->reply->protocol};
    size_t count = 0;
    for (unsigned i = 0; worker->topology && i < worker->topology->node_count; i++) {
        const struct topology_node *node = &worker->topology->nodes[i];
        struct net_link link;
        if (node->number != worker->self &&
            worker->io.net->peer_link(worker->io.net, node->number, &link)) {
            reply_link(worker, node, &link, &each);
            count++;
        }
    }
    reply_array(call->reply, count);
    buffer_append_bytes(call->reply->out, buffer_bytes(&links));
    buffer_release(&links);
    return true;
}

static bool cluster_help(struct session_command *call) {
    static const char *const lines[] = {
        "CLUSTER <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "COUNTKEYSINSLOT <slot>",
        "    How many keys of the slot this node has a replica of.",
        "GETKEYSINSLOT <slot> <count>",
        "    Some keys of the slot.",
        "INFO",
        "    The state of the cluster.",
        "KEYSLOT <key>",
        "    The slot of a key.",
        "LINKS",
        "    The streams that this node has opened to its peers.",
        "MYID",
        "    The id of this node.",
        "NODES",
        "    The nodes and their slots: <id> <host:port@peer-port> <flags> <master> <ping-sent> "
        "<pong-received>",
        "    <epoch> <link> <slots> ...",
        "REPLICAS <node-id>",
        "    The nodes that lead nothing themselves and follow that node.",
        "SHARDS",
        "    The shards, with slots and nodes.",
        "SLOTS",
        "    Ranges of slots, each with its leader and then its followers.",
        "MEET, FORGET, ADDSLOTS, SETSLOT, REPLICATE, FAILOVER, RESET and their like",
        "    are not there: nodes join, leave and change places by `trothdb cluster` (`trothdb "
        "help",
        "    cluster`), and leads move by themselves.",
    };
    reply_help(call->reply, lines, sizeof lines / sizeof lines[0]);
    return true;
}

bool cluster_command(struct session_command *call) {
    static const struct {
        const char *name;
        bool (*run)(struct session_command *call);
    } subcommands[] = {{"cluster|slots", cluster_reply_slots},
                       {"cluster|shards", cluster_reply_shards},
                       {"cluster|nodes", cluster_reply_nodes},
                       {"cluster|info", cluster_info},
                       {"cluster|myid", cluster_myid},
                       {"cluster|keyslot", cluster_keyslot},
                       {"cluster|countkeysinslot", cluster_countkeysinslot},
                       {"cluster|getkeysinslot", cluster_getkeysinslot},
                       {"cluster|replicas", cluster_reply_replicas},
                       {"cluster|slaves", cluster_reply_replicas},
                       {"cluster|links", cluster_links},
                       {"cluster|help", cluster_help}};
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++)
        if (strcmp(subcommands[i].name, call->command->name) == 0)
            return subcommands[i].run(call);
    UNREACHABLE();
}
