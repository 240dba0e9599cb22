/* A command on its way to a shard of this node: on this worker at once, on another by mail. The
 * outcome comes to its target. Commands of other workers for which a shard here has no room wait in
 * their order. */
#include "session/calls/calls.h"

#include <stdio.h>

#include "base/check.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "base/text/number.h"
#include "session/client/session.h"
#include "session/client/target.h"
#include "worker/worker.h"

/* A command that another worker's session sent to a shard here. */
struct remote_call {
    struct target target;
    struct list link; /* sessions->remote_calls */
    unsigned from;
    size_t command_bytes;
    void *their_target;
    uint64_t their_ticket;
};

/* ---- to a shard ---- */

static int wait_on_shard(struct shard *shard, const struct bytes *arguments,
                         struct shard_waiter waiter) {
    int64_t local = 0, replicas = 0, timeout_ms = 0;
    bool are_numbers = number_parse_i64(arguments[0], &local) &&
                       number_parse_i64(arguments[1], &replicas) &&
                       number_parse_i64(arguments[2], &timeout_ms);
    CHECK(are_numbers); /* wait_command() has looked */
    struct shard_wait_options options = {.replicas = replicas > UINT32_MAX ? UINT32_MAX
                                                                           : (uint32_t)replicas,
                                         .is_local = local != 0,
                                         .timeout_ms = (uint64_t)timeout_ms};
    return shard_wait(shard, &options, waiter);
}

static int ask_shard(struct shard *shard, const struct shard_call *call) {
    struct shard_waiter waiter = {.target = call->target,
                                  .ticket = call->ticket,
                                  .protocol = call->protocol,
                                  .is_async = (call->flags & CALL_ASYNC) != 0};
    if (call->flags & CALL_WAIT)
        return wait_on_shard(shard, call->arguments, waiter);
    if (call->flags & CALL_THROUGH_LOG)
        return shard_propose(shard, call->arguments, call->argument_count, waiter);
    return shard_read(shard, call->arguments, call->argument_count, waiter, call->flags);
}

/* The word that Redis has for a node that cannot persist. */
static void refuse_for_space(struct worker *worker, const struct shard *shard,
                             const struct shard_call *call) {
    char text[256];
    int length = snprintf(text, sizeof text,
                          "-MISCONF %s: it takes no writes until that is over; reads go on\r\n",
                          shard_wanting_text(shard));
    call->target->deliver(worker, call->target, call->ticket, SHARD_DONE,
                          bytes_of(text, (size_t)length));
}

static enum route_result call_here(struct worker *worker, struct shard *shard,
                                   const struct shard_call *call) {
    if (worker->sessions->tracing.length && call->flags & CALL_THROUGH_LOG)
        shard_trace_next(shard, worker->sessions->tracing);
    int error = ask_shard(shard, call);
    if (error == ERR_BUSY)
        return ROUTE_BUSY;
    if (error == ERR_NO_SPACE)
        refuse_for_space(worker, shard, call);
    else if (error)
        call->target->deliver(worker, call->target, call->ticket, SHARD_NOT_EXECUTED, BYTES_NONE);
    return ROUTE_DONE;
}

static enum route_result call_by_mail(struct worker *worker, uint32_t shard,
                                      const struct shard_call *call) {
    if (worker->sessions->mailed_bytes >= (size_t)worker->config.uncommitted_bytes)
        return ROUTE_BUSY;
    struct mail *mail = mail_new(MAIL_COMMAND, worker->index);
    mail->shard = shard;
    mail->target = call->target;
    mail->ticket = call->ticket;
    mail->protocol = call->protocol;
    mail->flags = call->flags;
    mail->key =
        worker->sessions->tracing.length ? bytes_copy_text(worker->sessions->tracing) : NULL;
    mail_put_arguments(mail, call->arguments, call->argument_count);
    worker->sessions->mailed_bytes += mail->bytes.length;
    worker_post(worker, shard % worker->count, mail);
    return ROUTE_DONE;
}

enum route_result calls_send(struct worker *worker, uint32_t shard, const struct shard_call *call) {
    if (shard % worker->count != worker->index)
        return call_by_mail(worker, shard, call);
    if (!worker->shards[shard]) {
        call->target->deliver(worker, call->target, call->ticket, SHARD_NOT_EXECUTED, BYTES_NONE);
        return ROUTE_DONE;
    }
    return call_here(worker, worker->shards[shard], call);
}

