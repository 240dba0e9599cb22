#include "sim/workload/client.h"
#include "base/check.h"
#include "base/memory.h"
#include "io/net.h"
#include "sim/check/checks.h"
#include "sim/check/loss_account.h"
#include "sim/check/risk.h"
#include "sim/history/operation.h"
#include "sim/life/thread.h"
#include "sim/workload/workload.h"
#include "wire/request.h"
#include <stdio.h>

enum {
    CLIENT_EAGER_THINK_MOST_US = 5000,
    CLIENT_BALLAST_MOST_BYTES = 6000,
    CLIENT_RETRY_MOST_US = 60000,
    CLIENT_PATIENCE_LEAST_US = 200000,
    CLIENT_WAIT_MOST_MS = 400,
    CLIENT_NUMBER_BYTES = 12,
    CLIENT_ECHO_MAXIMUM = 24,
    CLIENT_ECHO_LEAST_BYTES = 1000,
    CLIENT_ECHO_MOST_BYTES = 6000,
    CLIENT_SLOW_LEAST_US = 20000,
    CLIENT_SLOW_MOST_US = 600000,
    CLIENT_BESIDE_MAXIMUM = 5 /* in a request, beside operations: ballast, modes, a wait, a flush */
};

enum asked_kind {
    ASKED_OPERATION,
    ASKED_BALLAST, /* a large write that only fills the logs; in no history */
    ASKED_MODE,    /* may a follower answer what comes next, need the disk? In no history either */
    ASKED_WAIT,    /* until what was written before is on other nodes; nor that */
    ASKED_ECHO,    /* a long answer, known before, for a client that does not read */
    ASKED_FLUSH    /* FLUSHALL: an operation on each place, numbered from the first on */
};

static const double CLIENT_END_CHANCE = 0.02, CLIENT_WAIT_CHANCE = 0.03;

/* Who says whether the answers of a request wait for the disk. */
enum said_by { SAID_BY_NODE, SAID_BY_COMMAND, SAID_BY_CONNECTION };

struct asked {
    enum asked_kind kind;
    struct operation operation;
    uint64_t number;   /* in the history; of an echo */
    size_t echo_bytes; /* that it says */
};

struct client {
    struct simulation *simulation;
    unsigned number;
    bool is_stopped;
    uint64_t done_count;
    uint64_t round; /* raised with every request: time-outs of earlier ones are void */
    struct asked asked[CLIENT_PIPELINE_MAXIMUM + CLIENT_BESIDE_MAXIMUM + CLIENT_ECHO_MAXIMUM];
    unsigned asked_count, answered_count;
    unsigned node; /* whom it asked */
    bool is_slow;  /* to read what it asked last */
    uint64_t echo_count;
    enum said_by said_by;
    bool is_connection_async; /* SAID_BY_CONNECTION */
    bool is_reading;          /* client_read_until_answered() */
    struct operation reading;
    unsigned guess[WORKLOAD_PLACE_COUNT]; /* place -> the node to ask */
    struct connection connections[SIM_NODE_MAXIMUM];
};

static event_run client_ask_event, client_impatient_event;

static unsigned *client_guess(struct client *client, const struct operation *operation) {
    return &client->guess[workload_place(operation)];
}

static void client_ask_later(struct client *client, uint64_t most_us) {
    struct simulation *simulation = client->simulation;
    uint64_t at_us = simulation->queue.now_us + random_between(&simulation->random, 1, most_us);
    event_schedule(&simulation->queue, at_us, client_ask_event, client)->life = client->round;
}

static bool client_is_eager(const struct client *client) {
    return client->simulation->queue.now_us < client->simulation->mood.eager_until_us;
}

static void client_retry(struct client *client) {
    client_ask_later(client,
                     client_is_eager(client) ? CLIENT_EAGER_THINK_MOST_US : CLIENT_RETRY_MOST_US);
}

static void client_think(struct client *client) {
    struct simulation *simulation = client->simulation;
    client_ask_later(client, client_is_eager(client) ? CLIENT_EAGER_THINK_MOST_US
                                                     : simulation->think_most_us);
}

bool client_is_idle(const struct client *client) { return client->asked_count == 0; }

uint64_t client_done_count(const struct client *client) { return client->done_count; }

/* ---- asking ---- */

/* Operations of a pipeline on the same key take effect in their order. */
static uint64_t client_earlier(const struct client *client, const struct operation *operation) {
    unsigned place = workload_place(operation);
    for (unsigned i = client->asked_count; i-- > 0;) {
        const struct asked *asked = &client->asked[i];
        if (asked->kind == ASKED_FLUSH)
            return asked->number + place + 1;
        if (asked->kind == ASKED_OPERATION && workload_place(&asked->operation) == place)
            return asked->number + 1;
    }
    return 0;
}

/* In the history; returns its number there. */
static uint64_t client_note(struct client *client, struct operation *operation) {
    struct simulation *simulation = client->simulation;
    operation->client = client->number;
    operation->invoked_us = simulation->queue.now_us;
    operation->is_by_node = client->said_by == SAID_BY_NODE;
    operation->is_shaken = simulation->async_share > 0 &&
                           (operation->is_async || operation->is_by_node) &&
                           risk_is_shaken(simulation, operation);
    operation->after = client_earlier(client, operation);
    return history_invoke(&simulation->history, operation);
}

