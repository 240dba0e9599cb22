/* What the main thread does while the node runs: it watches signals, reads the settings again, and
 * stops the threads.
 *
 *     SERVING  --SIGTERM----------------------------------> DRAINING     (SIGHUP: reload)
 *     DRAINING --all have drained, or LIFETIME_DRAIN_MS---> LEAVING
 *     LEAVING  --LIFETIME_LEAVE_MS------------------------> STOPPING
 *     STOPPING --all have ended, or LIFETIME_STOP_MS------> the process ends */
#pragma once
#include "process/options.h"
#include "server/threads.h"

enum {
    LIFETIME_DRAIN_MS = 10000,
    LIFETIME_LEAVE_MS = 100,
    LIFETIME_STOP_MS = 5000,
    LIFETIME_REPEAT_MS = 500
};

struct lifetime;

/* Before the threads start: from here on signals wait for lifetime_run, and server->progress
 * exists. */
struct lifetime *lifetime_new(struct server *server, const struct options *options,
                              struct log *log);
/* Returns when every thread has ended. */
void lifetime_run(struct lifetime *lifetime);
/* When the threads are joined. */
void lifetime_free(struct lifetime *lifetime);
