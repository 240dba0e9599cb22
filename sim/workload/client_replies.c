#include "sim/workload/client_replies.h"
#include "io/net.h"
#include "sim/check/checks.h"
#include "sim/check/loss_account.h"
#include "sim/check/risk.h"
#include "sim/life/thread.h"
#include "sim/workload/client_request.h"
#include "sim/workload/client_turn.h"

static bool text_begins(struct bytes text, const char *prefix) {
    return text.length >= strlen(prefix) && memcmp(text.data, prefix, strlen(prefix)) == 0;
}

/* "MOVED 1234 10.0.0.2:7001" */
static void client_follow(struct client *client, const struct operation *operation,
                          struct bytes text) {
    const uint8_t *space = memrchr(text.data, ' ', text.length);
    struct net_address address, candidate;
    if (space == NULL ||
        net_address_parse(&address,
                          bytes_of(space + 1, (size_t)(text.data + text.length - space - 1)))) {
        simulation_fail(client->simulation, "a MOVED that names no address: %.*s",
                        BYTES_PRINT(text));
        return;
    }
    for (unsigned node = 0; node < client->simulation->node_count; node++) {
        sim_node_client_address(node, &candidate);
        if (net_address_equal(&candidate, &address))
            *client_guess(client, operation) = node;
    }
}

/* An error says that nothing was done and never will be, or that the outcome is unknown. Others are
 * not to be. */
static void client_refused(struct client *client, const struct asked *asked, struct bytes text) {
    struct simulation *simulation = client->simulation;
    if (text_begins(text, "MOVED "))
        client_follow(client, &asked->operation, text);
    else
        *client_guess(client, &asked->operation) =
            (unsigned)random_below(&simulation->random, simulation->node_count);
    if (text_begins(text, "UNKNOWN ")) {
        simulation->statistics.operations_unknown++;
        return;
    }
    if (!text_begins(text, "MOVED ") && !text_begins(text, "CLUSTERDOWN ") &&
        !text_begins(text, "TRYAGAIN ") && !text_begins(text, "MISCONF "))
        simulation_fail(simulation, "an operation of the workload was answered by \"%.*s\"",
                        BYTES_PRINT(text));
    simulation->statistics.operations_void++;
    history_void(&simulation->history, asked->number);
    loss_account_refused(simulation, &asked->operation, asked->number);
}

/* What a death or a loss takes back. */
static void client_account(struct client *client, const struct operation *operation,
                           uint64_t number) {
    struct simulation *simulation = client->simulation;
    if (operation->is_async ||
        (operation->is_by_node &&
         sim_node_was_async(simulation->nodes[client->node], operation->invoked_us)))
        risk_answered(simulation, client->node, operation, number);
    loss_account_answered(simulation, client->node, operation, number);
}

static void client_answered(struct client *client, const struct asked *asked,
                            const struct response *response) {
    struct simulation *simulation = client->simulation;
    struct result result;
    operation_read_result(&asked->operation, response, &result);
    history_return(&simulation->history, asked->number, simulation->queue.now_us, &result);
    client_account(client, &asked->operation, asked->number);
    simulation->statistics.operations_done++;
    client->done_count++;
    if (client->is_reading)
        client->is_reading = false;
}

static bool is_ok(const struct response *response) {
    return response->kind == RESPONSE_SIMPLE && bytes_equal(response->text, BYTES_LITERAL("OK"));
}

/* ---- FLUSHALL ---- */

/* Of the shards that the node led all the time every key is gone. Of the others it may have led
 * some for a part of the time, and have left them alone. */
static bool was_certainly_flushed(const struct client *client, const struct operation *operation) {
    const struct simulation *simulation = client->simulation;
    const struct topology *topology = sim_topology(simulation);
    return topology && checks_has_led(simulation, sim_operation_shard(topology, operation),
                                      client->node, operation->invoked_us);
}

/* A node that lives and has no replica of the shard either never led it, or gave it away with all
 * that it had done to it. */
static bool may_be_taken_back(const struct client *client, const struct operation *operation) {
    const struct simulation *simulation = client->simulation;
    const struct sim_node *node = simulation->nodes[client->node];
    const struct topology *topology = sim_topology(simulation);
    return topology == NULL || !sim_node_is_alive(node) ||
           sim_node_replica(node, sim_operation_shard(topology, operation)) != NULL;
}

