#include "cli/demo/loader.h"

#include <poll.h>
#include <stdio.h>

#include "base/check.h"
#include "base/containers/queue.h"
#include "base/memory.h"
#include "cli/terminal/figure.h"

/* A connection, opened when a row is for it; rows in flight in the order they were sent. */
struct loader_connection {
    struct net_address address;
    struct client client;
    bool is_open;
    uint64_t retry_us;
    struct queue in_flight; /* uint32_t, the number of a row; at most LOADER_WINDOW_ROWS */
};

struct loader {
    const struct packages *packages;
    enum loader_mode mode;
    struct loader_connection nodes[LOADER_NODE_MAXIMUM];
    unsigned node_count;
    struct loader_range *ranges;
    size_t range_count;
    uint16_t range_of_slot[SLOT_COUNT];
    uint64_t *digests;     /* of each row's fields, when it was acknowledged */
    bool *is_acknowledged; /* each row */
    size_t next_row, done, lost, differ, repeated;
    struct queue aside; /* uint32_t: rows to be tried again */
    uint64_t aside_due_us, progress_us;
    char problem[CLIENT_PROBLEM_BYTES];
};

/* ---- the slots ---- */

static unsigned node_index(struct loader *loader, const struct net_address *address) {
    for (unsigned i = 0; i < loader->node_count; i++)
        if (net_address_equal(&loader->nodes[i].address, address))
            return i;
    if (loader->node_count == LOADER_NODE_MAXIMUM)
        return 0;
    struct loader_connection *connection = &loader->nodes[loader->node_count];
    *connection = (struct loader_connection){.address = *address, .client.socket = -1};
    queue_init(&connection->in_flight, sizeof(uint32_t));
    return loader->node_count++;
}

/* [first, last, [host, port, id...] of the leader, then of each follower] */
static bool read_range(struct loader *loader, const struct response *row) {
    if (row->kind != RESPONSE_ARRAY || row->element_count < 3)
        return false;
    int64_t first = row->elements[0].integer, last = row->elements[1].integer;
    if (first < 0 || first > last || last >= SLOT_COUNT)
        return false;
    struct loader_range *range = &loader->ranges[loader->range_count];
    *range = (struct loader_range){.first = (slot_number)first, .last = (slot_number)last};
    for (size_t i = row->element_count - 1; i >= 2; i--) {
        const struct response *node = &row->elements[i];
        struct net_address address = {.port = 0};
        if (node->kind != RESPONSE_ARRAY || node->element_count < 2 ||
            node->elements[0].text.length >= sizeof address.host)
            return false;
        memcpy(address.host, node->elements[0].text.data, node->elements[0].text.length);
        address.port = (uint16_t)node->elements[1].integer;
        range->leader = node_index(loader, &address);
    }
    for (int64_t slot = first; slot <= last; slot++)
        loader->range_of_slot[slot] = (uint16_t)loader->range_count;
    loader->range_count++;
    return true;
}

static int read_slots(struct loader *loader, const struct response *slots) {
    unsigned covered = 0;
    loader->ranges = memory_allocate_zeroed(slots->element_count, sizeof *loader->ranges);
    for (size_t i = 0; i < slots->element_count; i++) {
        if (!read_range(loader, &slots->elements[i]))
            return ERR_MALFORMED;
        covered += loader->ranges[i].last - loader->ranges[i].first + 1U;
    }
    return covered == SLOT_COUNT ? 0 : ERR_MALFORMED;
}

static int ask_slots(struct loader *loader, const struct net_address *node) {
    struct client client;
    struct response reply;
    int error = client_open(&client, node, LOADER_CONNECT_MS);
    if (!error)
        error = client_call_text(&client, "CLUSTER SLOTS", &reply);
    if (error) {
        memcpy(loader->problem, client.problem, sizeof loader->problem);
    } else {
        error = read_slots(loader, &reply);
        response_release(&reply);
        if (error) {
            snprintf(loader->problem, sizeof loader->problem,
                     "CLUSTER SLOTS does not name a leader for every slot");
        }
    }
    client_close(&client);
    return error;
}

/* ---- a life ---- */