/* ---- from another worker ---- */

static void note_answer(struct mail *mail, const struct shard_answer *answer) {
    if (answer) {
        mail->shard = answer->shard;
        mail->origin = (int)answer->origin;
        mail->term = answer->place.term;
        mail->index = answer->place.index;
        mail->asked_us = answer->asked_us;
        mail->ended_us = answer->ended_us;
    }
}

static void remote_deliver(struct worker *worker, struct target *target, uint64_t ticket,
                           enum shard_outcome outcome, struct bytes reply) {
    (void)ticket;
    struct remote_call *call = (struct remote_call *)target;
    struct mail *mail = mail_new(MAIL_REPLY, worker->index);
    mail->target = call->their_target;
    mail->ticket = call->their_ticket;
    mail->command_bytes = call->command_bytes;
    mail->status = (int)outcome;
    note_answer(mail, worker->sessions->answering);
    if (!session_take_reply(worker->sessions, reply, &mail->bytes))
        buffer_append_bytes(&mail->bytes, reply);
    worker_post(worker, call->from, mail);
    list_remove(&call->link);
    memory_free(call);
}

static size_t decode_arguments(struct worker *worker, struct bytes in) {
    struct cursor cursor = cursor_of(in);
    size_t count = cursor_varint(&cursor);
    if (count > worker->sessions->mail_argument_capacity) {
        worker->sessions->mail_argument_capacity = count;
        worker->sessions->mail_arguments =
            memory_resize(worker->sessions->mail_arguments, count * sizeof(struct bytes));
    }
    for (size_t i = 0; i < count; i++)
        worker->sessions->mail_arguments[i] = cursor_length_prefixed(&cursor, SIZE_MAX);
    CHECK(cursor_finish(&cursor) == 0);
    return count;
}

static struct remote_call *remote_call_new(struct worker *worker, const struct mail *mail) {
    struct remote_call *call = memory_allocate_zeroed(1, sizeof *call);
    call->target.deliver = remote_deliver;
    call->from = mail->from;
    call->command_bytes = mail->bytes.length;
    call->their_target = mail->target;
    call->their_ticket = mail->ticket;
    list_append(&worker->sessions->remote_calls, &call->link);
    return call;
}

static enum route_result run_mail(struct worker *worker, struct mail *mail) {
    size_t count = decode_arguments(worker, buffer_bytes(&mail->bytes));
    struct remote_call *call = remote_call_new(worker, mail);
    struct shard *shard = worker->shards[mail->shard];
    if (!shard) {
        remote_deliver(worker, &call->target, 0, SHARD_NOT_EXECUTED, BYTES_NONE);
        return ROUTE_DONE;
    }
    worker->sessions->tracing = mail->key ? bytes_of_text(mail->key) : BYTES_NONE;
    enum route_result result =
        call_here(worker, shard,
                  &(struct shard_call){.arguments = worker->sessions->mail_arguments,
                                       .argument_count = count,
                                       .target = &call->target,
                                       .protocol = mail->protocol,
                                       .flags = mail->flags});
    worker->sessions->tracing = BYTES_NONE;
    if (result == ROUTE_BUSY) {
        list_remove(&call->link);
        memory_free(call);
    }
    return result;
}

void calls_mail(struct worker *worker, struct mail *mail) {
    if (queue_count(&worker->sessions->deferred_mail) || run_mail(worker, mail) == ROUTE_BUSY)
        *(struct mail **)queue_push(&worker->sessions->deferred_mail) = mail;
    else
        mail_free(mail);
}

void calls_retry(struct worker *worker) {
    while (queue_count(&worker->sessions->deferred_mail)) {
        struct mail *mail = *(struct mail **)queue_front(&worker->sessions->deferred_mail);
        if (run_mail(worker, mail) == ROUTE_BUSY)
            return;
        queue_pop(&worker->sessions->deferred_mail);
        mail_free(mail);
    }
}

void calls_free_all(struct worker *worker) {
    struct sessions *sessions = worker->sessions;
    LIST_EACH (&sessions->remote_calls, link)
        memory_free(LIST_ELEMENT(link, struct remote_call, link));
    for (; queue_count(&sessions->deferred_mail); queue_pop(&sessions->deferred_mail))
        mail_free(*(struct mail **)queue_front(&sessions->deferred_mail));
    queue_release(&sessions->deferred_mail);
    memory_free(sessions->mail_arguments);
}