static void client_flush_returned(struct client *client, const struct asked *asked, bool is_done) {
    static const struct result done = {.kind = RESULT_OK};
    struct simulation *simulation = client->simulation;
    uint64_t now_us = simulation->queue.now_us;
    for (unsigned place = 0; place < WORKLOAD_PLACE_COUNT; place++) {
        uint64_t number = asked->number + place;
        struct operation operation = simulation->history.operations[number];
        if (is_done && was_certainly_flushed(client, &operation))
            history_return(&simulation->history, number, now_us, &done);
        else
            history_return_perhaps(&simulation->history, number, now_us, &done);
        if (may_be_taken_back(client, &operation))
            client_account(client, &operation, number);
        if (!is_done)
            loss_account_refused(simulation, &operation, number);
    }
}

/* A refusal is of one shard: others may be empty. */
static void client_flush_answered(struct client *client, const struct asked *asked,
                                  const struct response *response) {
    struct simulation *simulation = client->simulation;
    bool is_done = is_ok(response);
    if (response->kind == RESPONSE_ERROR && text_begins(response->text, "UNKNOWN ")) {
        simulation->statistics.operations_unknown += WORKLOAD_PLACE_COUNT;
        return;
    }
    if (!is_done &&
        (response->kind != RESPONSE_ERROR ||
         (!text_begins(response->text, "TRYAGAIN ") && !text_begins(response->text, "MISCONF "))))
        simulation_fail(simulation, "a FLUSHALL was answered by \"%.*s\"",
                        BYTES_PRINT(response->text));
    client_flush_returned(client, asked, is_done);
}

/* ---- replies ---- */

static void client_mode_answered(struct client *client, const struct response *response) {
    if (!is_ok(response))
        simulation_fail(client->simulation, "a mode of the connection was answered by \"%.*s\"",
                        BYTES_PRINT(response->text));
}

static void client_wait_answered(struct client *client, const struct response *response) {
    bool is_pair = response->kind == RESPONSE_ARRAY && response->element_count == 2;
    if (response->kind != RESPONSE_INTEGER && !is_pair)
        simulation_fail(client->simulation, "a WAIT was answered by \"%.*s\"",
                        BYTES_PRINT(response->text));
}

static void client_echo_answered(struct client *client, const struct asked *asked,
                                 const struct response *response) {
    char text[CLIENT_ECHO_MOST_BYTES + 1];
    client_echo_text(asked->number, asked->echo_bytes, text);
    if (response->kind != RESPONSE_BULK || !bytes_equal(response->text, bytes_of_text(text)))
        simulation_fail(client->simulation,
                        "node %u answered ECHO %llu of client %u by something else: \"%.*s\"",
                        client->node + 1, (unsigned long long)asked->number, client->number,
                        (int)(response->text.length < 60 ? response->text.length : 60),
                        (const char *)response->text.data);
}

static void client_ballast_answered(struct client *client, const struct response *response) {
    bool is_refusal =
        response->kind == RESPONSE_ERROR &&
        (text_begins(response->text, "MOVED ") || text_begins(response->text, "CLUSTERDOWN ") ||
         text_begins(response->text, "TRYAGAIN ") || text_begins(response->text, "MISCONF ") ||
         text_begins(response->text, "UNKNOWN "));
    bool is_done = is_ok(response) || response->kind == RESPONSE_INTEGER;
    if (!is_done && !is_refusal)
        simulation_fail(client->simulation, "a large write was answered by \"%.*s\"",
                        BYTES_PRINT(response->text));
}

void client_reply(void *context, unsigned node, const struct response *response) {
    struct client *client = context;
    if (node != client->node || client->answered_count == client->asked_count) {
        simulation_fail(client->simulation,
                        "node %u sent client %u a reply that it did not ask for", node + 1,
                        client->number);
        return;
    }
    const struct asked *asked = &client->asked[client->answered_count++];
    bool is_refused = response->kind == RESPONSE_ERROR;
    switch (asked->kind) {
    case ASKED_OPERATION:
        if (is_refused)
            client_refused(client, asked, response->text);
        else
            client_answered(client, asked, response);
        break;
    case ASKED_BALLAST:
        client_ballast_answered(client, response);
        break;
    case ASKED_MODE:
        client_mode_answered(client, response);
        break;
    case ASKED_WAIT:
        client_wait_answered(client, response);
        break;
    case ASKED_ECHO:
        client_echo_answered(client, asked, response);
        break;
    case ASKED_FLUSH:
        client_flush_answered(client, asked, response);
        break;
    }
    if (client->answered_count < client->asked_count)
        return;
    client->asked_count = client->answered_count = 0;
    client->round++;
    if (is_refused)
        client_retry(client);
    else
        client_think(client);
}
