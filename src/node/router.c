/* Where a command goes: to the node itself, to a shard on this worker, to one on another worker of
 * this node, or away with a redirection. Whatever is believed here about leaders, the shard itself
 * decides: a stale belief costs a redirect. */
#include <stdio.h>

#include "base/check.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "node/internal.h"

enum { ROUTER_KEYS_MAXIMUM = 1 << 20 };

/* ---- to a shard ---- */

static enum route_result call_here(struct worker *worker, struct shard *shard,
                                   const struct bytes *arguments, size_t count,
                                   struct target *target, uint64_t ticket, uint8_t protocol,
                                   unsigned flags) {
    struct shard_waiter waiter = {.target = target,
                                  .ticket = ticket,
                                  .protocol = protocol,
                                  .is_async = (flags & ROUTER_ASYNC) != 0};
    if (worker->tracing.length && flags & ROUTER_THROUGH_LOG) {
        shard_trace_next(shard, worker->tracing);
    }
    int error = flags & ROUTER_WAIT          ? wait_on_shard(shard, arguments, waiter)
                : flags & ROUTER_THROUGH_LOG ? shard_propose(shard, arguments, count, waiter)
                                             : shard_read(shard, arguments, count, waiter, flags);
    if (error == ERR_BUSY) {
        return ROUTE_BUSY;
    }
    if (error == ERR_NO_SPACE) {
        /* The word that Redis has for a node that cannot persist. */
        target->deliver(worker, target, ticket, SHARD_DONE,
                        BYTES_LITERAL("-MISCONF the disk of this node is full: it takes no writes "
                                      "until there is space; reads go on\r\n"));
    } else if (error) {
        target->deliver(worker, target, ticket, SHARD_NOT_EXECUTED, BYTES_NONE);
    }
    return ROUTE_DONE;
}

static char *text_of(struct bytes bytes) {
    char *text = memory_allocate(bytes.length + 1);
    memcpy(text, bytes.data, bytes.length);
    text[bytes.length] = '\0';
    return text;
}

static enum route_result call_by_mail(struct worker *worker, uint32_t shard,
                                      const struct bytes *arguments, size_t count,
                                      struct target *target, uint64_t ticket, uint8_t protocol,
                                      unsigned flags) {
    if (worker->mailed_bytes >= (size_t)worker->config.uncommitted_bytes) {
        return ROUTE_BUSY;
    }
    struct mail *mail = mail_new(MAIL_COMMAND, worker->index);
    mail->shard = shard;
    mail->target = target;
    mail->ticket = ticket;
    mail->protocol = protocol;
    mail->flags = flags;
    mail->key = worker->tracing.length ? text_of(worker->tracing) : NULL;
    buffer_append_varint(&mail->bytes, count);
    for (size_t i = 0; i < count; i++) {
        buffer_append_length_prefixed(&mail->bytes, arguments[i]);
    }
    worker->mailed_bytes += mail->bytes.length;
    worker_post(worker, shard % worker->count, mail);
    return ROUTE_DONE;
}

enum route_result router_call(struct worker *worker, uint32_t shard, const struct command *command,
                              const struct bytes *arguments, size_t count, struct target *target,
                              uint64_t ticket, uint8_t protocol, unsigned flags) {
    flags |= command->flags & COMMAND_WRITE ? ROUTER_THROUGH_LOG : 0;
    if (shard % worker->count != worker->index) {
        return call_by_mail(worker, shard, arguments, count, target, ticket, protocol, flags);
    }
    if (!worker->shards[shard]) {
        target->deliver(worker, target, ticket, SHARD_NOT_EXECUTED, BYTES_NONE);
        return ROUTE_DONE;
    }
    return call_here(worker, worker->shards[shard], arguments, count, target, ticket, protocol,
                     flags);
}

/* ---- from another worker ---- */

