/* The admin port: a small HTTP/1.1 server that answers GET and HEAD.
 *
 *   /, /console/... the console, a page for people (console/console_file.h)
 *   /status         what this node knows of its cluster, as JSON (console/console_status.h)
 *   /metrics        Prometheus text, or OpenMetrics for who asks for it
 *   /health/live    200 while the process serves its loop
 *   /health/ready   200; 503 with the reason while a shard recovers or knows no leader
 *   /debug/profile?seconds=N   a CPU profile of the next N seconds (profile.h)
 *   /debug/heap                a heap profile, /debug/memory the allocator's statistics (heap.h) */
#pragma once
#include "base/containers/list.h"
#include "base/error.h"
#include "base/log.h"
#include "worker/node_shared.h"
#include <uv.h>

enum {
    ADMIN_CONNECTION_MAXIMUM = 64, /* further ones are closed at once */
    ADMIN_IDLE_MS =
        30000, /* a connection that asks nothing, or reads nothing, for so long is closed */
    ADMIN_RESPONSE_MAXIMUM_BYTES = 64 << 20,
    ADMIN_BACKLOG = 64,
    ADMIN_STATUS_MS = 5000,     /* who asks for /status waits so long for the workers */
    ADMIN_STATUS_PAUSE_MS = 250 /* they are asked no more often than this, whoever asks in a loop */
};

struct admin_connection;
struct profile;
struct profiler;

struct admin {
    uv_loop_t *loop;
    struct node_shared *shared; /* borrowed */
    const struct log *log;
    uv_tcp_t listener;
    uv_timer_t timer;
    struct list connections;
    unsigned connection_count;
    struct profiler *profiler;            /* borrowed */
    struct profile *profile;              /* NULL: none is running */
    struct admin_connection *profile_for; /* who waits for it; NULL: it went away */
    uv_timer_t profile_timer;
    bool is_profile_being_written; /* just now, by a thread of the loop's: */
    uv_work_t profile_work;
    struct buffer profile_body;
    int profile_code;
    uv_timer_t status_timer; /* runs while somebody waits for the workers */
    uv_timer_t pause_timer;  /* runs until the workers may be asked again, if somebody waits */
    uint64_t status_asked_ms;
    bool is_status_asked; /* and they have not answered yet */
    /* The owner sets what follows. Ready: NULL: as node_shared_is_ready() says. */
    bool (*is_ready)(void *context, struct buffer *reason);
    /* Before /metrics is answered: what is measured only for it. May be NULL. */
    void (*measure)(void *context);
    /* Asks the workers what they know of the cluster; admin_hear_status() is told, later. NULL:
     * there are none. One question is out at a time, however many wait for it. */
    void (*ask_workers)(void *context);
    /* /status; `workers` is what they said, BYTES_NONE where there are none. NULL: no /status. */
    void (*write_status)(void *context, struct bytes workers, struct buffer *out);
    void *context;
};

void admin_init(struct admin *admin, uv_loop_t *loop, struct node_shared *shared,
                struct profiler *profiler, const struct log *log);
/* Accepts on a listening socket, which it takes. 0 or ERR_IO. */
int admin_listen(struct admin *admin, int socket) MUST_CHECK;
/* The workers' answer to ask_workers(): all who wait for /status get theirs. */
void admin_hear_status(struct admin *admin, struct bytes workers);
/* Ends everything; then the loop has to run. */
void admin_close(struct admin *admin);
