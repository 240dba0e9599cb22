/* CLUSTER, as clients of Redis Cluster read it. A node is the master of the slots whose shards it
 * leads. One that leads nothing is the slave of a leader whose shard it follows. Where no leader is
 * known, nobody is said to serve the slots. */
#include <stdio.h>

#include "base/check.h"
#include "base/number.h"
#include "session/calls.h"
#include "session/session.h"
#include "session/session_command.h"
#include "worker/leaders.h"
#include "worker/statistics.h"
#include "worker/worker.h"

/* ---- who leads what ---- */

static uint32_t leader_of(const struct worker *worker, uint32_t shard) {
    return worker->leaders[shard].node;
}

/* All slots whose shards the node leads. False: none. */
static bool led_slots(const struct worker *worker, uint32_t node, struct slot_set *slots) {
    slot_set_clear(slots);
    bool is_leading = false;
    for (unsigned i = 1; i < worker->topology->shard_count; i++) {
        const struct topology_shard *shard = &worker->topology->shards[i];
        if (leader_of(worker, shard->number) != node) {
            continue;
        }
        is_leading = true;
        for (size_t word = 0; word < SLOT_COUNT / 64; word++) {
            slots->words[word] |= shard->slots.words[word];
        }
    }
    return is_leading;
}

static bool leads_any(const struct worker *worker, uint32_t node) {
    for (unsigned i = 1; i < worker->topology->shard_count; i++) {
        if (leader_of(worker, worker->topology->shards[i].number) == node) {
            return true;
        }
    }
    return false;
}

uint32_t cluster_master_of(const struct worker *worker, uint32_t node) {
    if (!worker->topology || leads_any(worker, node)) {
        return 0;
    }
    uint32_t any = 0;
    for (unsigned i = 1; i < worker->topology->shard_count; i++) {
        const struct topology_shard *shard = &worker->topology->shards[i];
        uint32_t leader = leader_of(worker, shard->number);
        if (leader && topology_shard_has_replica(shard, node)) {
            return leader;
        }
        any = any ? any : leader;
    }
    return any;
}

/* Terms stand for the epochs of Redis: the higher one's claim to a slot is the newer. */
static uint64_t epoch_of(const struct worker *worker, uint32_t node) {
    uint64_t epoch = 0;
    for (unsigned i = 1; i < worker->topology->shard_count; i++) {
        const struct shard_leader *leader = &worker->leaders[worker->topology->shards[i].number];
        epoch = leader->node == node && leader->term > epoch ? leader->term : epoch;
    }
    return epoch;
}

static const struct member_view_entry *member_of(const struct worker *worker,
                                                 const struct topology_node *node) {
    return member_view_find(&worker->members, node->uuid);
}

enum node_health {
    NODE_IS_WELL,
    NODE_IS_SUSPECT,
    NODE_HAS_FAILED,
    NODE_IS_UNHEARD /* by gossip, since the start */
};

static enum node_health health_of(const struct worker *worker, const struct topology_node *node) {
    const struct member_view_entry *member = member_of(worker, node);
    if (node->number == worker->self) {
        return NODE_IS_WELL;
    }
    if (!member) {
        return NODE_IS_UNHEARD;
    }
    switch (member->state) {
    case GOSSIP_ALIVE:
    case GOSSIP_JOINING:
        return NODE_IS_WELL;
    case GOSSIP_SUSPECT:
        return NODE_IS_SUSPECT;
    case GOSSIP_DEAD:
    case GOSSIP_LEFT:
        return NODE_HAS_FAILED;
    }
    UNREACHABLE();
}

/* ---- NODES ---- */

struct node_line {
    const char *id;
    const char *host;
    uint16_t client_port, peer_port;
    bool is_self;
    enum node_health health;
    const char *master_id; /* NULL: it is one */
    uint64_t heard_ms, epoch;
    const struct slot_set *slots;
};

static void append_ranges(const struct slot_set *slots, struct buffer *out) {
    unsigned next = 0;
    slot_number first, last;
    while (slot_set_range(slots, &next, &first, &last)) {
        buffer_append_format(out, first == last ? " %u" : " %u-%u", first, last);
    }
}

static void append_line(const struct node_line *line, struct buffer *out) {
    static const char *const failures[] = {[NODE_IS_WELL] = "",
                                           [NODE_IS_SUSPECT] = ",fail?",
                                           [NODE_HAS_FAILED] = ",fail",
                                           [NODE_IS_UNHEARD] = ""};
    bool is_connected = line->health == NODE_IS_WELL || line->health == NODE_IS_SUSPECT;
    buffer_append_format(out, "%s %s:%u@%u %s%s%s %s 0 %llu %llu %s", line->id, line->host,
                         line->client_port, line->peer_port, line->is_self ? "myself," : "",
                         line->master_id ? "slave" : "master", failures[line->health],
                         line->master_id ? line->master_id : "-",
                         (unsigned long long)line->heard_ms, (unsigned long long)line->epoch,
                         is_connected ? "connected" : "disconnected");
    append_ranges(line->slots, out);
    buffer_append_text(out, "\n");
}

