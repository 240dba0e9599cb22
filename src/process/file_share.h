/* The descriptors that the system allows this process, and how they are shared out:
 *
 *     [ the node's own: logs, snapshots, streams to peers, admin | peers | clients ]
 *
 * Its own come first: clients and peers, strangers among them, must not take the one that the log
 * needs next. */
#pragma once
#include "base/log.h"

enum {
    FILE_SHARE_OWN = 512,        /* where fewer are allowed, half of them */
    FILE_SHARE_PEERS_LEAST = 16, /* of a worker */
    FILE_SHARE_ALLOWED_MAXIMUM = 1 << 24
};

struct file_share {
    uint64_t allowed;
    uint64_t clients; /* of all workers together */
    unsigned peers;   /* connections of others to the peer port, for each worker */
};

/* Pure: how `allowed` are shared by so many workers. */
struct file_share file_share_of(uint64_t allowed, unsigned worker_count);
/* A line where clients get fewer than `maxclients` says. */
void file_share_log(const struct file_share *share, const struct log *log, uint64_t maxclients);
/* Raises the process's limit as far as it may, and shares what there is. */
struct file_share file_share_take(unsigned worker_count);