struct loader *loader_new(const struct packages *packages, const struct net_address *node,
                          char *problem) {
    struct loader *loader = memory_allocate_zeroed(1, sizeof *loader);
    loader->packages = packages;
    queue_init(&loader->aside, sizeof(uint32_t));
    if (ask_slots(loader, node)) {
        memcpy(problem, loader->problem, sizeof loader->problem);
        loader_free(loader);
        return NULL;
    }
    loader->digests = memory_allocate_zeroed(packages->count, sizeof *loader->digests);
    loader->is_acknowledged = memory_allocate_zeroed(packages->count, sizeof(bool));
    return loader;
}

void loader_free(struct loader *loader) {
    for (unsigned i = 0; i < loader->node_count; i++) {
        if (loader->nodes[i].is_open)
            client_close(&loader->nodes[i].client);
        queue_release(&loader->nodes[i].in_flight);
    }
    queue_release(&loader->aside);
    memory_free(loader->ranges);
    memory_free(loader->digests);
    memory_free(loader->is_acknowledged);
    memory_free(loader);
}

void loader_begin(struct loader *loader, enum loader_mode mode) {
    CHECK(loader_in_flight(loader) == 0 && queue_count(&loader->aside) == 0);
    loader->mode = mode;
    loader->next_row = loader->done = 0;
    loader->progress_us = figure_now_us();
}

/* ---- rows that wait ---- */

static struct loader_range *range_of_row(struct loader *loader, uint32_t row) {
    slot_number slot = slot_of_key(loader->packages->rows[row].key);
    return &loader->ranges[loader->range_of_slot[slot]];
}

static void push_row(struct queue *rows, uint32_t row) { *(uint32_t *)queue_push(rows) = row; }

static uint32_t take_row(struct queue *rows) {
    uint32_t row = *(const uint32_t *)queue_front(rows);
    queue_pop(rows);
    return row;
}

/* Beside LOADER_ASIDE_ROWS of the input at most what was in flight. */
static void set_aside(struct loader *loader, uint32_t row) { push_row(&loader->aside, row); }

static void doubt_leader(struct loader *loader, struct loader_range *range) {
    range->is_uncertain = true;
    range->leader = (range->leader + 1) % loader->node_count;
}

/* What was in flight has no reply: it may have been done or not. */
static void lose_connection(struct loader *loader, unsigned node) {
    struct loader_connection *connection = &loader->nodes[node];
    client_close(&connection->client);
    connection->is_open = false;
    connection->retry_us = figure_now_us() + LOADER_RECONNECT_US;
    while (queue_count(&connection->in_flight)) {
        uint32_t row = take_row(&connection->in_flight);
        range_of_row(loader, row)->in_flight--;
        loader->repeated++;
        set_aside(loader, row);
    }
    for (size_t i = 0; i < loader->range_count; i++)
        if (loader->ranges[i].leader == node)
            doubt_leader(loader, &loader->ranges[i]);
}

/* ---- sending ---- */

static bool is_connected(struct loader_connection *connection) {
    uint64_t now = figure_now_us();
    if (!connection->is_open && now >= connection->retry_us) {
        connection->is_open =
            !client_open(&connection->client, &connection->address, LOADER_CONNECT_MS);
        connection->retry_us = now + LOADER_RECONNECT_US;
    }
    return connection->is_open;
}

static void append_request(struct loader *loader, struct client *client, uint32_t row) {
    struct bytes arguments[PACKAGE_ARGUMENT_MAXIMUM];
    const struct package *package = &loader->packages->rows[row];
    size_t count = package_command(package, arguments);
    if (loader->mode == LOADER_READ) {
        arguments[0] = BYTES_LITERAL("HGETALL");
        count = 2;
    } else {
        loader->digests[row] = package_digest(arguments + 2, count - 2);
    }
    client_append(client, arguments, count);
}

enum placed { PLACED, PLACED_ASIDE, PLACED_NOWHERE_YET };

static enum placed place_row(struct loader *loader, uint32_t row) {
    struct loader_range *range = range_of_row(loader, row);
    struct loader_connection *connection = &loader->nodes[range->leader];
    if (range->is_uncertain && range->in_flight > 0)
        return PLACED_ASIDE;
    if (!is_connected(connection)) {
        doubt_leader(loader, range);
        return PLACED_ASIDE;
    }
    if (queue_count(&connection->in_flight) == LOADER_WINDOW_ROWS ||
        connection->client.output.length > LOADER_WINDOW_BYTES)
        return PLACED_NOWHERE_YET;
    append_request(loader, &connection->client, row);
    push_row(&connection->in_flight, row);
    range->in_flight++;
    return PLACED;
}

