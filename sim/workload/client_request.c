#include "sim/workload/client_request.h"
#include "base/check.h"
#include "sim/check/risk.h"
#include "wire/request.h"
#include <stdio.h>

enum {
    CLIENT_BALLAST_MOST_BYTES = 6000,
    CLIENT_BALLAST_FIELDS = 10, /* written at once */
    CLIENT_BALLAST_FIELD_COUNT = 100,
    CLIENT_WAIT_MOST_MS = 400,
    CLIENT_NUMBER_BYTES = 12
};

static const double CLIENT_WAIT_CHANCE = 0.03;

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

static void client_encode_fields(struct bytes key, struct bytes value, struct buffer *request) {
    char names[CLIENT_BALLAST_FIELDS][CLIENT_NUMBER_BYTES];
    struct bytes words[2 + 2 * CLIENT_BALLAST_FIELDS] = {BYTES_LITERAL("HMSET"), key};
    unsigned first = (unsigned)value.length % CLIENT_BALLAST_FIELD_COUNT;
    for (unsigned i = 0; i < CLIENT_BALLAST_FIELDS; i++) {
        snprintf(names[i], sizeof names[i], "f%u", (first + i) % CLIENT_BALLAST_FIELD_COUNT);
        words[2 + 2 * i] = bytes_of_text(names[i]);
        words[3 + 2 * i] = value;
    }
    request_encode(request, words, 2 + 2 * CLIENT_BALLAST_FIELDS);
}

static void client_encode_ballast(unsigned number, struct bytes key, struct bytes value,
                                  struct buffer *request) {
    struct bytes far = BYTES_LITERAL("1100000"); /* it is saved in pieces */
    if (number == WORKLOAD_BALLAST_HASH)
        client_encode_fields(key, value, request);
    else if (number == WORKLOAD_BALLAST_STRING)
        request_encode(request, (const struct bytes[]){BYTES_LITERAL("SETRANGE"), key, far, value},
                       4);
    else
        request_encode(request, (const struct bytes[]){BYTES_LITERAL("SET"), key, value}, 3);
}

/* Large values, so that logs and snapshots are more than one message and one segment. */
static void client_add_ballast(struct client *client, struct buffer *request) {
    struct random *random = &client->simulation->random;
    uint8_t value[CLIENT_BALLAST_MOST_BYTES];
    char key[OPERATION_NAME_BYTES];
    size_t length = (size_t)random_between(random, 500, sizeof value);
    memset(value, (int)random_between(random, 'a', 'z'), length);
    unsigned number = (unsigned)random_below(random, WORKLOAD_BALLAST_COUNT);
    workload_ballast_name(number, key);
    client->asked[client->asked_count++] = (struct asked){.kind = ASKED_BALLAST};
    client_encode_ballast(number, bytes_of_text(key), bytes_of(value, length), request);
}

void client_echo_text(uint64_t number, size_t length, char out[CLIENT_ECHO_MOST_BYTES + 1]) {
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
        client_echo_text(asked.number, asked.echo_bytes, text);
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
void client_gather_request(struct client *client, struct buffer *request) {
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
