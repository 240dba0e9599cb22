#include "sim/life/connection.h"
#include "base/check.h"
#include "base/memory.h"
#include "session/clients.h"
#include "sim/life/thread.h"
#include <stdio.h>

enum {
    CONNECTION_INBOX_MAXIMUM = 64 << 20,
    CONNECTION_LINGER_US = 2000000 /* as the server's port waits for a client that does not read */
};
static const double CONNECTION_PIECES_CHANCE = 0.05;

static event_run connect_event, to_node_event, to_client_event, room_event, ended_event,
    closed_event, refused_event;

void connection_init(struct connection *connection, struct simulation *simulation, unsigned node,
                     const struct connection_user *user) {
    *connection = (struct connection){.simulation = simulation, .user = *user, .node = node};
    buffer_init(&connection->inbox, CONNECTION_INBOX_MAXIMUM);
    connection->next = simulation->connections;
    simulation->connections = connection;
}

static struct sim_thread *connection_thread(const struct connection *connection) {
    return &connection->simulation->nodes[connection->node]->threads[connection->worker];
}

static void connection_schedule(struct connection *connection, uint64_t at_us, event_run *run) {
    event_schedule(&connection->simulation->queue, at_us, run, connection)->life = connection->life;
}

static uint64_t connection_later_us(struct connection *connection, uint64_t from_us,
                                    uint64_t *latest_us) {
    uint64_t at_us = from_us + sim_net_delay_us(connection->simulation->net);
    if (at_us < *latest_us)
        at_us = *latest_us;
    return *latest_us = at_us;
}

/* Forgets everything about both ends; the node's session is the caller's to end. */
static void connection_reset(struct connection *connection) {
    connection->life++;
    connection->state = CONNECTION_CLOSED;
    connection->session = NULL;
    connection->is_ended = connection->is_paused = connection->is_closing = false;
    connection->held_count = 0;
    connection->reads_from_us = 0;
    connection->unread_bytes = 0;
    connection->to_node_at_us = connection->to_client_at_us = 0;
    fifo_clear(&connection->to_node);
    fifo_clear(&connection->to_client);
    buffer_clear(&connection->inbox);
}

void connection_release(struct connection *connection) {
    connection_reset(connection);
    buffer_release(&connection->inbox);
}

static void connection_open(struct connection *connection) {
    if (connection->state != CONNECTION_CLOSED)
        return;
    connection->state = CONNECTION_CONNECTING;
    uint64_t now_us = connection->simulation->queue.now_us;
    connection_schedule(connection,
                        connection_later_us(connection, now_us, &connection->to_node_at_us),
                        connect_event);
}

static void connection_lose_as(struct connection *connection, enum connection_loss loss) {
    connection_reset(connection);
    connection->user.lost(connection->user.context, connection->node, loss);
}

static void connection_lose(struct connection *connection) {
    connection_lose_as(connection, connection->state == CONNECTION_OPEN ? CONNECTION_BROKEN
                                                                        : CONNECTION_NOT_ACCEPTED);
}

static void refused_event(struct event *event) {
    struct connection *connection = event->context;
    if (event->life == connection->life)
        connection_lose(connection);
}

static void connect_event(struct event *event) {
    struct connection *connection = event->context;
    struct simulation *simulation = connection->simulation;
    struct sim_node *node = simulation->nodes[connection->node];
    if (event->life != connection->life)
        return;
    if (!sim_node_is_alive(node) || node->is_stopping) {
        connection_schedule(connection,
                            simulation->queue.now_us + sim_net_delay_us(simulation->net),
                            refused_event);
        return;
    }
    connection->worker = sim_node_worker_by_lot(node)->index;
    char name[32];
    snprintf(name, sizeof name, "10.1.0.1:%u", (unsigned)(1024 + connection->life % 60000));
    struct net_address own;
    char own_name[NET_HOST_MAXIMUM + 10];
    sim_node_client_address(connection->node, &own);
    net_address_format(&own, own_name);
    connection->session =
        clients_open(connection_thread(connection)->worker, connection, name, own_name);
    if (connection->session == NULL) {
        connection_lose(connection);
        return;
    }
    connection->state = CONNECTION_OPEN;
    sim_thread_touch(connection_thread(connection));
}

static void connection_launch(struct connection *connection, event_run *run) {
    uint64_t now_us = connection->simulation->queue.now_us;
    connection_schedule(connection,
                        connection_later_us(connection, now_us, &connection->to_node_at_us), run);
}