static void client_add(struct client *client, struct operation *operation, struct buffer *request) {
    uint64_t number = client_note(client, operation);
    client->asked[client->asked_count++] =
        (struct asked){.kind = ASKED_OPERATION, .operation = *operation, .number = number};
    operation_encode(operation, client->said_by == SAID_BY_COMMAND, request);
}

/* Whether it waits for the disk is said once, and so of all its parts alike. */
static void client_add_flush(struct client *client, bool is_async, struct buffer *request) {
    struct asked asked = {.kind = ASKED_FLUSH};
    for (unsigned place = 0; place < WORKLOAD_PLACE_COUNT; place++) {
        struct operation operation = workload_flush(place);
        operation.is_async = is_async;
        uint64_t number = client_note(client, &operation);
        if (place > 0)
            continue;
        asked.number = number;
        asked.operation = operation;
    }
    client->asked[client->asked_count++] = asked;
    client->simulation->statistics.flushes++;
    operation_encode(&asked.operation, client->said_by == SAID_BY_COMMAND, request);
}

/* Large values, so that logs and snapshots are more than one message and one segment. */
static void client_add_ballast(struct client *client, struct buffer *request) {
    struct random *random = &client->simulation->random;
    uint8_t value[CLIENT_BALLAST_MOST_BYTES];
    char key[OPERATION_NAME_BYTES];
    size_t length = (size_t)random_between(random, 500, sizeof value);
    memset(value, (int)random_between(random, 'a', 'z'), length);
    workload_ballast_name((unsigned)random_below(random, WORKLOAD_BALLAST_COUNT), key);
    client->asked[client->asked_count++] = (struct asked){.kind = ASKED_BALLAST};
    request_encode(
        request,
        (const struct bytes[]){BYTES_LITERAL("SET"), bytes_of_text(key), bytes_of(value, length)},
        3);
}

/* "17:xxxx": no two say the same. */
static void echo_text(uint64_t number, size_t length, char out[CLIENT_ECHO_MOST_BYTES + 1]) {
    int used = snprintf(out, CLIENT_ECHO_MOST_BYTES, "%llu:", (unsigned long long)number);
    memset(out + used, 'x', length - (size_t)used);
    out[length] = '\0';
}

/* More than the systems in between keep for who does not read, and at times more than the node
 * does. */
static void client_add_echoes(struct client *client, struct buffer *request) {
    struct random *random = &client->simulation->random;
    char text[CLIENT_ECHO_MOST_BYTES + 1];
    client->is_slow = true;
    for (uint64_t left = random_between(random, 1, CLIENT_ECHO_MAXIMUM); left > 0; left--) {
        struct asked asked = {.kind = ASKED_ECHO, .number = ++client->echo_count};
        asked.echo_bytes =
            (size_t)random_between(random, CLIENT_ECHO_LEAST_BYTES, CLIENT_ECHO_MOST_BYTES);
        echo_text(asked.number, asked.echo_bytes, text);
        client->asked[client->asked_count++] = asked;
        request_encode(request, (const struct bytes[]){BYTES_LITERAL("ECHO"), bytes_of_text(text)},
                       2);
    }
}

/* WAIT or WAITAOF. The connection may end before it is answered. */
static void client_add_wait(struct client *client, struct buffer *request) {
    struct random *random = &client->simulation->random;
    char number[CLIENT_NUMBER_BYTES];
    bool is_aof = random_chance(random, 0.5);
    snprintf(number, sizeof number, "%u", (unsigned)random_between(random, 1, CLIENT_WAIT_MOST_MS));
    const struct bytes words[] = {is_aof ? BYTES_LITERAL("WAITAOF") : BYTES_LITERAL("WAIT"),
                                  BYTES_LITERAL("1"), BYTES_LITERAL("1"), bytes_of_text(number)};
    client->asked[client->asked_count++] = (struct asked){.kind = ASKED_WAIT};
    client->simulation->statistics.waits++;
    if (is_aof)
        request_encode(request, words, 4);
    else
        request_encode(request, (const struct bytes[]){words[0], words[1], words[3]}, 3);
}

/* In the mood of two camps a client may have to go elsewhere than it would. */
static unsigned client_choose_node(struct client *client, unsigned guess) {
    struct simulation *simulation = client->simulation;
    const struct mood *mood = &simulation->mood;
    if (mood->kind != MOOD_CAMPS || simulation->queue.now_us >= mood->eager_until_us ||
        simulation->node_count < 2)
        return guess;
    if (client->number % 2 == 0)
        return mood->node;
    while (guess == mood->node)
        guess = (unsigned)random_below(&simulation->random, simulation->node_count);
    return guess;
}

static bool client_only_reads(const struct client *client) {
    const struct mood *mood = &client->simulation->mood;
    if (client->simulation->queue.now_us >= mood->eager_until_us)
        return false;
    return mood->kind == MOOD_READS || (mood->kind == MOOD_CAMPS && client->number % 2 == 0);
}