static void remote_deliver(struct worker *worker, struct target *target, uint64_t ticket,
                           enum shard_outcome outcome, struct bytes reply) {
    (void)ticket;
    struct remote_call *call = (struct remote_call *)target;
    struct mail *mail = mail_new(MAIL_REPLY, worker->index);
    mail->target = call->their_target;
    mail->ticket = call->their_ticket;
    mail->command_bytes = call->command_bytes;
    mail->status = (int)outcome;
    mail->term = worker->answering.term;
    mail->index = worker->answering.index;
    buffer_append_bytes(&mail->bytes, reply);
    worker_post(worker, call->from, mail);
    list_remove(&call->link);
    memory_free(call);
}

static size_t decode_arguments(struct worker *worker, struct bytes in) {
    struct cursor cursor = cursor_of(in);
    size_t count = cursor_varint(&cursor);
    if (count > worker->mail_argument_capacity) {
        worker->mail_argument_capacity = count;
        worker->mail_arguments =
            memory_resize(worker->mail_arguments, count * sizeof(struct bytes));
    }
    for (size_t i = 0; i < count; i++) {
        worker->mail_arguments[i] = cursor_length_prefixed(&cursor, SIZE_MAX);
    }
    CHECK(cursor_finish(&cursor) == 0);
    return count;
}

static struct remote_call *remote_call_new(struct worker *worker, const struct mail *mail) {
    struct remote_call *call = memory_allocate_zeroed(1, sizeof(*call));
    call->target.deliver = remote_deliver;
    call->from = mail->from;
    call->command_bytes = mail->bytes.length;
    call->their_target = mail->target;
    call->their_ticket = mail->ticket;
    list_append(&worker->remote_calls, &call->link);
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
    worker->tracing = mail->key ? bytes_of_text(mail->key) : BYTES_NONE;
    enum route_result result = call_here(worker, shard, worker->mail_arguments, count,
                                         &call->target, 0, mail->protocol, mail->flags);
    worker->tracing = BYTES_NONE;
    if (result == ROUTE_BUSY) {
        list_remove(&call->link);
        memory_free(call);
    }
    return result;
}

void router_mail_command(struct worker *worker, struct mail *mail) {
    if (queue_count(&worker->deferred_mail) || run_mail(worker, mail) == ROUTE_BUSY) {
        *(struct mail **)queue_push(&worker->deferred_mail) = mail;
    } else {
        mail_free(mail);
    }
}

void router_retry_deferred(struct worker *worker) {
    while (queue_count(&worker->deferred_mail)) {
        struct mail *mail = *(struct mail **)queue_front(&worker->deferred_mail);
        if (run_mail(worker, mail) == ROUTE_BUSY) {
            return;
        }
        queue_pop(&worker->deferred_mail);
        mail_free(mail);
    }
}

/* ---- a session's command ---- */

static bool has_one_shard(const struct worker *worker) {
    return worker->topology->shard_count == 2;
}

/* The slot of the command's keys. ERR_REFUSED when they are in several. */
static int slot_of_keys(const struct worker *worker, const struct command *command,
                        const struct bytes *arguments, size_t count, slot_number *slot) {
    size_t first;
    size_t key_count = command_keys(command, count, &first, 1);
    if (key_count == 0) {
        return ERR_NOT_FOUND;
    }
    *slot = slot_of_key(arguments[first]);
    if (key_count == 1 || has_one_shard(worker)) {
        return 0;
    }
    size_t *positions = memory_allocate(key_count * sizeof(*positions));
    key_count = command_keys(command, count, positions, key_count);
    int error = 0;
    for (size_t i = 1; i < key_count && !error; i++) {
        error = slot_of_key(arguments[positions[i]]) == *slot ? 0 : ERR_REFUSED;
    }
    memory_free(positions);
    return error;
}

static enum route_result refuse(struct session *session, const char *text) {
    struct reply reply = {.out = &session->worker->reply_buffer, .protocol = session->protocol};
    reply_error(&reply, text);
    session_reply_now(session, buffer_bytes(reply.out));
    return ROUTE_DONE;
}

/* Before anything of it is proposed: it would fit into no message between nodes. */
static enum route_result refuse_length(struct session *session) {
    char text[96];
    snprintf(text, sizeof(text), "ERR command is longer than a log entry may be: %zu bytes",
             SHARD_COMMAND_BYTES_MAXIMUM);
    return refuse(session, text);
}

