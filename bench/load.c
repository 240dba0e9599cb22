#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

enum { LOAD_EVENT_COUNT = 256, LOAD_READ_BYTES = 256 << 10, LOAD_STALL_MS = 10000 };
#define LOAD_WARM_UP_SECONDS 0.2

struct report {
    struct histogram latency_ns;
    uint64_t counted, total; /* operations after the warm-up; all of them */
    uint64_t first_ns, last_ns;
};

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int load_connect(const char *host, uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        return -1;
    int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made >= 0 && connect(made, (struct sockaddr *)&address, sizeof address)) {
        close(made);
        return -1;
    }
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return made;
}

void load_deal_all_keys(struct load *load) {
    for (unsigned i = 0; i < load->target_count; i++) {
        struct load_target *target = &load->targets[i];
        target->keys = memory_allocate(load->key_count * sizeof(uint32_t));
        target->key_count = load->key_count;
        for (unsigned key = 0; key < load->key_count; key++)
            target->keys[key] = key;
    }
}

void load_note_error(struct load *load, struct bytes text) {
    if (load->error_count++ == 0)
        snprintf(load->problem, sizeof load->problem, "%.*s", BYTES_PRINT(text));
}

/* ---- batches ---- */

static unsigned pick_keys(struct load *load, struct load_target *target, uint32_t *keys) {
    unsigned count = 0;
    for (; count < load->pipeline; count++) {
        size_t index = load->operation == LOAD_FILL
                           ? target->next_fill++
                           : random_below(&load->random, target->key_count);
        if (index >= target->key_count)
            break;
        keys[count] = target->keys[index];
    }
    return count;
}

static bool flush(struct load_connection *connection) {
    while (connection->output.length) {
        ssize_t wrote = send(connection->socket, buffer_data(&connection->output),
                             connection->output.length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (wrote < 0)
            return errno == EAGAIN || errno == EINTR;
        buffer_consume(&connection->output, (size_t)wrote);
    }
    return true;
}

static bool send_batch(struct load *load, struct load_connection *connection) {
    uint32_t keys[LOAD_PIPELINE_MAXIMUM];
    unsigned count = pick_keys(load, connection->target, keys);
    if (count == 0)
        return true;
    connection->batch = connection->awaited = count;
    load->protocol->append(load, connection, keys, count);
    connection->sent_ns = now_ns();
    return flush(connection);
}

static bool receive(struct load *load, struct load_connection *connection) {
    uint8_t *room = buffer_reserve(&connection->input, LOAD_READ_BYTES);
    if (!room)
        return false;
    ssize_t got = recv(connection->socket, room, LOAD_READ_BYTES, MSG_DONTWAIT);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    buffer_grew(&connection->input, (size_t)got);
    return load->protocol->take(load, connection);
}

/* ---- the loop ---- */

static void watch(int poller, struct load_connection *connection, int operation) {
    struct epoll_event event = {.events = EPOLLIN | (connection->output.length ? EPOLLOUT : 0U),
                                .data.ptr = connection};
    epoll_ctl(poller, operation, connection->socket, &event);
}

static void count_batch(struct report *report, const struct load_connection *connection,
                        uint64_t now) {
    report->total += connection->batch;
    if (connection->sent_ns >= report->first_ns && now <= report->last_ns) {
        histogram_add(&report->latency_ns, now - connection->sent_ns);
        report->counted += connection->batch;
    }
}

static bool serve(struct load *load, struct report *report, int poller,
                  struct load_connection *connection, unsigned *busy) {
    bool had_output = connection->output.length > 0, was_busy = connection->awaited > 0;
    if (!flush(connection) || !receive(load, connection))
        return false;
    if (was_busy && connection->awaited == 0) {
        uint64_t now = now_ns();
        count_batch(report, connection, now);
        *busy -= 1;
        if (now < report->last_ns) {
            if (!send_batch(load, connection))
                return false;
            *busy += connection->awaited > 0;
        }
    }
    if (had_output || connection->output.length)
        watch(poller, connection, EPOLL_CTL_MOD);
    return true;
}

static bool run(struct load *load, struct report *report) {
    int poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[LOAD_EVENT_COUNT];
    unsigned busy = 0;
    uint64_t begun_ns = now_ns();
    bool is_fill = load->operation == LOAD_FILL;
    report->first_ns = begun_ns + (is_fill ? 0 : (uint64_t)(LOAD_WARM_UP_SECONDS * 1e9));
    report->last_ns = is_fill ? UINT64_MAX : report->first_ns + (uint64_t)(load->seconds * 1e9);
    for (unsigned i = 0; i < load->client_count; i++) {
        if (!send_batch(load, &load->connections[i]))
            return false;
        busy += load->connections[i].awaited > 0;
        watch(poller, &load->connections[i], EPOLL_CTL_ADD);
    }
    bool is_well = true;
    while (busy > 0 && is_well) {
        int count = epoll_wait(poller, events, LOAD_EVENT_COUNT, LOAD_STALL_MS);
        is_well = count > 0 || (count < 0 && errno == EINTR);
        for (int i = 0; i < count && is_well; i++)
            is_well = serve(load, report, poller, events[i].data.ptr, &busy);
    }
    if (is_fill)
        report->last_ns = now_ns();
    close(poller);
    return is_well;
}

/* ---- the options and the report ---- */

static bool open_connections(struct load *load) {
    load->connections = memory_allocate_zeroed(load->client_count, sizeof(struct load_connection));
    for (unsigned i = 0; i < load->client_count; i++) {
        struct load_connection *connection = &load->connections[i];
        connection->target = &load->targets[i % load->target_count];
        buffer_init(&connection->input, LOAD_BUFFER_MAXIMUM);
        buffer_init(&connection->output, LOAD_BUFFER_MAXIMUM);
        connection->socket = load_connect(connection->target->host, connection->target->port);
        if (connection->socket < 0 || !load->protocol->open(load, connection)) {
            snprintf(load->problem, sizeof load->problem, "cannot connect to %s:%u",
                     connection->target->host, connection->target->port);
            return false;
        }
    }
    return true;
}

static void release(struct load *load) {
    for (unsigned i = 0; load->connections && i < load->client_count; i++) {
        struct load_connection *connection = &load->connections[i];
        load->protocol->close(connection);
        buffer_release(&connection->input);
        buffer_release(&connection->output);
        if (connection->socket > 0)
            close(connection->socket);
    }
    for (unsigned i = 0; i < load->target_count; i++)
        memory_free(load->targets[i].keys);
    memory_free(load->connections);
    memory_free(load->value);
}

static void print_report(const struct load *load, const struct report *report) {
    double seconds = (double)(report->last_ns - report->first_ns) / 1e9;
    printf("{\"operations\":%llu,\"total_operations\":%llu,\"seconds\":%.3f,"
           "\"per_second\":%.0f,\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"max_ms\":%.4f,\"errors\":%llu}\n",
           (unsigned long long)report->counted, (unsigned long long)report->total, seconds,
           (double)report->counted / seconds,
           (double)histogram_quantile(&report->latency_ns, 0.5) / 1e6,
           (double)histogram_quantile(&report->latency_ns, 0.99) / 1e6,
           (double)report->latency_ns.maximum / 1e6, (unsigned long long)load->error_count);
}

static bool parse_target(struct load *load, const char *text) {
    struct load_target *target = &load->targets[0];
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof target->host)
        return false;
    memcpy(target->host, text, (size_t)(colon - text));
    target->port = (uint16_t)strtoul(colon + 1, NULL, 10);
    load->target_count = 1;
    return target->port != 0;
}

