/* /status of a node goes round its workers; whoever asks meanwhile waits for the same answer. */
#pragma once
#include "admin/http_server.h"

enum {
    ADMIN_STATUS_MS = 5000,     /* who asks for it waits so long for the workers */
    ADMIN_STATUS_PAUSE_MS = 250 /* they are asked no more often than this, whoever asks in a loop */
};

/* Where the parts of it come from. */
struct admin_status_source {
    /* Asks the workers what they know of the cluster; admin_status_hear() is told, later. NULL:
     * there are none. One question is out at a time, however many wait for it. */
    void (*ask_workers)(void *context);
    /* `workers` is what they said, BYTES_NONE where there are none. NULL: there is no /status. */
    void (*write)(void *context, struct bytes workers, struct buffer *out);
    void *context;
};

struct admin_status {
    uv_loop_t *loop;
    struct admin_status_source source;
    struct http_late late;
    uv_timer_t timer;       /* runs while somebody waits for the workers */
    uv_timer_t pause_timer; /* runs until the workers may be asked again, if somebody waits */
    uint64_t asked_ms;
    bool is_asked; /* and they have not answered yet */
};

void admin_status_init(struct admin_status *status, uv_loop_t *loop,
                       const struct admin_status_source *source);
/* NULL: answered; else what has to be waited for. */
struct http_late *admin_status_answer(struct admin_status *status,
                                      struct http_answer *answer) MUST_CHECK;
/* The workers' answer: all who wait get theirs. */
void admin_status_hear(struct admin_status *status, struct bytes workers);
void admin_status_close(struct admin_status *status);
