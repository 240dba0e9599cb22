#include "sim/life/delivery.h"
#include "replica/peers.h"
#include "sim/life/thread.h"

static struct sim_thread *thread_at(void *context, unsigned node, unsigned thread) {
    struct simulation *simulation = context;
    return &simulation->nodes[node]->threads[thread];
}

static bool net_is_ready(void *context, unsigned node, unsigned thread, uint64_t *again_us) {
    struct sim_thread *at = thread_at(context, node, thread);
    return !sim_node_is_alive(at->node) || sim_thread_is_ready(at, again_us);
}

static uint64_t net_now_us(void *context, unsigned node, unsigned thread) {
    return sim_clock_now_us(&thread_at(context, node, thread)->clock);
}

static bool net_is_up(void *context, unsigned node) {
    return sim_node_is_alive(((struct simulation *)context)->nodes[node]);
}

static unsigned net_accept(void *context, unsigned node) {
    return sim_node_worker_by_lot(((struct simulation *)context)->nodes[node])->index;
}

static bool net_message(void *context, unsigned node, unsigned thread, struct bytes message) {
    struct sim_thread *at = thread_at(context, node, thread);
    if (at->worker == NULL)
        return false;
    sim_thread_note_durability(at);
    int status = peers_take(at->worker, message);
    sim_thread_touch(at);
    return status == 0;
}

static void net_lost(void *context, unsigned node, unsigned thread, uint32_t peer_number) {
    struct sim_thread *at = thread_at(context, node, thread);
    if (!sim_node_is_alive(at->node) || at->worker == NULL)
        return;
    peers_lost(at->worker, peer_number);
    sim_thread_touch(at);
}

static const struct sim_node *node_at(const struct simulation *simulation,
                                      const struct net_address *address) {
    struct net_address own;
    for (unsigned i = 0; i < simulation->node_count; i++) {
        sim_net_address(i, &own);
        if (net_address_equal(&own, address))
            return simulation->nodes[i];
    }
    return NULL;
}

/* The network carries what it is given, so that a seed's trace is always the same: nonces are by
 * the system's lot. Sealed and opened it is here, with the rings as they are now. Whoever passes
 * from key to key by the book locks nobody out. */
static void check_seal(struct simulation *simulation, const struct sim_node *to,
                       const struct net_address *from, struct bytes datagram) {
    const struct sim_node *sender = node_at(simulation, from);
    uint8_t sealed[NET_DATAGRAM_MAXIMUM];
    struct bytes opened;
    if (sender == NULL || sender->seal == NULL)
        return;
    if (datagram.length + SEAL_EXTRA_BYTES > sizeof sealed) {
        simulation_fail(simulation, "node %u sends a datagram of %zu bytes, too long to be sealed",
                        sender->index + 1, datagram.length);
        return;
    }
    seal_close(sender->seal, SEAL_DATAGRAM, datagram, sealed);
    if (seal_open(to->seal, SEAL_DATAGRAM, sealed, datagram.length + SEAL_EXTRA_BYTES, &opened))
        simulation_fail(simulation, "node %u cannot open what node %u has sealed", to->index + 1,
                        sender->index + 1);
}

static void net_datagram(void *context, unsigned node, const struct net_address *from,
                         struct bytes datagram) {
    struct sim_thread *at = thread_at(context, node, SIM_WORKER_MAXIMUM);
    if (at->gossiper == NULL)
        return;
    check_seal(context, at->node, from, datagram);
    gossiper_datagram(at->gossiper, from, datagram);
    sim_thread_touch(at);
}

struct sim_net_owner delivery_owner(struct simulation *simulation) {
    return (struct sim_net_owner){.is_ready = net_is_ready,
                                  .now_us = net_now_us,
                                  .is_up = net_is_up,
                                  .accept = net_accept,
                                  .message = net_message,
                                  .lost = net_lost,
                                  .datagram = net_datagram,
                                  .context = simulation};
}
