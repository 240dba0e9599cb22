#include "sim/world/net.h"
#include "base/memory.h"
#include "sim/world/stream.h"
#include <stdio.h>
#include <stdlib.h>

struct net_door {
    struct net door; /* first */
    struct sim_net *net;
    unsigned node, thread;
};

struct sim_net {
    struct stream_world world;
    bool is_blocked[SIM_NODE_MAXIMUM][SIM_NODE_MAXIMUM];
    unsigned node_count;
    struct net_door doors[SIM_NODE_MAXIMUM][SIM_WORKER_MAXIMUM + 1];
    struct stream streams[SIM_NODE_MAXIMUM][SIM_WORKER_MAXIMUM][SIM_NODE_MAXIMUM];
};

struct datagram { /* on its way */
    unsigned from, to;
    size_t length;
    uint8_t data[];
};

void sim_net_address(unsigned node, struct net_address *address) {
    *address = (struct net_address){.port = SIM_PEER_PORT};
    snprintf(address->host, sizeof address->host, "10.0.0.%u", node + 1);
}

/* The node behind an address; node_count if there is none. */
static unsigned net_node_at(const struct sim_net *net, const struct net_address *address) {
    unsigned long last = 0;
    if (strncmp(address->host, "10.0.0.", 7) == 0)
        last = strtoul(address->host + 7, NULL, 10);
    if (last == 0 || last > net->node_count || address->port != SIM_PEER_PORT)
        return net->node_count;
    return (unsigned)last - 1;
}

static event_run datagram_event;

static void datagram_launch(struct net_door *door, unsigned to, struct bytes bytes) {
    struct sim_net *net = door->net;
    struct stream_world *world = &net->world;
    struct datagram *datagram = memory_allocate(sizeof *datagram + bytes.length);
    datagram->from = door->node;
    datagram->to = to;
    datagram->length = bytes.length;
    memcpy(datagram->data, bytes.data, bytes.length);
    uint64_t sent_us = world->owner.now_us(world->owner.context, door->node, door->thread);
    struct event *event =
        event_schedule(world->queue, sent_us + sim_net_delay_us(net), datagram_event, net);
    event->object = datagram;
}

static void door_datagram_send(struct net *base, const struct net_address *to, struct bytes bytes) {
    struct net_door *door = (struct net_door *)(void *)base;
    struct sim_net *net = door->net;
    unsigned target = net_node_at(net, to);
    if (target == net->node_count || bytes.length > NET_DATAGRAM_MAXIMUM ||
        !net->world.owner.is_up(net->world.owner.context, door->node) ||
        net->is_blocked[door->node][target])
        return;
    if (random_chance(net->world.random, net->world.weather.loss))
        return;
    datagram_launch(door, target, bytes);
    if (random_chance(net->world.random, net->world.weather.doubling))
        datagram_launch(door, target, bytes);
}

static void datagram_event(struct event *event) {
    struct sim_net *net = event->context;
    struct datagram *datagram = event->object;
    struct sim_net_owner *owner = &net->world.owner;
    uint64_t again_us;
    if (!owner->is_up(owner->context, datagram->to))
        return;
    if (!owner->is_ready(owner->context, datagram->to, SIM_WORKER_MAXIMUM, &again_us)) {
        event_again(net->world.queue, event, again_us);
        return;
    }
    struct net_address from;
    sim_net_address(datagram->from, &from);
    struct bytes bytes = bytes_of(datagram->data, datagram->length);
    trace_event(net->world.trace, "datagram", datagram->from, datagram->to, bytes);
    owner->datagram(owner->context, datagram->to, &from, bytes);
}

static void door_peer_set(struct net *base, uint32_t node_number,
                          const struct net_address *address) {
    struct net_door *door = (struct net_door *)(void *)base;
    unsigned target = net_node_at(door->net, address);
    if (target == door->net->node_count || door->thread >= SIM_WORKER_MAXIMUM)
        return;
    stream_open(&door->net->streams[door->node][door->thread][target], node_number);
}

