#include "sim/life/delivery.h"
#include "base/memory.h"
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

static void net_seal(void *context, unsigned node, struct bytes message, struct buffer *sealed) {
    const struct simulation *simulation = context;
    struct seal *seal = simulation->nodes[node]->seal;
    if (seal == NULL)
        return;
    size_t length = message.length + SEAL_EXTRA_BYTES;
    seal_close(seal, SEAL_EXCHANGE, message, buffer_reserve(sealed, length));
    buffer_grew(sealed, length);
}

/* Whoever is up follows the rotation, unless it came back with a former key. What comes of one that
 * has ended was sealed with the ring that it had then. */
static bool has_ring_of_now(const struct sim_node *node) {
    return sim_node_is_alive(node) && !node->is_locked_out;
}

/* What one node seals now every other one opens. */
static bool check_rings(struct simulation *simulation, enum seal_purpose purpose, unsigned from,
                        unsigned to, struct bytes message) {
    const struct sim_node *sender = simulation->nodes[from], *receiver = simulation->nodes[to];
    size_t length = message.length + SEAL_EXTRA_BYTES;
    uint8_t *sealed = memory_allocate(length);
    struct bytes opened;
    seal_close(sender->seal, purpose, message, sealed);
    bool is_refused = seal_open(receiver->seal, purpose, sealed, length, &opened) != 0;
    if (is_refused && has_ring_of_now(sender) && has_ring_of_now(receiver))
        simulation_fail(simulation, "node %u cannot open what node %u has sealed", to + 1,
                        from + 1);
    else if (!is_refused && !bytes_equal(opened, message))
        simulation_fail(simulation, "node %u opens another message than node %u has sealed", to + 1,
                        from + 1);
    memory_free(sealed);
    return !is_refused;
}

/* False: it was sealed with a key that has gone since, as it was long on its way. */
static bool is_opened(struct simulation *simulation, const struct sim_message *message) {
    struct seal *seal = simulation->nodes[message->to]->seal;
    struct bytes opened;
    if (seal == NULL)
        return true;
    uint8_t *sealed = memory_copy(message->sealed.data, message->sealed.length);
    bool is_refused = seal_open(seal, SEAL_EXCHANGE, sealed, message->sealed.length, &opened) != 0;
    if (is_refused) {
        trace_line(&simulation->trace, "node %u: refuses a message that node %u sealed before",
                   message->to + 1, message->from + 1);
        (void)check_rings(simulation, SEAL_EXCHANGE, message->from, message->to, message->bytes);
    } else if (!bytes_equal(opened, message->bytes)) {
        simulation_fail(simulation, "node %u opens another message than node %u has sealed",
                        message->to + 1, message->from + 1);
    }
    memory_free(sealed);
    return !is_refused;
}

static bool net_message(void *context, const struct sim_message *message) {
    struct sim_thread *at = thread_at(context, message->to, message->to_thread);
    if (at->worker == NULL || !is_opened(context, message))
        return false;
    sim_thread_note_durability(at);
    int status = peers_take(at->worker, message->bytes);
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

static unsigned node_at(const struct simulation *simulation, const struct net_address *address) {
    struct net_address own;
    unsigned node = 0;
    for (; node < simulation->node_count; node++) {
        sim_net_address(node, &own);
        if (net_address_equal(&own, address))
            break;
    }
    return node;
}

/* The network carries what it is given, so that a seed's trace is always the same: nonces are by
 * the system's lot. Sealed and opened it is here, with the rings as they are now. Whoever passes
 * from key to key by the book locks nobody out. */
static bool check_datagram(struct simulation *simulation, unsigned to,
                           const struct net_address *from, struct bytes datagram) {
    unsigned sender = node_at(simulation, from);
    if (sender == simulation->node_count || simulation->nodes[sender]->seal == NULL)
        return true;
    if (datagram.length + SEAL_EXTRA_BYTES > NET_DATAGRAM_MAXIMUM) {
        simulation_fail(simulation, "node %u sends a datagram of %zu bytes, too long to be sealed",
                        sender + 1, datagram.length);
        return false;
    }
    return check_rings(simulation, SEAL_DATAGRAM, sender, to, datagram);
}

static void net_datagram(void *context, unsigned node, const struct net_address *from,
                         struct bytes datagram) {
    struct sim_thread *at = thread_at(context, node, SIM_WORKER_MAXIMUM);
    if (at->gossiper == NULL)
        return;
    if (!check_datagram(context, node, from, datagram))
        return;
    gossiper_datagram(at->gossiper, from, datagram);
    sim_thread_touch(at);
}

struct sim_net_owner delivery_owner(struct simulation *simulation) {
    return (struct sim_net_owner){.is_ready = net_is_ready,
                                  .now_us = net_now_us,
                                  .is_up = net_is_up,
                                  .accept = net_accept,
                                  .seal = net_seal,
                                  .message = net_message,
                                  .lost = net_lost,
                                  .datagram = net_datagram,
                                  .context = simulation};
}