static enum route_result redirect(struct session *session, uint32_t shard, slot_number slot) {
    struct reply reply = {.out = &session->worker->reply_buffer, .protocol = session->protocol};
    leaders_redirect(session->worker, shard, slot, &reply);
    session_reply_now(session, buffer_bytes(reply.out));
    return ROUTE_DONE;
}

/* A place in the session's order is taken before the shard is asked, because the answer may come
 * within the call. It is given back if the shard has no room: nothing was written behind it
 * meanwhile. */
static enum route_result call_shard(struct session *session, uint32_t shard, slot_number slot,
                                    const struct command *command, const struct bytes *arguments,
                                    size_t count) {
    unsigned flags;
    if (!session_order(session, command, &flags)) {
        return ROUTE_BUSY;
    }
    flags |= session->is_readonly ? SHARD_READ_ON_FOLLOWER : 0;
    if (!leaders_is_here(session->worker, shard)) {
        flags &= ~(unsigned)ROUTER_THROUGH_LOG;
    }
    uint64_t ticket = session_expect(session, shard, slot);
    if (command->flags & COMMAND_WRITE) {
        wait_note_write(session, shard);
    } else if (!(flags & ROUTER_THROUGH_LOG)) {
        session_expect_read(session);
    }
    enum route_result result =
        router_call(session->worker, shard, command, arguments, count, &session->target, ticket,
                    (uint8_t)session->protocol, flags);
    if (result == ROUTE_BUSY) {
        session_expect_no_more(session);
    }
    return result;
}

static enum route_result run_on_shard(struct session *session, const struct command *command,
                                      const struct bytes *arguments, size_t count) {
    struct worker *worker = session->worker;
    slot_number slot = 0;
    if (!worker->topology) {
        return refuse(session, "CLUSTERDOWN Hash slot not served");
    }
    int error = slot_of_keys(worker, command, arguments, count, &slot);
    if (error == ERR_REFUSED) {
        observe_redirect(worker, "crossslot");
        return refuse(session, "CROSSSLOT Keys in request don't hash to the same slot");
    }
    uint32_t shard = worker->topology->slot_owner[slot];
    if (shard == 0) {
        return refuse(session, "CLUSTERDOWN Hash slot not served");
    }
    bool may_follow =
        session->is_readonly && !(command->flags & COMMAND_WRITE) &&
        topology_shard_has_replica(topology_shard(worker->topology, shard), worker->self);
    if (!leaders_is_here(worker, shard) && !may_follow) {
        if (leaders_are_being_elected(worker, shard)) {
            return ROUTE_BUSY;
        }
        return redirect(session, shard, slot);
    }
    return call_shard(session, shard, slot, command, arguments, count);
}

static enum route_result run_here(struct session *session, const struct command *command,
                                  const struct bytes *arguments, size_t count) {
    struct reply reply = {.out = &session->worker->reply_buffer, .protocol = session->protocol};
    struct session_command call = {.session = session,
                                   .worker = session->worker,
                                   .command = command,
                                   .arguments = arguments,
                                   .argument_count = count,
                                   .reply = &reply};
    if (session_command_run(&call) && reply.out->length) {
        session_reply_now(session, buffer_bytes(reply.out));
    }
    return ROUTE_DONE;
}

enum route_result router_run(struct session *session, const struct command *command,
                             const struct bytes *arguments, size_t count) {
    if (command->flags & COMMAND_INTERNAL) {
        return refuse(session, "ERR this command is TrothDB's own and cannot be called");
    }
    if (command->flags & COMMAND_SESSION && strcmp(command->name, "trothdb|trace") == 0) {
        return trace_run(session, arguments, count);
    }
    if (command->flags & COMMAND_SESSION && strcmp(command->name, "trothdb|with") == 0) {
        return durability_run_with(session, arguments, count);
    }
    if (command->flags & COMMAND_SESSION) {
        return run_here(session, command, arguments, count);
    }
    if (shard_command_bytes(arguments, count) > SHARD_COMMAND_BYTES_MAXIMUM) {
        return refuse_length(session);
    }
    if (command->flags & COMMAND_EVERY_SHARD) {
        return gather_run(session, command, arguments, count);
    }
    return run_on_shard(session, command, arguments, count);
}