/* The wall's time of the last direct contact; 0 for this node itself, as in Redis. */
static uint64_t heard_ms(const struct worker *worker, const struct topology_node *node) {
    const struct member_view_entry *member = member_of(worker, node);
    uint64_t now_us = worker_now_us(worker), now_ms = worker_wall_ms(worker);
    if (node->number == worker->self || !member || member->heard_us == 0 ||
        member->heard_us > now_us) {
        return 0;
    }
    uint64_t ago_ms = (now_us - member->heard_us) / 1000;
    return ago_ms < now_ms ? now_ms - ago_ms : 0;
}

static void append_node(const struct worker *worker, const struct topology_node *node,
                        struct buffer *out) {
    char id[NODE_ID_TEXT_BYTES], master_id[NODE_ID_TEXT_BYTES];
    struct slot_set slots;
    identity_node_id(node->uuid, id);
    led_slots(worker, node->number, &slots);
    uint32_t master = cluster_master_of(worker, node->number);
    if (master) {
        const struct topology_node *leader = topology_node(worker->topology, master);
        CHECK(leader != NULL);
        identity_node_id(leader->uuid, master_id);
    }
    struct node_line line = {.id = id,
                             .host = node->address.host,
                             .client_port = node->address.client_port,
                             .peer_port = node->address.peer_port,
                             .is_self = node->number == worker->self,
                             .health = health_of(worker, node),
                             .master_id = master ? master_id : NULL,
                             .heard_ms = heard_ms(worker, node),
                             .epoch = epoch_of(worker, master ? master : node->number),
                             .slots = &slots};
    append_line(&line, out);
}

/* A spare knows only itself. */
static void append_spare(const struct worker *worker, struct buffer *out) {
    struct slot_set none;
    slot_set_clear(&none);
    struct node_line line = {.id = worker->node_id,
                             .host = worker->client_address.host,
                             .client_port = worker->client_address.port,
                             .peer_port = worker->peer_address.port,
                             .is_self = true,
                             .slots = &none};
    append_line(&line, out);
}

static bool cluster_nodes(struct session_command *call) {
    const struct worker *worker = call->worker;
    struct buffer text;
    buffer_init(&text, SIZE_MAX);
    if (!worker->topology) {
        append_spare(worker, &text);
    } else {
        for (unsigned i = 0; i < worker->topology->node_count; i++) {
            append_node(worker, &worker->topology->nodes[i], &text);
        }
    }
    reply_verbatim(call->reply, "txt", buffer_bytes(&text));
    buffer_release(&text);
    return true;
}

static const struct topology_node *node_by_id(const struct worker *worker, struct bytes id) {
    for (unsigned i = 0; worker->topology && i < worker->topology->node_count; i++) {
        char text[NODE_ID_TEXT_BYTES];
        identity_node_id(worker->topology->nodes[i].uuid, text);
        if (bytes_equal(id, bytes_of_text(text))) {
            return &worker->topology->nodes[i];
        }
    }
    return NULL;
}

static void reply_replicas(const struct worker *worker, uint32_t master, struct reply *reply) {
    size_t count = 0;
    for (unsigned i = 0; i < worker->topology->node_count; i++) {
        count += cluster_master_of(worker, worker->topology->nodes[i].number) == master;
    }
    reply_array(reply, count);
    for (unsigned i = 0; i < worker->topology->node_count; i++) {
        const struct topology_node *node = &worker->topology->nodes[i];
        if (cluster_master_of(worker, node->number) == master) {
            struct buffer line;
            buffer_init(&line, SIZE_MAX);
            append_node(worker, node, &line);
            buffer_truncate(&line, line.length - 1); /* no line end here */
            reply_bulk(reply, buffer_bytes(&line));
            buffer_release(&line);
        }
    }
}

static bool cluster_replicas(struct session_command *call) {
    const struct worker *worker = call->worker;
    struct bytes id = call->arguments[2];
    const struct topology_node *node = node_by_id(worker, id);
    if (node && cluster_master_of(worker, node->number) == 0) {
        reply_replicas(worker, node->number, call->reply);
    } else if (node) {
        reply_error(call->reply, "ERR The specified node is not a master");
    } else if (!worker->topology && bytes_equal(id, bytes_of_text(worker->node_id))) {
        reply_array(call->reply, 0);
    } else {
        reply_error_format(call->reply, "ERR Unknown node %.*s", BYTES_PRINT(id));
    }
    return true;
}