static void client_next(struct client *client, bool is_only_read, struct operation *operation) {
    struct simulation *simulation = client->simulation;
    workload_next(simulation, client->number, is_only_read, operation);
    switch (client->said_by) {
    case SAID_BY_NODE:
        operation->is_async = false;
        return;
    case SAID_BY_COMMAND:
        operation->is_async = random_chance(&simulation->random, simulation->async_share);
        return;
    case SAID_BY_CONNECTION:
        operation->is_async = client->is_connection_async;
        return;
    }
    UNREACHABLE();
}

static uint64_t client_pipeline_length(struct client *client) {
    struct random *random = &client->simulation->random;
    return random_chance(random, 0.25) ? random_between(random, 2, CLIENT_PIPELINE_MAXIMUM) : 1;
}

static void client_gather_last_read(struct client *client, struct buffer *request) {
    struct operation operation = client->reading;
    client->node = *client_guess(client, &operation);
    client_add(client, &operation, request);
}

static void client_add_mode(struct client *client, const struct bytes *words, size_t count,
                            struct buffer *request) {
    client->asked[client->asked_count++] = (struct asked){.kind = ASKED_MODE};
    request_encode(request, words, count);
}

/* A node's setting changes while it runs; where nobody is ever to be answered before the disk, all
 * go by it. */
static void client_choose_durability(struct client *client) {
    struct simulation *simulation = client->simulation;
    client->said_by = SAID_BY_NODE;
    if (simulation->async_share == 0)
        return;
    client->said_by = client->is_reading
                          ? SAID_BY_COMMAND
                          : (enum said_by)random_below(&simulation->random, SAID_BY_CONNECTION + 1);
    client->is_connection_async = random_chance(&simulation->random, simulation->async_share);
}

static void client_add_durability(struct client *client, const char *word, struct buffer *request) {
    const struct bytes words[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("DURABILITY"),
                                  bytes_of_text(word)};
    if (client->said_by == SAID_BY_CONNECTION)
        client_add_mode(client, words, 3, request);
}

/* Reads of anybody: of a follower too, and these are to be as fresh as those of the leader. */
static void client_gather_reads(struct client *client, struct buffer *request) {
    struct simulation *simulation = client->simulation;
    struct operation operation;
    client->node = (unsigned)random_below(&simulation->random, simulation->node_count);
    client_add_mode(client, &BYTES_LITERAL("READONLY"), 1, request);
    for (uint64_t left = client_pipeline_length(client); left > 0; left--) {
        client_next(client, true, &operation);
        client_add(client, &operation, request);
    }
    client_add_mode(client, &BYTES_LITERAL("READWRITE"), 1, request);
}

static void client_gather(struct client *client, struct buffer *request) {
    struct simulation *simulation = client->simulation;
    struct operation operation;
    uint64_t count = client_pipeline_length(client);
    bool is_flushing =
        !client_only_reads(client) && random_chance(&simulation->random, simulation->flush_share);
    uint64_t flush_behind = random_below(&simulation->random, count);
    for (uint64_t i = 0; i < count; i++) {
        client_next(client, client_only_reads(client), &operation);
        unsigned guess = client_choose_node(client, *client_guess(client, &operation));
        if (i == 0)
            client->node = guess;
        if (guess == client->node)
            client_add(client, &operation, request);
        if (is_flushing && i == flush_behind)
            client_add_flush(client, operation.is_async, request);
    }
    if (!client_only_reads(client) && random_chance(&simulation->random, simulation->ballast_share))
        client_add_ballast(client, request);
    if (random_chance(&simulation->random, CLIENT_WAIT_CHANCE))
        client_add_wait(client, request);
    if (random_chance(&simulation->random, simulation->slow_share))
        client_add_echoes(client, request);
}

/* What is asked of a connection holds for one request: afterwards it is as the node says again. */
static void client_gather_request(struct client *client, struct buffer *request) {
    struct simulation *simulation = client->simulation;
    client->is_slow = false;
    client_choose_durability(client);
    client_add_durability(client, client->is_connection_async ? "async" : "sync", request);
    if (client->is_reading)
        client_gather_last_read(client, request);
    else if (random_chance(&simulation->random, simulation->follower_share))
        client_gather_reads(client, request);
    else
        client_gather(client, request);
    client_add_durability(client, "default", request);
}

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

static void client_lost(void *context, unsigned node, enum connection_loss loss) {
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
    echo_text(asked->number, asked->echo_bytes, text);
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
    if (!is_ok(response) && !is_refusal)
        simulation_fail(client->simulation, "a large write was answered by \"%.*s\"",
                        BYTES_PRINT(response->text));
}

static void client_reply(void *context, unsigned node, const struct response *response) {
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

/* ---- life ---- */

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

void client_read_until_answered(struct client *client, const struct operation *operation) {
    CHECK(client_is_idle(client) && client->is_stopped);
    client->is_reading = true;
    client->reading = *operation;
    client->round++;
    client_ask_later(client, 1000);
}