/* Now and then in two pieces, as it comes over a network. */
void connection_send(struct connection *connection, struct bytes bytes) {
    struct random *random = &connection->simulation->random;
    if (connection->is_ended)
        connection_close(connection);
    connection_open(connection);
    if (random_chance(random, CONNECTION_PIECES_CHANCE)) {
        size_t first = (size_t)random_below(random, bytes.length + 1);
        fifo_push(&connection->to_node, bytes_of(bytes.data, first));
        connection_launch(connection, to_node_event);
        bytes = bytes_of(bytes.data + first, bytes.length - first);
    }
    fifo_push(&connection->to_node, bytes);
    connection_launch(connection, to_node_event);
}

void connection_end(struct connection *connection) {
    connection->simulation->statistics.halves_closed++;
    connection->is_ended = true;
    connection_launch(connection, ended_event);
}

/* Who does not read does not see the end either. */
static void ended_event(struct event *event) {
    struct connection *connection = event->context;
    struct event_queue *queue = &connection->simulation->queue;
    uint64_t again_us = queue->now_us + 1000;
    if (event->life != connection->life)
        return;
    if (connection->session == NULL || connection->is_paused || connection->to_node.count > 0) {
        event_again(queue, event, again_us);
        return;
    }
    if (!sim_node_is_alive(connection->simulation->nodes[connection->node]))
        return;
    if (!sim_thread_is_ready(connection_thread(connection), &again_us)) {
        event_again(queue, event, again_us);
        return;
    }
    clients_ended(connection_thread(connection)->worker, connection->session);
    sim_thread_touch(connection_thread(connection));
}

static void connection_feed(struct connection *connection, struct bytes bytes) {
    struct worker *worker = connection_thread(connection)->worker;
    while (bytes.length) {
        size_t room;
        uint8_t *into = clients_room(worker, connection->session, &room);
        size_t length = room < bytes.length ? room : bytes.length;
        memcpy(into, bytes.data, length);
        clients_input(worker, connection->session, length);
        bytes = bytes_of(bytes.data + length, bytes.length - length);
    }
    sim_thread_touch(connection_thread(connection));
}

static void to_node_event(struct event *event) {
    struct connection *connection = event->context;
    struct simulation *simulation = connection->simulation;
    uint64_t again_us;
    if (event->life != connection->life)
        return;
    if (connection->session == NULL) { /* about to be refused */
        event_again(&simulation->queue, event, simulation->queue.now_us + 1000);
        return;
    }
    if (!sim_node_is_alive(simulation->nodes[connection->node]))
        return;
    if (!sim_thread_is_ready(connection_thread(connection), &again_us)) {
        event_again(&simulation->queue, event, again_us);
        return;
    }
    if (connection->is_paused) {
        connection->held_count++;
        return;
    }
    struct packet *packet = fifo_pop(&connection->to_node);
    CHECK(packet != NULL);
    trace_event(&simulation->trace, "request", connection->node, connection->worker,
                packet_bytes(packet));
    connection_feed(connection, packet_bytes(packet));
    memory_free(packet);
}

void connection_pause(struct connection *connection, bool is_paused) {
    connection->is_paused = is_paused;
    for (; !is_paused && connection->held_count > 0; connection->held_count--)
        connection_schedule(connection, connection->simulation->queue.now_us, to_node_event);
}

/* Behind all that it sent. */
static void close_soon(struct connection *connection) {
    connection_schedule(connection,
                        connection_later_us(connection, connection->simulation->queue.now_us,
                                            &connection->to_client_at_us),
                        closed_event);
}

void connection_output(struct connection *connection, struct buffer *output) {
    if (connection->state != CONNECTION_OPEN ||
        !sim_node_is_alive(connection->simulation->nodes[connection->node]))
        return;
    size_t room = CONNECTION_WINDOW_BYTES - connection->unread_bytes;
    size_t length = output->length < room ? output->length : room;
    if (length == 0)
        return;
    fifo_push(&connection->to_client, bytes_of(buffer_data(output), length));
    buffer_consume(output, length);
    connection->unread_bytes += length;
    uint64_t sent_us = sim_clock_now_us(&connection_thread(connection)->clock);
    connection_schedule(connection,
                        connection_later_us(connection, sent_us, &connection->to_client_at_us),
                        to_client_event);
}