/* ---- SLOTS and SHARDS ---- */

/* The replicas of a shard that clients should hear of, the leader first. 0: no leader is known. */
static size_t told_replicas(const struct worker *worker, const struct topology_shard *shard,
                            bool with_failed,
                            const struct topology_node *out[TOPOLOGY_REPLICA_MAXIMUM + 1]) {
    uint32_t leader = leader_of(worker, shard->number);
    const struct topology_node *first = leader ? topology_node(worker->topology, leader) : NULL;
    if (!first) {
        return 0;
    }
    size_t count = 0;
    out[count++] = first;
    for (unsigned i = 0; i < shard->replica_count; i++) {
        const struct topology_node *node = topology_node(worker->topology, shard->replicas[i]);
        if (node != first && (with_failed || health_of(worker, node) != NODE_HAS_FAILED)) {
            out[count++] = node;
        }
    }
    return count;
}

static void reply_slots_node(const struct topology_node *node, struct reply *reply) {
    char id[NODE_ID_TEXT_BYTES];
    identity_node_id(node->uuid, id);
    reply_array(reply, 4);
    reply_bulk_text(reply, node->address.host);
    reply_integer(reply, node->address.client_port);
    reply_bulk_text(reply, id);
    reply_map(reply, 0); /* no other names of the node */
}

/* The end of the range of slots that belongs to one shard and begins here. */
static unsigned range_last(const struct topology *topology, unsigned first) {
    unsigned last = first;
    while (last + 1 < SLOT_COUNT && topology->slot_owner[last + 1] == topology->slot_owner[first]) {
        last++;
    }
    return last;
}

/* Ascending ranges, one after the other; writes them, or with reply == NULL only counts them. */
static size_t walk_slots(const struct worker *worker, struct reply *reply) {
    const struct topology *topology = worker->topology;
    size_t count = 0;
    for (unsigned first = 0, last; first < SLOT_COUNT; first = last + 1) {
        last = range_last(topology, first);
        const struct topology_node *nodes[TOPOLOGY_REPLICA_MAXIMUM + 1];
        uint32_t owner = topology->slot_owner[first];
        size_t told =
            owner ? told_replicas(worker, topology_shard(topology, owner), false, nodes) : 0;
        if (told == 0) {
            continue;
        }
        count++;
        if (reply) {
            reply_array(reply, 2 + told);
            reply_integer(reply, first);
            reply_integer(reply, last);
            for (size_t i = 0; i < told; i++) {
                reply_slots_node(nodes[i], reply);
            }
        }
    }
    return count;
}

static bool cluster_slots(struct session_command *call) {
    if (!call->worker->topology) {
        reply_array(call->reply, 0);
        return true;
    }
    reply_array(call->reply, walk_slots(call->worker, NULL));
    walk_slots(call->worker, call->reply);
    return true;
}

static void reply_shards_slots(const struct slot_set *slots, struct reply *reply) {
    size_t count = 0;
    unsigned next = 0;
    slot_number first, last;
    while (slot_set_range(slots, &next, &first, &last)) {
        count += 2;
    }
    reply_array(reply, count);
    next = 0;
    while (slot_set_range(slots, &next, &first, &last)) {
        reply_integer(reply, first);
        reply_integer(reply, last);
    }
}

/* replication-offset is known of this node's own replicas only: the applied index. */
static void reply_shards_node(const struct worker *worker, uint32_t shard,
                              const struct topology_node *node, bool is_leader,
                              struct reply *reply) {
    char id[NODE_ID_TEXT_BYTES];
    identity_node_id(node->uuid, id);
    bool is_self = node->number == worker->self;
    reply_map(reply, is_self ? 7 : 6);
    reply_bulk_text(reply, "id");
    reply_bulk_text(reply, id);
    reply_bulk_text(reply, "port");
    reply_integer(reply, node->address.client_port);
    reply_bulk_text(reply, "ip");
    reply_bulk_text(reply, node->address.host);
    reply_bulk_text(reply, "endpoint");
    reply_bulk_text(reply, node->address.host);
    reply_bulk_text(reply, "role");
    reply_bulk_text(reply, is_leader ? "master" : "replica");
    if (is_self) {
        reply_bulk_text(reply, "replication-offset");
        reply_integer(reply,
                      (int64_t)atomic_load_explicit(&worker->shared->shards[shard].applied_index,
                                                    memory_order_relaxed));
    }
    reply_bulk_text(reply, "health");
    reply_bulk_text(reply, health_of(worker, node) == NODE_HAS_FAILED ? "failed" : "online");
}