static bool door_peer_send(struct net *base, uint32_t node_number, struct bytes message) {
    struct net_door *door = (struct net_door *)(void *)base;
    struct sim_net *net = door->net;
    if (door->thread >= SIM_WORKER_MAXIMUM ||
        !net->world.owner.is_up(net->world.owner.context, door->node))
        return false;
    for (unsigned to = 0; to < net->node_count; to++) {
        struct stream *stream = &net->streams[door->node][door->thread][to];
        if (stream_number(stream) == node_number)
            return stream_send(stream, message);
    }
    return false;
}

/* What CLUSTER LINKS asks; the simulated clients do not. */
static bool door_peer_link(struct net *base, uint32_t node_number, struct net_link *link) {
    (void)base, (void)node_number, (void)link;
    return false;
}

static bool net_is_cut(void *context, unsigned from, unsigned to) {
    const struct sim_net *net = context;
    return net->is_blocked[from][to];
}

struct sim_net *sim_net_new(struct event_queue *queue, struct random *random, struct trace *trace,
                            const struct sim_net_owner *owner, unsigned node_count) {
    struct sim_net *net = memory_allocate_zeroed(1, sizeof *net);
    net->world = (struct stream_world){.queue = queue,
                                       .random = random,
                                       .trace = trace,
                                       .owner = *owner,
                                       .weather = {.least_delay_us = 100, .most_delay_us = 600},
                                       .is_cut = net_is_cut,
                                       .context = net};
    net->node_count = node_count;
    buffer_init(&net->world.sealed, SIZE_MAX);
    for (unsigned node = 0; node < node_count; node++) {
        for (unsigned thread = 0; thread <= SIM_WORKER_MAXIMUM; thread++)
            net->doors[node][thread] =
                (struct net_door){.door = {.peer_set = door_peer_set,
                                           .peer_send = door_peer_send,
                                           .peer_link = door_peer_link,
                                           .datagram_send = door_datagram_send},
                                  .net = net,
                                  .node = node,
                                  .thread = thread};
        for (unsigned thread = 0; thread < SIM_WORKER_MAXIMUM; thread++)
            for (unsigned to = 0; to < node_count; to++)
                stream_init(&net->streams[node][thread][to], &net->world, node, thread, to);
    }
    return net;
}

void sim_net_free(struct sim_net *net) {
    for (unsigned node = 0; node < net->node_count; node++)
        sim_net_node_died(net, node);
    buffer_release(&net->world.sealed);
    memory_free(net);
}

struct sim_weather *sim_net_weather(struct sim_net *net) {
    return &net->world.weather;
}

void sim_net_set_echo(struct sim_net *net, double share) { net->world.echo = share; }

void sim_net_block(struct sim_net *net, unsigned from, unsigned to) {
    net->is_blocked[from][to] = from != to;
}

bool sim_net_is_blocked(const struct sim_net *net, unsigned from, unsigned to) {
    return net->is_blocked[from][to];
}

void sim_net_heal(struct sim_net *net) { memset(net->is_blocked, 0, sizeof net->is_blocked); }

void sim_net_reset_streams(struct sim_net *net, unsigned from, unsigned to) {
    for (unsigned thread = 0; thread < SIM_WORKER_MAXIMUM; thread++) {
        stream_break(&net->streams[from][thread][to]);
        stream_break(&net->streams[to][thread][from]);
    }
}

void sim_net_break_echoing(struct sim_net *net, unsigned from, unsigned to) {
    double share = net->world.echo;
    net->world.echo = 1;
    for (unsigned thread = 0; thread < SIM_WORKER_MAXIMUM; thread++)
        stream_break(&net->streams[from][thread][to]);
    net->world.echo = share;
}

void sim_net_node_died(struct sim_net *net, unsigned node) {
    net->world.lives[node]++;
    for (unsigned other = 0; other < net->node_count; other++)
        for (unsigned thread = 0; thread < SIM_WORKER_MAXIMUM; thread++) {
            stream_close(&net->streams[node][thread][other]);
            stream_break(&net->streams[other][thread][node]);
        }
}

struct net *sim_net_door(struct sim_net *net, unsigned node, unsigned thread) {
    return &net->doors[node][thread].door;
}

uint64_t sim_net_delay_us(struct sim_net *net) { return stream_world_delay_us(&net->world); }
