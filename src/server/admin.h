/* The admin port: a small HTTP/1.1 server that answers GET and HEAD.
 *
 *   /metrics        Prometheus text, or OpenMetrics for who asks for it
 *   /health/live    200 while the process serves its loop
 *   /health/ready   200; 503 with the reason while a shard recovers or knows no leader
 *   /debug/profile?seconds=N   a CPU profile of the next N seconds (profile.h)
 *   /debug/heap                a heap profile, /debug/memory the allocator's statistics (heap.h) */
#pragma once
#include "base/list.h"
#include "base/log.h"
#include "node/node.h"
#include <uv.h>

enum {
    ADMIN_CONNECTION_MAXIMUM = 64, /* further ones are closed at once */
    ADMIN_IDLE_MS =
        30000, /* a connection that asks nothing, or reads nothing, for so long is closed */
    ADMIN_RESPONSE_MAXIMUM_BYTES = 64 << 20,
    ADMIN_BACKLOG = 64
};

struct admin_connection;
struct profile;

struct admin {
    uv_loop_t *loop;
    struct node_shared *shared; /* borrowed */
    const struct log *log;
    uv_tcp_t listener;
    uv_timer_t timer;
    struct list connections;
    unsigned connection_count;
    struct profile *profile;              /* NULL: none is running */
    struct admin_connection *profile_for; /* who waits for it; NULL: it went away */
    uv_timer_t profile_timer;
    /* Set by an agent; NULL: ready is what node_shared_is_ready() says. */
    bool (*is_ready)(void *context, struct buffer *reason);
    void *context;
};

void admin_init(struct admin *admin, uv_loop_t *loop, struct node_shared *shared,
                const struct log *log);
/* Accepts on a listening socket, which it takes. 0 or ERR_IO. */
int admin_listen(struct admin *admin, int socket) MUST_CHECK;
/* Ends everything; then the loop has to run. */
void admin_close(struct admin *admin);