static size_t walk_shards(const struct worker *worker, struct reply *reply) {
    size_t count = 0;
    for (unsigned i = 1; worker->topology && i < worker->topology->shard_count; i++) {
        const struct topology_shard *shard = &worker->topology->shards[i];
        const struct topology_node *nodes[TOPOLOGY_REPLICA_MAXIMUM + 1];
        size_t told = told_replicas(worker, shard, true, nodes);
        if (told == 0) {
            continue;
        }
        count++;
        if (!reply) {
            continue;
        }
        reply_map(reply, 2);
        reply_bulk_text(reply, "slots");
        reply_shards_slots(&shard->slots, reply);
        reply_bulk_text(reply, "nodes");
        reply_array(reply, told);
        for (size_t at = 0; at < told; at++) {
            reply_shards_node(worker, shard->number, nodes[at], at == 0, reply);
        }
    }
    return count;
}

static bool cluster_shards(struct session_command *call) {
    reply_array(call->reply, walk_shards(call->worker, NULL));
    walk_shards(call->worker, call->reply);
    return true;
}

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
        uint32_t number = leader_of(worker, shard->number);
        const struct topology_node *leader = number ? topology_node(topology, number) : NULL;
        enum node_health health = leader ? health_of(worker, leader) : NODE_HAS_FAILED;
        figures->assigned += slots;
        figures->ok += health == NODE_IS_WELL || health == NODE_IS_UNHEARD ? slots : 0;
        figures->suspect += health == NODE_IS_SUSPECT ? slots : 0;
        figures->failed += health == NODE_HAS_FAILED ? slots : 0;
    }
}

static struct cluster_figures figures_of(const struct worker *worker) {
    struct cluster_figures figures = {.known_nodes = 1};
    if (!worker->topology) {
        return figures;
    }
    count_slots(worker, &figures);
    figures.known_nodes = worker->topology->node_count;
    for (unsigned i = 0; i < worker->topology->node_count; i++) {
        uint32_t node = worker->topology->nodes[i].number;
        uint64_t epoch = epoch_of(worker, node);
        figures.leading_nodes += leads_any(worker, node);
        figures.current_epoch = epoch > figures.current_epoch ? epoch : figures.current_epoch;
    }
    uint32_t master = cluster_master_of(worker, worker->self);
    figures.own_epoch = epoch_of(worker, master ? master : worker->self);
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
    reply_verbatim(call->reply, "txt", buffer_bytes(&text));
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
static bool ask_shard(struct session_command *call, const char *name, const struct bytes *arguments,
                      size_t count, slot_number slot) {
    struct worker *worker = call->worker;
    struct session *session = call->session;
    uint32_t shard = worker->topology->slot_owner[slot];
    const struct command *command = command_find(bytes_of_text(name), BYTES_NONE);
    unsigned flags;
    (void)session_order(session, command, &flags); /* a read need not wait */
    flags = leaders_is_here(worker, shard) ? flags : 0;
    uint64_t ticket = session_expect(session, shard, slot);
    if (calls_send(worker, shard, command, arguments, count, &session->target, ticket,
                   (uint8_t)session->protocol, flags | SHARD_READ_ON_FOLLOWER) == ROUTE_BUSY) {
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
        return ask_shard(call, "trothdb.countslot", arguments, 2, (slot_number)slot);
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
        return ask_shard(call, "trothdb.getslot", arguments, 3, (slot_number)slot);
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
    };
    reply_help(call->reply, lines, sizeof(lines) / sizeof(lines[0]));
    return true;
}

bool cluster_command(struct session_command *call) {
    static const struct {
        const char *name;
        bool (*run)(struct session_command *call);
    } subcommands[] = {{"cluster|slots", cluster_slots},
                       {"cluster|shards", cluster_shards},
                       {"cluster|nodes", cluster_nodes},
                       {"cluster|info", cluster_info},
                       {"cluster|myid", cluster_myid},
                       {"cluster|keyslot", cluster_keyslot},
                       {"cluster|countkeysinslot", cluster_countkeysinslot},
                       {"cluster|getkeysinslot", cluster_getkeysinslot},
                       {"cluster|replicas", cluster_replicas},
                       {"cluster|slaves", cluster_replicas},
                       {"cluster|links", cluster_links},
                       {"cluster|help", cluster_help}};
    for (size_t i = 0; i < sizeof(subcommands) / sizeof(subcommands[0]); i++) {
        if (strcmp(subcommands[i].name, call->command->name) == 0) {
            return subcommands[i].run(call);
        }
    }
    UNREACHABLE();
}
