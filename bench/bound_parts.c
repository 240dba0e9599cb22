/* What the processes of the bound are made of: a log, the data, sockets. */
#include "bound.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/memory.h"

const struct request_limits bound_limits = {
    .bulk_bytes = 1 << 20, .argument_count = 64, .inline_bytes = 65536};

void bound_fail(const char *what) {
    fprintf(stderr, "bench-bound: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- the log ---- */

void bound_log_open(struct bound_log *log, const char *directory, const char *name) {
    static const uint8_t zeros[1 << 20];
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    log->offset = 0;
    log->file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    for (off_t at = 0; log->file >= 0 && at < BOUND_LOG_BYTES; at += (off_t)sizeof zeros)
        if (pwrite(log->file, zeros, sizeof zeros, at) != (ssize_t)sizeof zeros)
            bound_fail(path);
    if (log->file < 0 || fsync(log->file) != 0)
        bound_fail(path);
}

void bound_log_write(struct bound_log *log, struct bytes bytes) {
    uint64_t end = log->offset + bytes.length;
    while (log->offset < end) {
        uint64_t at = log->offset % BOUND_LOG_BYTES;
        uint64_t room = BOUND_LOG_BYTES - at, left = end - log->offset;
        ssize_t written = pwrite(log->file, bytes.data + (bytes.length - left),
                                 left < room ? left : room, (off_t)at);
        if (written <= 0)
            bound_fail("the log");
        log->offset += (uint64_t)written;
    }
    if (fdatasync(log->file) != 0)
        bound_fail("the log");
}

/* ---- the data: linear probing, for as many keys as a benchmark has ---- */

struct bound_data *bound_data_new(void) {
    return memory_allocate_zeroed(BOUND_PLACES, sizeof(struct bound_data));
}

struct bound_data *bound_data_at(struct bound_data *data, struct bytes key) {
    if (key.length > BOUND_KEY_BYTES)
        bound_fail("a key is too long");
    size_t place = XXH3_64bits(key.data, key.length) % BOUND_PLACES;
    for (size_t tried = 0; tried < BOUND_PLACES; tried++) {
        struct bound_data *at = &data[(place + tried) % BOUND_PLACES];
        bool is_it = at->key_bytes == key.length && memcmp(at->key, key.data, key.length) == 0;
        if (is_it || at->key_bytes == 0)
            return at;
    }
    bound_fail("too many keys");
}

void bound_data_set(struct bound_data *data, struct bytes key, struct bytes value) {
    struct bound_data *at = bound_data_at(data, key);
    at->key_bytes = (uint32_t)key.length;
    memcpy(at->key, key.data, key.length);
    if (at->value_bytes != value.length) {
        memory_free(at->value);
        at->value = memory_allocate(value.length + 1);
        at->value_bytes = (uint32_t)value.length;
    }
    memcpy(at->value, value.data, value.length);
}

void bound_data_apply(struct bound_data *data, struct request_parser *parser,
                      struct buffer *stream) {
    size_t consumed;
    while (request_parse(parser, buffer_bytes(stream), &consumed) == REQUEST_READY) {
        bound_data_set(data, parser->arguments[1], parser->arguments[2]);
        buffer_consume(stream, consumed);
    }
}

/* ---- sockets ---- */

static struct sockaddr_in loopback(uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int bound_listen(uint16_t port) {
    struct sockaddr_in address = loopback(port);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 512) != 0)
        bound_fail("cannot listen");
    return listener;
}

int bound_connect(uint16_t port) {
    struct sockaddr_in address = loopback(port);
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0)
        bound_fail("cannot connect");
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return connection;
}

void bound_read(int connection, struct buffer *into) {
    ssize_t got = read(connection, buffer_reserve(into, BOUND_READ_BYTES), BOUND_READ_BYTES);
    if (got <= 0 && !(got < 0 && (errno == EAGAIN || errno == EINTR)))
        exit(0); /* the leader ended */
    if (got > 0)
        buffer_grew(into, (size_t)got);
}

void bound_write(int connection, struct bytes bytes) {
    while (bytes.length > 0) {
        ssize_t written = send(connection, bytes.data, bytes.length, MSG_NOSIGNAL);
        if (written < 0 && errno != EAGAIN && errno != EINTR)
            return; /* a client that went away; the end of a process is seen by who reads */
        if (written < 0)
            poll(&(struct pollfd){.fd = connection, .events = POLLOUT}, 1, 100);
        else
            bytes = (struct bytes){bytes.data + written, bytes.length - (size_t)written};
    }
}
