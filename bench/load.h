/* A load generator: one thread, many connections, one batch in flight on each. The clock of a batch
 * runs from its sending to its *last* reply; a generator that stops at the first reply flatters a
 * server which answers a batch bit by bit.
 *
 *     load.c        the loop, the clock, the report
 *     load_redis.c  the Redis protocol: a batch is P commands, keys belong to the connection's node
 *     load_etcd.c   etcd's gRPC: a batch is P streams at once on the connection */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/containers/histogram.h"
#include "base/random.h"

enum {
    LOAD_TARGET_MAXIMUM = 16,
    LOAD_CLIENT_MAXIMUM = 4096,
    LOAD_PIPELINE_MAXIMUM = 1024,
    LOAD_VALUE_MAXIMUM = 1 << 20,
    LOAD_BUFFER_MAXIMUM = 256 << 20,
    LOAD_KEY_BYTES = 16, /* "key:000000012345" */
    LOAD_PROBLEM_BYTES = 256
};

enum load_operation { LOAD_SET, LOAD_GET, LOAD_FILL /* SET of every key once */ };

/* A server, and the keys for which it is the right one. */
struct load_target {
    char host[64];
    uint16_t port;
    uint32_t *keys;
    size_t key_count, next_fill;
};

struct load_connection {
    int socket;
    struct load_target *target;
    struct buffer input, output;
    unsigned batch, awaited; /* commands of the batch in flight, replies to come */
    uint64_t sent_ns;
    void *session; /* load_etcd.c's own */
};

struct load_protocol;
struct load {
    const struct load_protocol *protocol;
    enum load_operation operation;
    unsigned client_count, pipeline, value_bytes, key_count;
    double seconds;
    struct load_target targets[LOAD_TARGET_MAXIMUM];
    unsigned target_count;
    struct load_connection *connections;
    struct random random;
    uint8_t *value;
    uint64_t error_count;
    char problem[LOAD_PROBLEM_BYTES]; /* the first error reply, or what ended the run */
};

struct load_protocol {
    /* Finds the servers and deals the keys to them. */
    bool (*prepare)(struct load *load);
    bool (*open)(struct load *load, struct load_connection *connection);
    void (*close)(struct load_connection *connection);
    /* Appends requests for these keys to the output. */
    void (*append)(struct load *load, struct load_connection *connection, const uint32_t *keys,
                   unsigned count);
    /* Takes whole replies off the input and lowers `awaited`. False: not understood, or refused. */
    bool (*take)(struct load *load, struct load_connection *connection);
};
extern const struct load_protocol LOAD_REDIS, LOAD_REDIS_CLUSTER, LOAD_ETCD;

int load_connect(const char *host, uint16_t port); /* -1 */
void load_deal_all_keys(struct load *load);        /* every target gets all keys */
void load_note_error(struct load *load, struct bytes text);
