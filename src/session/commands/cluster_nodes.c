/* CLUSTER NODES and REPLICAS: a line a node, whose fields tools read by position. */

#include "base/check.h"
#include "session/commands/cluster_facts.h"
#include "session/commands/cluster_replies.h"
#include "worker/worker.h"

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
    while (slot_set_range(slots, &next, &first, &last))
        buffer_append_format(out, first == last ? " %u" : " %u-%u", first, last);
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
    const struct member_view_entry *member = cluster_member_of(worker, node);
    uint64_t now_us = worker_now_us(worker), now_ms = worker_wall_ms(worker);
    if (node->number == worker->self || !member || member->heard_us == 0 ||
        member->heard_us > now_us)
        return 0;
    uint64_t ago_ms = (now_us - member->heard_us) / 1000;
    return ago_ms < now_ms ? now_ms - ago_ms : 0;
}

static void append_node(const struct worker *worker, const struct topology_node *node,
                        struct buffer *out) {
    char id[NODE_ID_TEXT_BYTES], master_id[NODE_ID_TEXT_BYTES];
    struct slot_set slots;
    identity_node_id(node->uuid, id);
    cluster_led_slots(worker, node->number, &slots);
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
                             .health = cluster_health_of(worker, node),
                             .master_id = master ? master_id : NULL,
                             .heard_ms = heard_ms(worker, node),
                             .epoch = cluster_epoch_of(worker, master ? master : node->number),
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

bool cluster_reply_nodes(struct session_command *call) {
    const struct worker *worker = call->worker;
    struct buffer text;
    buffer_init(&text, SIZE_MAX);
    if (!worker->topology)
        append_spare(worker, &text);
    else
        for (unsigned i = 0; i < worker->topology->node_count; i++)
            append_node(worker, &worker->topology->nodes[i], &text);
    reply_verbatim(call->reply, buffer_bytes(&text));
    buffer_release(&text);
    return true;
}

static const struct topology_node *node_by_id(const struct worker *worker, struct bytes id) {
    for (unsigned i = 0; worker->topology && i < worker->topology->node_count; i++) {
        char text[NODE_ID_TEXT_BYTES];
        identity_node_id(worker->topology->nodes[i].uuid, text);
        if (bytes_equal(id, bytes_of_text(text)))
            return &worker->topology->nodes[i];
    }
    return NULL;
}

static void reply_replicas(const struct worker *worker, uint32_t master, struct reply *reply) {
    size_t count = 0;
    for (unsigned i = 0; i < worker->topology->node_count; i++)
        count += cluster_master_of(worker, worker->topology->nodes[i].number) == master;
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

bool cluster_reply_replicas(struct session_command *call) {
    const struct worker *worker = call->worker;
    struct bytes id = call->arguments[2];
    const struct topology_node *node = node_by_id(worker, id);
    if (node && cluster_master_of(worker, node->number) == 0)
        reply_replicas(worker, node->number, call->reply);
    else if (node)
        reply_error(call->reply, "ERR The specified node is not a master");
    else if (!worker->topology && bytes_equal(id, bytes_of_text(worker->node_id)))
        reply_array(call->reply, 0);
    else
        reply_error_format(call->reply, "ERR Unknown node %.*s", BYTES_PRINT(id));
    return true;
}
