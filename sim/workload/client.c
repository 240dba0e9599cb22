#include "sim/workload/client.h"
#include "base/check.h"
#include "base/memory.h"
#include "sim/workload/client_replies.h"
#include "sim/workload/client_turn.h"

struct client *client_new(struct simulation *simulation, unsigned number) {
    struct client *client = memory_allocate_zeroed(1, sizeof *client);
    client->simulation = simulation;
    client->number = number;
    client->is_stopped = true;
    struct connection_user user = {.reply = client_reply, .lost = client_lost, .context = client};
    for (unsigned node = 0; node < simulation->node_count; node++)
        connection_init(&client->connections[node], simulation, node, &user);
    for (unsigned i = 0; i < WORKLOAD_PLACE_COUNT; i++)
        client->guess[i] = (unsigned)random_below(&simulation->random, simulation->node_count);
    return client;
}

void client_free(struct client *client) {
    for (unsigned node = 0; node < client->simulation->node_count; node++)
        connection_release(&client->connections[node]);
    memory_free(client);
}

void client_start(struct client *client) {
    client->is_stopped = false;
    client_think(client);
}

void client_stop(struct client *client) { client->is_stopped = true; }

bool client_is_idle(const struct client *client) { return client->asked_count == 0; }

uint64_t client_done_count(const struct client *client) { return client->done_count; }

void client_read_until_answered(struct client *client, const struct operation *operation) {
    CHECK(client_is_idle(client) && client->is_stopped);
    client->is_reading = true;
    client->reading = *operation;
    client->round++;
    client_ask_later(client, 1000);
}
