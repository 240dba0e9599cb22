/* What the threads of the server share. All of it but `log_level` is set before the threads start,
 * and does not change while they run; they speak by mail, and to the main thread by `progress`.
 *
 *     main thread      signals, reloading, stopping
 *     worker threads   clients, shards, peers          one a worker
 *     gossip thread    datagrams, the admin port
 *
 * A thread goes through its states in this order, moved on by the main thread's orders:
 *
 *     starting --> ready --ORDER_LISTEN--> serving --ORDER_DRAIN--> drained --ORDER_STOP--> ended
 */
#pragma once
#include <stdatomic.h>

#include "base/log.h"
#include "config/config.h"
#include "member/identity.h"
#include "node/node.h"
#include "process/file_share.h"
#include "seal/seal.h"
#include "server/mailbox.h"

enum thread_order { ORDER_LISTEN = 1, ORDER_DRAIN = 2, ORDER_STOP = 4 };

struct worker_thread;
struct gossip_thread;
struct profiler;

struct server {
    struct config config;    /* as at start */
    const char *config_file; /* NULL: none; borrowed */
    struct identity identity;
    struct net_address client_address, peer_address, admin_address; /* as announced */
    struct seal *seal; /* owned; NULL where no cluster key is set */
    struct node_shared *shared;
    struct profiler *profiler; /* owned */
    struct file_share files;
    struct worker_thread **workers;
    struct mailbox **worker_mailboxes; /* the array is owned; each is its thread's */
    unsigned worker_count;
    struct gossip_thread *gossip;
    struct mailbox *gossip_mailbox; /* its thread's */
    uv_async_t progress;            /* sent when a thread has drained or ended */
    atomic_int log_level;           /* as it is set now: for the main thread, which gets no mail */
};

/* Takes the mail. `log` is that of the calling thread. */
void server_post(struct server *server, struct log *log, unsigned receiver, struct mail *mail);
/* Ends the process at once: what cannot be made durable must not be acknowledged. */
_Noreturn void server_fatal(const struct log *log, const char *what);