/* Each row that waits is looked at once; what cannot go now goes to the end of the ring. */
static void retry_aside(struct loader *loader, uint64_t now) {
    if (now < loader->aside_due_us)
        return;
    loader->aside_due_us = now + LOADER_RETRY_US;
    for (size_t left = queue_count(&loader->aside); left > 0; left--) {
        uint32_t row = take_row(&loader->aside);
        if (place_row(loader, row) != PLACED)
            set_aside(loader, row);
    }
}

static void send_rows(struct loader *loader) {
    retry_aside(loader, figure_now_us());
    while (loader->next_row < loader->packages->count &&
           queue_count(&loader->aside) < LOADER_ASIDE_ROWS) {
        uint32_t row = (uint32_t)loader->next_row;
        enum placed placed = PLACED;
        if (loader->mode == LOADER_WRITE || loader->is_acknowledged[row])
            placed = place_row(loader, row);
        if (placed == PLACED_NOWHERE_YET)
            return;
        if (placed == PLACED_ASIDE)
            set_aside(loader, row);
        loader->next_row++;
    }
}

/* ---- replies ---- */

static bool starts_with(struct bytes text, const char *word) {
    size_t length = strlen(word);
    return text.length >= length && memcmp(text.data, word, length) == 0;
}

/* "MOVED 3999 127.0.0.1:6381" */
static void follow(struct loader *loader, struct loader_range *range, struct bytes text) {
    const uint8_t *space = memrchr(text.data, ' ', text.length);
    struct net_address address;
    struct bytes last = bytes_of(space + 1, text.length - (size_t)(space + 1 - text.data));
    range->is_uncertain = true;
    if (net_address_parse(&address, last))
        doubt_leader(loader, range);
    else
        range->leader = node_index(loader, &address);
}

static int take_error(struct loader *loader, struct loader_range *range, uint32_t row,
                      struct bytes text) {
    static const char *const passing[] = {"CLUSTERDOWN", "TRYAGAIN", "LOADING", "UNKNOWN"};
    if (starts_with(text, "MOVED ")) {
        follow(loader, range, text);
        set_aside(loader, row);
        return 0;
    }
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        if (starts_with(text, passing[i])) {
            doubt_leader(loader, range);
            set_aside(loader, row);
            return 0;
        }
    }
    snprintf(loader->problem, sizeof loader->problem, "%.*s was answered: %.*s",
             BYTES_PRINT(loader->packages->rows[row].key), BYTES_PRINT(text));
    return ERR_REFUSED;
}

static void compare(struct loader *loader, uint32_t row, const struct response *reply) {
    struct bytes fields[PACKAGE_ARGUMENT_MAXIMUM];
    size_t count = reply->element_count;
    if (count == 0) {
        loader->lost++;
        return;
    }
    for (size_t i = 0; i < count && i < PACKAGE_ARGUMENT_MAXIMUM; i++)
        fields[i] = reply->elements[i].text;
    loader->differ +=
        count > PACKAGE_ARGUMENT_MAXIMUM || package_digest(fields, count) != loader->digests[row];
}

static void note_taken_over(struct loader_range *range, unsigned node) {
    range->is_uncertain = false;
    range->leader = node;
    /* What the watched leader had answered before it was killed may be read only now. */
    if (range->is_watched && range->taken_over_us == 0 && node != range->watched_leader) {
        range->taken_over_us = figure_now_us();
        range->taken_over_by = node;
    }
}

static int take_reply(struct loader *loader, unsigned node, const struct response *reply) {
    struct loader_connection *connection = &loader->nodes[node];
    if (queue_count(&connection->in_flight) == 0) {
        snprintf(loader->problem, sizeof loader->problem, "a reply came that nobody asked for");
        return ERR_REFUSED;
    }
    uint32_t row = take_row(&connection->in_flight);
    struct loader_range *range = range_of_row(loader, row);
    range->in_flight--;
    if (reply->kind == RESPONSE_ERROR)
        return take_error(loader, range, row, reply->text);
    if (loader->mode == LOADER_READ) {
        compare(loader, row, reply);
    } else {
        note_taken_over(range, node);
        loader->is_acknowledged[row] = true;
    }
    range->is_uncertain = false;
    loader->done++;
    loader->progress_us = figure_now_us();
    return 0;
}

