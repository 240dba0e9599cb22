/* What the real blob stores share: one thread that runs jobs, and hands them back to a loop. */
#pragma once
#include "io/blob.h"
#include "io/real/wake.h"
#include <stdatomic.h>
#include <uv.h>

struct blob_thread {
    uv_loop_t *loop; /* NULL: no thread, only the synchronous calls work */
    uv_thread_t thread;
    uv_mutex_t mutex; /* guards both queues and is_stopping */
    uv_cond_t is_wanted;
    struct blob_job *waiting, **waiting_end, *finished, **finished_end;
    bool is_stopping;
    atomic_bool is_closing; /* for a call under way: break off */
    atomic_bool has_ended;
    bool is_joined;
    struct wake wake;
    void (*freed)(void *context);
    void *context;
};

/* Borrows the loop. `freed` is called when nothing uses the struct any more. */
void blob_thread_init(struct blob_thread *thread, uv_loop_t *loop, void (*freed)(void *context),
                      void *context);
void blob_thread_submit(struct blob_thread *thread, struct blob_job *job);
/* As blob_ops.close says; then `freed` is called. At once where there is no loop. */
void blob_thread_close(struct blob_thread *thread);
