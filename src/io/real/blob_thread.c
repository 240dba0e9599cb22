#include "io/real/blob_thread.h"
#include "base/check.h"

static void append(struct blob_job ***end, struct blob_job *job) {
    job->next = NULL;
    **end = job;
    *end = &job->next;
}

static struct blob_job *take_first(struct blob_job **first, struct blob_job ***end) {
    struct blob_job *job = *first;
    if (job) {
        *first = job->next;
        if (!*first)
            *end = first;
    }
    return job;
}

/* NULL once it is to stop and nothing waits. */
static struct blob_job *wait_for_job(struct blob_thread *thread) {
    uv_mutex_lock(&thread->mutex);
    while (!thread->waiting && !thread->is_stopping)
        uv_cond_wait(&thread->is_wanted, &thread->mutex);
    struct blob_job *job = take_first(&thread->waiting, &thread->waiting_end);
    uv_mutex_unlock(&thread->mutex);
    return job;
}

static void thread_main(void *context) {
    struct blob_thread *thread = context;
    for (struct blob_job *job = wait_for_job(thread); job; job = wait_for_job(thread)) {
        job->status = atomic_load(&thread->is_closing) ? ERR_BUSY : job->run(job);
        uv_mutex_lock(&thread->mutex);
        append(&thread->finished_end, job);
        uv_mutex_unlock(&thread->mutex);
        wake_send(&thread->wake);
    }
    atomic_store(&thread->has_ended, true);
    wake_send(&thread->wake);
}

static void on_wake_closed(void *context) {
    struct blob_thread *thread = context;
    uv_cond_destroy(&thread->is_wanted);
    uv_mutex_destroy(&thread->mutex);
    thread->freed(thread->context);
}

/* Takes the jobs one by one, so that a done() may submit and even close. */
static void deliver(void *context) {
    struct blob_thread *thread = context;
    bool has_ended = atomic_load(&thread->has_ended);
    for (;;) {
        uv_mutex_lock(&thread->mutex);
        struct blob_job *job = take_first(&thread->finished, &thread->finished_end);
        uv_mutex_unlock(&thread->mutex);
        if (!job)
            break;
        job->done(job, job->status);
    }
    if (has_ended && !thread->is_joined) {
        thread->is_joined = true;
        CHECK(uv_thread_join(&thread->thread) == 0);
        wake_close(&thread->wake, on_wake_closed);
    }
}

void blob_thread_init(struct blob_thread *thread, uv_loop_t *loop, void (*freed)(void *context),
                      void *context) {
    thread->loop = loop;
    thread->freed = freed;
    thread->context = context;
    thread->waiting_end = &thread->waiting;
    thread->finished_end = &thread->finished;
    if (!loop)
        return;
    CHECK(uv_mutex_init(&thread->mutex) == 0);
    CHECK(uv_cond_init(&thread->is_wanted) == 0);
    wake_init(&thread->wake, loop, deliver, thread);
    CHECK(uv_thread_create(&thread->thread, thread_main, thread) == 0);
}

void blob_thread_submit(struct blob_thread *thread, struct blob_job *job) {
    CHECK(thread->loop != NULL);
    uv_mutex_lock(&thread->mutex);
    append(&thread->waiting_end, job);
    uv_mutex_unlock(&thread->mutex);
    uv_cond_signal(&thread->is_wanted);
}

void blob_thread_close(struct blob_thread *thread) {
    if (!thread->loop) {
        thread->freed(thread->context);
        return;
    }
    atomic_store(&thread->is_closing, true);
    uv_mutex_lock(&thread->mutex);
    thread->is_stopping = true;
    uv_mutex_unlock(&thread->mutex);
    uv_cond_signal(&thread->is_wanted);
}