static int take_replies(struct loader *loader, unsigned node) {
    struct client *client = &loader->nodes[node].client;
    int error = client_receive_some(client);
    while (!error) {
        struct response reply;
        size_t consumed;
        int status = response_parse(buffer_bytes(&client->input), &reply, &consumed);
        if (status == 0)
            return 0;
        if (status < 0)
            break;
        error = take_reply(loader, node, &reply);
        client_consume(client, &reply, consumed);
        if (error)
            return error;
    }
    lose_connection(loader, node);
    return 0;
}

/* ---- the loop ---- */

static int check_stall(struct loader *loader) {
    if (loader_is_done(loader) || figure_now_us() < loader->progress_us + (uint64_t)LOADER_STALL_US)
        return 0;
    snprintf(loader->problem, sizeof loader->problem,
             "no row was answered for %d s: %zu in flight, %zu wait for a leader",
             LOADER_STALL_US / 1000000, loader_in_flight(loader), queue_count(&loader->aside));
    return ERR_IO;
}

static void flush(struct loader *loader) {
    for (unsigned i = 0; i < loader->node_count; i++)
        if (loader->nodes[i].is_open && client_send_some(&loader->nodes[i].client))
            lose_connection(loader, i);
}

static int wait_for_replies(struct loader *loader, int timeout_ms) {
    struct pollfd polled[LOADER_NODE_MAXIMUM];
    unsigned nodes[LOADER_NODE_MAXIMUM];
    nfds_t count = 0;
    for (unsigned i = 0; i < loader->node_count; i++) {
        struct loader_connection *connection = &loader->nodes[i];
        if (connection->is_open) {
            short events = connection->client.output.length ? POLLIN | POLLOUT : POLLIN;
            nodes[count] = i;
            polled[count++] = (struct pollfd){.fd = connection->client.socket, .events = events};
        }
    }
    bool is_waiting = queue_count(&loader->aside) > 0 && timeout_ms > LOADER_RETRY_US / 1000;
    (void)poll(polled, count, is_waiting ? LOADER_RETRY_US / 1000 : timeout_ms);
    for (nfds_t i = 0; i < count; i++) {
        int error = polled[i].revents & ~POLLOUT ? take_replies(loader, nodes[i]) : 0;
        if (error)
            return error;
    }
    return 0;
}

/* What may be sent is under way when this returns. */
int loader_turn(struct loader *loader, int timeout_ms) {
    int error = 0;
    if (loader_in_flight(loader) || queue_count(&loader->aside))
        error = wait_for_replies(loader, timeout_ms);
    if (!error) {
        send_rows(loader);
        flush(loader);
        error = check_stall(loader);
    }
    return error;
}

/* ---- what is told ---- */

const char *loader_problem(const struct loader *loader) { return loader->problem; }

bool loader_is_done(const struct loader *loader) {
    return loader->next_row == loader->packages->count && queue_count(&loader->aside) == 0 &&
           loader_in_flight(loader) == 0;
}

size_t loader_done_count(const struct loader *loader) { return loader->done; }

size_t loader_in_flight(const struct loader *loader) {
    size_t count = 0;
    for (unsigned i = 0; i < loader->node_count; i++)
        count += queue_count(&loader->nodes[i].in_flight);
    return count;
}

size_t loader_lost_count(const struct loader *loader) { return loader->lost; }
size_t loader_differ_count(const struct loader *loader) { return loader->differ; }
size_t loader_repeated_count(const struct loader *loader) { return loader->repeated; }

unsigned loader_watch(struct loader *loader, const struct net_address *leader) {
    unsigned node = node_index(loader, leader), watched = 0;
    for (size_t i = 0; i < loader->range_count; i++) {
        struct loader_range *range = &loader->ranges[i];
        range->is_watched = range->leader == node;
        range->watched_leader = node;
        range->taken_over_us = 0;
        watched += range->is_watched;
    }
    return watched;
}

bool loader_is_taken_over(const struct loader *loader) {
    for (size_t i = 0; i < loader->range_count; i++)
        if (loader->ranges[i].is_watched && loader->ranges[i].taken_over_us == 0)
            return false;
    return true;
}

size_t loader_range_count(const struct loader *loader) { return loader->range_count; }
const struct loader_range *loader_range(const struct loader *loader, size_t index) {
    return &loader->ranges[index];
}
const struct net_address *loader_node(const struct loader *loader, unsigned index) {
    return &loader->nodes[index].address;
}
