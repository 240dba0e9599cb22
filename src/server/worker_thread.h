/* A worker's thread: its loop, its disk, its client port, its streams to peers, and the worker in
 * the middle. */
#pragma once
#include "io/disk.h"
#include "server/threads.h"

/* What the main thread made for it. */
struct worker_thread_parts {
    const char *directory;          /* of this worker; borrowed until it is ready */
    struct disk *node_disk;         /* of the node; on worker 0's loop, which takes it */
    int client_socket, peer_socket; /* listening; taken */
};

/* The thread's loop and mailbox exist from here on. */
struct worker_thread *worker_thread_new(struct server *server, unsigned index);
uv_loop_t *worker_thread_loop(struct worker_thread *thread);
struct mailbox *worker_thread_mailbox(struct worker_thread *thread);
/* Starts it; it recovers its shards, beside the other threads. */
void worker_thread_start(struct worker_thread *thread, const struct worker_thread_parts *parts);
/* Waits until it has recovered. Negative with a sentence in `problem`: it has ended itself. */
int worker_thread_wait_ready(struct worker_thread *thread, struct buffer *problem) MUST_CHECK;
void worker_thread_order(struct worker_thread *thread, enum thread_order order);
bool worker_thread_has_drained(const struct worker_thread *thread);
bool worker_thread_has_ended(const struct worker_thread *thread);
void worker_thread_free(struct worker_thread *thread); /* joins */