/* Hands over whole replies. False: the connection was closed or is no more the same. */
static bool connection_parse(struct connection *connection) {
    uint64_t life = connection->life;
    for (;;) {
        struct response response;
        size_t consumed;
        int status = response_parse(buffer_bytes(&connection->inbox), &response, &consumed);
        if (status == 0)
            return true;
        if (status < 0) {
            simulation_fail(connection->simulation,
                            "node %u sent a client bytes that are no reply: %s",
                            connection->node + 1, error_text(status));
            return false;
        }
        connection->user.reply(connection->user.context, connection->node, &response);
        response_release(&response);
        if (connection->life != life)
            return false;
        buffer_consume(&connection->inbox, consumed);
    }
}

static bool has_output(const struct connection *connection) {
    return connection->session && clients_output(connection->session)->length > 0;
}

/* The client has read, and the node's system says that it takes more. */
static void room_event(struct event *event) {
    struct connection *connection = event->context;
    struct event_queue *queue = &connection->simulation->queue;
    uint64_t again_us;
    if (event->life != connection->life || connection->session == NULL ||
        !sim_node_is_alive(connection->simulation->nodes[connection->node]))
        return;
    if (!sim_thread_is_ready(connection_thread(connection), &again_us)) {
        event_again(queue, event, again_us);
        return;
    }
    connection_output(connection, clients_output(connection->session));
    if (connection->is_closing && !has_output(connection))
        close_soon(connection);
}

void connection_stop_reading(struct connection *connection, uint64_t for_us) {
    struct simulation *simulation = connection->simulation;
    simulation->statistics.slow_readers++;
    connection->reads_from_us = simulation->queue.now_us + for_us;
}

/* False: it was meant for an earlier life, or comes again once the client reads. */
static bool reaches_client(struct event *event) {
    const struct connection *connection = event->context;
    struct event_queue *queue = &connection->simulation->queue;
    if (event->life != connection->life)
        return false;
    bool is_reading = queue->now_us >= connection->reads_from_us;
    if (!is_reading)
        event_again(queue, event, connection->reads_from_us);
    return is_reading;
}

static void to_client_event(struct event *event) {
    struct connection *connection = event->context;
    struct event_queue *queue = &connection->simulation->queue;
    if (!reaches_client(event))
        return;
    struct packet *packet = fifo_pop(&connection->to_client);
    CHECK(packet != NULL);
    trace_event(&connection->simulation->trace, "reply", connection->node, connection->worker,
                packet_bytes(packet));
    buffer_append_bytes(&connection->inbox, packet_bytes(packet));
    connection->unread_bytes -= packet->length;
    memory_free(packet);
    if (connection_parse(connection) && has_output(connection))
        connection_schedule(
            connection, queue->now_us + sim_net_delay_us(connection->simulation->net), room_event);
}

void connection_close(struct connection *connection) {
    struct simulation *simulation = connection->simulation;
    struct session *session = connection->session;
    struct sim_thread *thread = connection_thread(connection);
    if (session && sim_node_is_alive(thread->node)) {
        /* What had reached the node's system may still be read. */
        struct packet *packet;
        while (!connection->is_paused && random_chance(&simulation->random, 0.5) &&
               (packet = fifo_pop(&connection->to_node))) {
            connection_feed(connection, packet_bytes(packet));
            memory_free(packet);
        }
        clients_closed(thread->worker, session);
        sim_thread_touch(thread);
    }
    connection_reset(connection);
}

void connection_close_by_server(struct connection *connection) {
    if (connection->state != CONNECTION_OPEN)
        return;
    connection->is_closing = true;
    if (has_output(connection))
        connection_schedule(connection, connection->simulation->queue.now_us + CONNECTION_LINGER_US,
                            closed_event);
    else
        close_soon(connection);
}

static void closed_event(struct event *event) {
    struct connection *connection = event->context;
    if (!reaches_client(event))
        return;
    struct sim_thread *thread = connection_thread(connection);
    enum connection_loss loss = connection->is_ended ? CONNECTION_CLOSED_AT_END : CONNECTION_BROKEN;
    if (!sim_node_is_alive(thread->node)) {
        connection_lose(connection);
        return;
    }
    clients_closed(thread->worker, connection->session);
    sim_thread_touch(thread);
    connection_lose_as(connection, loss);
}

/* Replies that were on their way may still come; mostly they do not. */
void connections_node_died(struct simulation *simulation, unsigned node) {
    for (struct connection *connection = simulation->connections; connection;
         connection = connection->next) {
        if (connection->node != node || connection->session == NULL)
            continue;
        if (random_chance(&simulation->random, 0.3))
            for (struct packet *packet; (packet = fifo_pop(&connection->to_client));
                 memory_free(packet))
                buffer_append_bytes(&connection->inbox, packet_bytes(packet));
        connection->session = NULL;
        if (connection_parse(connection))
            connection_lose(connection);
    }
}