static unsigned parse_number(const char *text, unsigned maximum) {
    unsigned long number = strtoul(text, NULL, 10);
    return number > maximum ? maximum : (unsigned)number;
}

static bool parse_option(struct load *load, const char *name, const char *value) {
    if (strcmp(name, "--target") == 0)
        return parse_target(load, value);
    if (strcmp(name, "--protocol") == 0) {
        load->protocol = strcmp(value, "redis") == 0     ? &LOAD_REDIS
                         : strcmp(value, "cluster") == 0 ? &LOAD_REDIS_CLUSTER
                         : strcmp(value, "etcd") == 0    ? &LOAD_ETCD
                                                         : NULL;
        return load->protocol != NULL;
    }
    if (strcmp(name, "--operation") == 0) {
        load->operation = strcmp(value, "get") == 0    ? LOAD_GET
                          : strcmp(value, "fill") == 0 ? LOAD_FILL
                                                       : LOAD_SET;
        return true;
    }
    if (strcmp(name, "--clients") == 0)
        return (load->client_count = parse_number(value, LOAD_CLIENT_MAXIMUM)) > 0;
    if (strcmp(name, "--pipeline") == 0)
        return (load->pipeline = parse_number(value, LOAD_PIPELINE_MAXIMUM)) > 0;
    if (strcmp(name, "--bytes") == 0)
        return (load->value_bytes = parse_number(value, LOAD_VALUE_MAXIMUM)) > 0;
    if (strcmp(name, "--keys") == 0)
        return (load->key_count = parse_number(value, UINT32_MAX)) > 0;
    return strcmp(name, "--seconds") == 0 && (load->seconds = strtod(value, NULL)) > 0;
}

int main(int argc, char **argv) {
    struct load load = {.protocol = &LOAD_REDIS,
                        .client_count = 50,
                        .pipeline = 1,
                        .value_bytes = 3,
                        .key_count = 100000,
                        .seconds = 3};
    bool is_valid = argc % 2 == 1;
    for (int i = 1; is_valid && i + 1 < argc; i += 2)
        is_valid = parse_option(&load, argv[i], argv[i + 1]);
    if (!is_valid || load.target_count == 0) {
        fputs("usage: bench-load --target HOST:PORT [--protocol redis|cluster|etcd] [--operation "
              "set|get|fill]\n                  [--clients 50] [--pipeline 1] [--bytes 3] [--keys "
              "100000] [--seconds 3]\n",
              stderr);
        return 2;
    }
    random_init(&load.random, now_ns());
    load.value = memory_allocate(load.value_bytes);
    memset(load.value, 'x', load.value_bytes);
    struct report *report = memory_allocate_zeroed(1, sizeof *report);
    bool is_done = load.protocol->prepare(&load) && open_connections(&load) && run(&load, report);
    if (is_done)
        print_report(&load, report);
    if (!is_done || load.error_count) {
        fprintf(stderr, "bench-load: %s\n",
                load.problem[0] ? load.problem : "the server stopped answering");
    }
    release(&load);
    memory_free(report);
    return is_done ? 0 : 1;
}
