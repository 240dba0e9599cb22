/* What a worker is given: the doors to the world that are its own, and whom it tells what. The
 * owner (server/ on a libuv loop, sim/ in its event queue) fills it in. */
#pragma once
#include "base/buffer.h"
#include "base/containers/table.h"
#include "base/log.h"
#include "config/config.h"
#include "io/clock.h"
#include "io/disk.h"
#include "io/net.h"
#include "member/mail.h"

struct session;
struct blob_store;
struct blob_problem;
struct process_facts;
struct worker_io {
    struct clock *clock;    /* all borrowed, and outlive the worker */
    struct disk *disk;      /* this worker's own directory */
    struct disk *node_disk; /* the node's directory (identity, founding, topology): read by every
                               worker at start, written by worker 0 */
    struct net *net;        /* this worker's own streams to peers; datagrams are the gossiper's */
    const struct log *log;
    /* The session has output to write (clients_output): write what can be written now, keep the
     * rest for later. Called at the end of the turn, once a session and turn. */
    void (*client_output)(void *context, struct session *session, void *handle);
    /* Close the connection once its output is written; then clients_closed(). Called at the
     * end of a turn or later. */
    void (*client_close)(void *context, struct session *session, void *handle);
    /* Stop or go on reading from the client (back-pressure). */
    void (*client_pause)(void *context, struct session *session, void *handle, bool is_paused);
    /* Opens the store that `backup-to` names, with its own thread, on this worker's loop. NULL:
     * this node makes no backups. */
    int (*open_blobs)(void *context, const struct config *config, struct blob_store **out,
                      struct blob_problem *problem);
    void (*post)(void *context, unsigned receiver, struct mail *mail); /* takes the mail */
    /* CONFIG REWRITE: writes these settings (name -> char *value) into the configuration file.
     * NULL, or ERR_NOT_FOUND: there is none; other codes with a sentence. Called on worker 0. */
    int (*rewrite_settings)(void *context, const struct table *values, struct buffer *problem);
    void (*process_facts)(struct process_facts *out); /* what the system says of the process */
    void (*fatal)(void *context, const char *what); /* the node must end at once (fsync failed...).
                                                       May return in the simulator */
    void *context;
};
