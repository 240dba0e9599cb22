#include "sim/workload/client_turn.h"
#include "base/check.h"
#include "sim/workload/client_request.h"

enum {
    CLIENT_EAGER_THINK_MOST_US = 5000,
    CLIENT_RETRY_MOST_US = 60000,
    CLIENT_PATIENCE_LEAST_US = 200000,
    CLIENT_SLOW_LEAST_US = 20000,
    CLIENT_SLOW_MOST_US = 600000
};

static const double CLIENT_END_CHANCE = 0.02;

static event_run client_ask_event, client_impatient_event;

void client_ask_later(struct client *client, uint64_t most_us) {
    struct simulation *simulation = client->simulation;
    uint64_t at_us = simulation->queue.now_us + random_between(&simulation->random, 1, most_us);
    event_schedule(&simulation->queue, at_us, client_ask_event, client)->life = client->round;
}

static bool client_is_eager(const struct client *client) {
    return client->simulation->queue.now_us < client->simulation->mood.eager_until_us;
}

void client_retry(struct client *client) {
    client_ask_later(client,
                     client_is_eager(client) ? CLIENT_EAGER_THINK_MOST_US : CLIENT_RETRY_MOST_US);
}

void client_think(struct client *client) {
    struct simulation *simulation = client->simulation;
    client_ask_later(client, client_is_eager(client) ? CLIENT_EAGER_THINK_MOST_US
                                                     : simulation->think_most_us);
}

/* ---- asking ---- */

static void client_ask_event(struct event *event) {
    struct client *client = event->context;
    struct simulation *simulation = client->simulation;
    if (event->life != client->round || (client->is_stopped && !client->is_reading))
        return;
    if (simulation->queue.now_us < simulation->mood.quiet_until_us && !client->is_reading) {
        event_again(&simulation->queue, event,
                    simulation->queue.now_us +
                        random_between(&simulation->random, 1, CLIENT_EAGER_THINK_MOST_US));
        return;
    }
    CHECK(client->asked_count == 0);
    struct buffer request;
    buffer_init(&request, 1 << 20);
    client_gather_request(client, &request);
    client->answered_count = 0;
    client->round++;
    uint64_t patience_us =
        random_between(&simulation->random, CLIENT_PATIENCE_LEAST_US, simulation->patience_most_us);
    event_schedule(&simulation->queue, simulation->queue.now_us + patience_us,
                   client_impatient_event, client)
        ->life = client->round;
    connection_send(&client->connections[client->node], buffer_bytes(&request));
    if (client->is_slow)
        connection_stop_reading(
            &client->connections[client->node],
            random_between(&simulation->random, CLIENT_SLOW_LEAST_US, CLIENT_SLOW_MOST_US));
    else if (random_chance(&simulation->random, CLIENT_END_CHANCE))
        connection_end(&client->connections[client->node]);
    buffer_release(&request);
}

/* ---- outcomes ---- */

/* Whatever was not answered stays of unknown outcome; another node is asked next. */
static void client_give_up(struct client *client) {
    struct simulation *simulation = client->simulation;
    simulation->statistics.operations_unknown += client->asked_count - client->answered_count;
    unsigned next = (unsigned)random_below(&simulation->random, simulation->node_count);
    for (unsigned i = 0; i < client->asked_count; i++)
        if (client->asked[i].kind == ASKED_OPERATION)
            *client_guess(client, &client->asked[i].operation) = next;
    client->asked_count = 0;
    client->round++;
    client_retry(client);
}

static void client_impatient_event(struct event *event) {
    struct client *client = event->context;
    if (event->life != client->round || client->asked_count == 0)
        return;
    connection_close(&client->connections[client->node]);
    client_give_up(client);
}

static unsigned asked_operations(const struct asked *asked) {
    if (asked->kind == ASKED_FLUSH)
        return WORKLOAD_PLACE_COUNT;
    return asked->kind == ASKED_OPERATION ? 1 : 0;
}

/* It was never read. */
static void client_void(struct client *client, const struct asked *asked) {
    unsigned count = asked_operations(asked);
    for (unsigned i = 0; i < count; i++)
        history_void(&client->simulation->history, asked->number + i);
    client->simulation->statistics.operations_void += count;
}

void client_lost(void *context, unsigned node, enum connection_loss loss) {
    struct client *client = context;
    if (client->asked_count == 0 || client->node != node)
        return;
    if (loss == CONNECTION_CLOSED_AT_END && client->simulation->statistics.clients_thrown_out == 0)
        simulation_fail(client->simulation,
                        "node %u closed the connection of client %u with %u of %u answered",
                        node + 1, client->number, client->answered_count, client->asked_count);
    for (; loss == CONNECTION_NOT_ACCEPTED && client->answered_count < client->asked_count;
         client->answered_count++)
        client_void(client, &client->asked[client->answered_count]);
    client_give_up(client);
}
