/* The admin port: what is behind each path.
 *
 *   /, /console/... the console, a page for people (console/console_file.h)
 *   /status         what this node knows of its cluster, as JSON (admin_status.h)
 *   /metrics        Prometheus text, or OpenMetrics for who asks for it
 *   /health/live    200 while the process serves its loop
 *   /health/ready   200; 503 with the reason while a shard recovers or knows no leader
 *   /debug/profile  a CPU profile of the next ?seconds=N (admin_profile.h)
 *   /debug/heap     a heap profile; /debug/memory the allocator's statistics (admin_debug.h) */
#pragma once
#include "admin/admin_profile.h"
#include "admin/admin_status.h"
#include "worker/node_shared.h"

struct admin_options {
    struct node_shared *shared; /* borrowed, as what follows */
    struct profiler *profiler;
    const struct log *log;
    /* NULL: as node_shared_is_ready() says. */
    bool (*is_ready)(void *context, struct buffer *reason);
    /* Before /metrics is answered: what is measured only for it. May be NULL. */
    void (*measure)(void *context);
    void *context;
    struct admin_status_source status;
};

struct admin {
    struct admin_options options;
    struct http_server http;
    struct admin_profile profile;
    struct admin_status status;
};

void admin_init(struct admin *admin, uv_loop_t *loop, const struct admin_options *options);
/* Accepts on a listening socket, which it takes. 0 or ERR_IO. */
int admin_listen(struct admin *admin, int socket) MUST_CHECK;
/* The workers' answer to ask_workers(). */
void admin_hear_status(struct admin *admin, struct bytes workers);
/* Ends everything; then the loop has to run. */
void admin_close(struct admin *admin);
