/* What is kept of a client's connection, and the order of its replies: a command takes its place
 * when it comes (clients.c), and replies leave from the front.
 *
 *   slots:  [ ready | ready | waiting | ready | waiting ]   the ready ones at the front leave to
 *             first_ticket                                  `output`; the ready one behind a
 *                                                           waiting one stays */
#include "session/client/session.h"

#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "connection/subscriptions.h"
#include "replica/mail/slow_trace.h"
#include "session/client/durability.h"
#include "session/client/route.h"
#include "session/client/slowlog.h"
#include "session/client/trace.h"
#include "worker/leaders.h"
#include "worker/observe.h"
#include "worker/statistics.h"
#include "worker/worker.h"

static void deliver(struct worker *worker, struct target *target, uint64_t ticket,
                    enum shard_outcome outcome, struct bytes reply) {
    (void)worker;
    session_deliver((struct session *)target, ticket, outcome, reply);
}

struct session *session_new(struct worker *worker, void *handle, const char *peer_name,
                            const char *own_name) {
    struct session *session = memory_allocate_zeroed(1, sizeof *session);
    session->target.deliver = deliver;
    session->worker = worker;
    session->handle = handle;
    session->id = worker->sessions->next_session++ * worker->count + worker->index;
    snprintf(session->peer_name, sizeof session->peer_name, "%s", peer_name);
    snprintf(session->own_name, sizeof session->own_name, "%s", own_name);
    session->created_ms = worker_wall_ms(worker);
    session->last_input_us = worker_now_us(worker);
    session->protocol = 2;
    session->is_authenticated = worker->config.requirepass[0] == '\0';
    session->unread_maximum = session->is_authenticated ? SIZE_MAX : LOGIN_UNREAD_BYTES_MAXIMUM;
    list_init(&session->output_link);
    list_init(&session->blocked_link);
    list_append(&worker->sessions->all, &session->link);
    buffer_init(&session->input, (size_t)worker->config.client_query_buffer_limit);
    buffer_init(&session->output, (size_t)worker->config.client_output_limit);
    queue_init(&session->slots, sizeof(struct reply_slot));
    buffer_init(&session->excerpts, SLOWLOG_EXCERPTS_BYTES_MAXIMUM);
    list_init(&session->traces);
    struct request_limits limits = {.bulk_bytes = (size_t)worker->config.proto_max_bulk_len,
                                    .argument_count = (size_t)worker->config.proto_max_arguments,
                                    .inline_bytes = 64 << 10,
                                    .is_unauthenticated = !session->is_authenticated};
    request_parser_init(&session->parser, &limits);
    return session;
}

void session_free(struct session *session) {
    session->worker->sessions->held_bytes -= session->counted_bytes;
    list_remove(&session->link);
    list_remove(&session->output_link);
    list_remove(&session->blocked_link);
    for (size_t i = 0; i < queue_count(&session->slots); i++)
        memory_free(((struct reply_slot *)queue_at(&session->slots, i))->heap);
    queue_release(&session->slots);
    request_parser_release(&session->parser);
    buffer_release(&session->input);
    buffer_release(&session->output);
    buffer_release(&session->excerpts);
    trace_release(session);
    subscriptions_release(&session->subscriptions);
    memory_free(session);
}

/* What was asked for before a RESET is no stranger's. */
static size_t unread_of_stranger(const struct session *session) {
    return session->output.length + session->held_bytes + LOGIN_UNREAD_BYTES_MAXIMUM;
}

void session_set_authenticated(struct session *session, bool is_authenticated) {
    if (is_authenticated)
        session->unread_maximum = SIZE_MAX;
    else if (session->is_authenticated)
        session->unread_maximum = unread_of_stranger(session);
    session->is_authenticated = is_authenticated;
    session->parser.limits.is_unauthenticated = !is_authenticated;
}

/* A read behind writes that are not confirmed yet goes through the log like them, so that it is run
 * exactly in its place and a pipeline that mixes both costs no more rounds than one of writes. */
bool session_order(const struct session *session, const struct command *command, unsigned *flags) {
    bool has_reads = session->unready_read_count > 0;
    bool has_writes = session->unready_count > session->unready_read_count;
    *flags = has_writes ? CALL_THROUGH_LOG : has_reads ? SHARD_READ_AFTER_WRITES : 0;
    *flags |= session_is_async(session) ? CALL_ASYNC : 0;
    return !(has_reads && (has_writes || command->flags & COMMAND_WRITE));
}

/* ---- output ---- */

static void mark_output(struct session *session) {
    if (!session->is_gone && list_is_empty(&session->output_link))
        list_append(&session->worker->sessions->with_output, &session->output_link);
}

void session_close_after_reply(struct session *session) {
    if (!session->is_closing)
        session->closing_us = worker_now_us(session->worker);
    session->is_closing = true;
    list_remove(&session->blocked_link);
    mark_output(session);
}

void session_kill(struct session *session) {
    session->is_killed = true;
    session_close_after_reply(session);
}

/* A reply that follows one which was dropped would pass for the answer to that other command. */
static void drop_replies(struct session *session) {
    session->is_overrun = true;
    for (size_t i = 0; i < queue_count(&session->slots); i++) {
        struct reply_slot *slot = queue_at(&session->slots, i);
        memory_free(slot->heap);
        slot->heap = NULL;
        slot->heap_bytes = 0;
    }
    session->held_bytes = 0;
}

static void overrun(struct session *session) {
    drop_replies(session);
    log_line(session->worker->io.log, LOG_WARN,
             session->is_authenticated
                 ? "client closed: its replies passed client-output-limit"
                 : "client closed: it read too little of its replies, and has not logged in",
             LOG_T("client", session->peer_name));
    observe_refused_client(session->worker, "output-limit");
    session_close_after_reply(session);
}

void session_evict(struct session *session) {
    drop_replies(session);
    log_line(session->worker->io.log, LOG_WARN,
             "client closed: all clients hold too much (maxmemory-clients), this one most",
             LOG_T("client", session->peer_name), LOG_F("input_bytes", session->input.length),
             LOG_F("output_bytes", session->output.length));
    buffer_clear(&session->input);
    buffer_clear(&session->output);
    observe_refused_client(session->worker, "memory");
    session_close_after_reply(session);
}

static bool has_room_for(const struct session *session, size_t bytes) {
    size_t used = session->output.length + session->held_bytes,
           maximum = session->output.maximum_bytes;
    maximum = session->unread_maximum < maximum ? session->unread_maximum : maximum;
    return bytes <= maximum && used <= maximum - bytes;
}

bool session_take_reply(const struct sessions *sessions, struct bytes reply, struct buffer *to) {
    struct buffer *told = sessions->answering ? sessions->answering->reply : NULL;
    if (reply.length < SESSION_REPLY_MOVED_BYTES || to->length > 0 || told == NULL ||
        buffer_data(told) != reply.data || told->length != reply.length)
        return false;
    buffer_move(to, told);
    return true;
}

static void write_reply(struct session *session, struct bytes reply) {
    if (reply_is_error(reply))
        observe_error_reply(session->worker, reply);
    if (session->is_overrun)
        return;
    if (!has_room_for(session, reply.length)) {
        if (PLANTED(REPLY_LEFT_OUT))
            return;
        overrun(session);
        return;
    }
    if (!session_take_reply(session->worker->sessions, reply, &session->output))
        buffer_append_bytes(&session->output, reply);
    session->output_total_bytes += reply.length;
    statistic_add(&statistics_of(session->worker)->output_bytes_total, reply.length);
    worker_count(session->worker, METRIC_client_sent_bytes_total, reply.length);
    mark_output(session);
}

static struct bytes slot_bytes(const struct reply_slot *slot) {
    return slot->heap ? bytes_of(slot->heap, slot->heap_bytes)
                      : bytes_of(slot->inline_bytes, slot->inline_bytes_used);
}

static void fill(struct session *session, struct reply_slot *slot, struct bytes reply) {
    if (reply.length <= REPLY_INLINE_BYTES) {
        memcpy(slot->inline_bytes, reply.data, reply.length);
        slot->inline_bytes_used = (uint8_t)reply.length;
    } else if (!session->is_overrun && !has_room_for(session, reply.length)) {
        overrun(session);
    } else if (!session->is_overrun) {
        slot->heap = memory_copy(reply.data, reply.length);
        slot->heap_bytes = reply.length;
        session->held_bytes += reply.length;
    }
}

/* What is kept of the command that is being run, until its reply. */
static void note_excerpt(struct session *session, struct reply_slot *slot) {
    if (session->arguments && slowlog_is_on(session->worker)) {
        slot->excerpt_at = session->excerpts_consumed + session->excerpts.length;
        slot->excerpt_bytes = (uint16_t)slowlog_excerpt(&session->excerpts, session->arguments,
                                                        session->argument_count);
    }
    session->arguments = NULL;
}

static struct bytes excerpt_of(const struct session *session, const struct reply_slot *slot) {
    if (slot->excerpt_bytes == 0)
        return BYTES_NONE;
    size_t at = (size_t)(slot->excerpt_at - session->excerpts_consumed);
    return bytes_of(buffer_data(&session->excerpts) + at, slot->excerpt_bytes);
}

static void drop_front_excerpt(struct session *session, const struct reply_slot *front) {
    buffer_consume(&session->excerpts, front->excerpt_bytes);
    session->excerpts_consumed += front->excerpt_bytes;
    if (session->excerpts.length == 0)
        buffer_clear(&session->excerpts);
}

static void leave_in_order(struct session *session) {
    struct reply_slot *front;
    while ((front = queue_front(&session->slots)) && front->is_ready) {
        session->held_bytes -= front->heap_bytes;
        write_reply(session, slot_bytes(front));
        drop_front_excerpt(session, front);
        memory_free(front->heap);
        queue_pop(&session->slots);
        session->first_ticket++;
    }
    if (session->is_closing)
        mark_output(session); /* also when the last replies were nobody's */
}

/* CLIENT REPLY OFF and SKIP: the command runs, its reply is nobody's. */
static bool is_silenced(struct session *session) {
    if (session->reply_mode == SESSION_REPLY_SKIP) {
        session->reply_mode = SESSION_REPLY_ON;
        return true;
    }
    return session->reply_mode == SESSION_REPLY_OFF;
}

uint64_t session_expect(struct session *session, uint32_t shard, slot_number slot) {
    struct reply_slot *place = queue_push(&session->slots);
    place->shard = shard;
    place->slot = slot;
    place->is_silent = is_silenced(session);
    place->command = session->last_command;
    place->begun_us = session->last_input_us;
    note_excerpt(session, place);
    session->unready_count++;
    uint64_t ticket = session->first_ticket + queue_count(&session->slots) - 1;
    if (session->worker->sessions->tracing.length)
        trace_expect(session, ticket, shard);
    return ticket;
}

void session_expect_nothing(struct session *session) { (void)is_silenced(session); }

void session_expect_read(struct session *session) {
    struct reply_slot *last = queue_at(&session->slots, queue_count(&session->slots) - 1);
    last->is_read = true;
    session->unready_read_count++;
}

void session_expect_no_more(struct session *session) {
    struct reply_slot *last = queue_at(&session->slots, queue_count(&session->slots) - 1);
    if (last->is_silent && session->reply_mode == SESSION_REPLY_ON)
        session->reply_mode = SESSION_REPLY_SKIP; /* still of that command, when it comes again */
    session->unready_read_count -= last->is_read;
    buffer_truncate(&session->excerpts, session->excerpts.length - last->excerpt_bytes);
    queue_truncate(&session->slots, queue_count(&session->slots) - 1);
    session->unready_count--;
    if (!list_is_empty(&session->traces))
        trace_expect_no_more(session, session->first_ticket + queue_count(&session->slots));
}

struct reply session_begin_reply(const struct session *session) {
    return (struct reply){.out = &session->worker->sessions->reply_buffer,
                          .protocol = session->protocol};
}

void session_reply_now(struct session *session, struct bytes reply) {
    if (!is_silenced(session))
        session_push(session, reply);
}

void session_push_for_command(struct session *session, struct bytes message) {
    (void)is_silenced(session);
    session_push(session, message);
}

void session_push(struct session *session, struct bytes reply) {
    if (queue_count(&session->slots) == 0) {
        write_reply(session, reply);
        return;
    }
    struct reply_slot *place = queue_push(&session->slots);
    place->is_ready = true;
    fill(session, place, reply);
}

/* What a client is told when its command was not done, or when nobody here knows. */
static void explain(struct session *session, const struct reply_slot *slot,
                    enum shard_outcome outcome, struct reply *reply) {
    if (outcome == SHARD_NOT_EXECUTED && slot->shard == 0) {
        reply_error(reply, "TRYAGAIN a shard of this node has no leader, or no room, just now");
    } else if (outcome == SHARD_NOT_EXECUTED) {
        leaders_redirect(session->worker, slot->shard, slot->slot, reply);
    } else {
        reply_error(
            reply,
            "UNKNOWN the outcome of this write is unknown: its shard lost its leader before it was "
            "confirmed; read before you send it again");
    }
}

/* Its trace is looked up now; the id, or NULL. */
static const char *trace_slow(struct worker *worker, const struct reply_slot *slot,
                              enum shard_outcome outcome, struct bytes reply) {
    const struct shard_answer *answer = worker->sessions->answering;
    const char *id = answer ? slow_trace_begin(worker, answer, slot->begun_us) : NULL;
    if (id) {
        trace_say_replied(worker, id, answer->shard, slot->begun_us,
                          trace_outcome_text(outcome, reply));
    }
    return id;
}

/* A full disk is met by the shard, but by none of its commands. */
static bool has_run(enum shard_outcome outcome, struct bytes reply) {
    static const char full[] = "-MISCONF ";
    bool is_full =
        reply.length >= sizeof full - 1 && memcmp(reply.data, full, sizeof full - 1) == 0;
    return outcome != SHARD_NOT_EXECUTED && !is_full;
}

/* What the metrics and the slow log say of a shard's reply. */
static void observe_slot(struct session *session, const struct reply_slot *slot,
                         enum shard_outcome outcome, struct bytes reply, bool is_traced) {
    struct worker *worker = session->worker;
    uint64_t duration_us = observe_reply(worker, slot->command, slot->begun_us, reply.length);
    if (reply_is_error(reply))
        observe_command_error(worker, slot->command, has_run(outcome, reply));
    if (slowlog_takes(worker, duration_us))
        slowlog_note(session, duration_us, excerpt_of(session, slot),
                     is_traced ? NULL : trace_slow(worker, slot, outcome, reply));
}

/* The front's reply goes out; any other waits in its place for those before it. */
static void write_or_keep(struct session *session, struct reply_slot *slot, struct bytes reply) {
    if (slot == queue_front(&session->slots) || PLANTED(REPLIES_OUT_OF_ORDER))
        write_reply(session, reply);
    else
        fill(session, slot, reply);
}

void session_deliver(struct session *session, uint64_t ticket, enum shard_outcome outcome,
                     struct bytes reply) {
    struct reply_slot *slot = queue_at(&session->slots, ticket - session->first_ticket);
    CHECK(!slot->is_ready);
    slot->is_ready = true;
    session->last_reply_us = session->worker->turn_us;
    session->unready_count--;
    session->unready_read_count -= slot->is_read;
    if (session->is_gone) {
        if (session->unready_count == 0)
            session_free(session);
        return;
    }
    struct buffer explanation;
    buffer_init(&explanation, 1024);
    if (outcome != SHARD_DONE) {
        struct reply writer = {.out = &explanation, .protocol = session->protocol};
        explain(session, slot, outcome, &writer);
        reply = buffer_bytes(&explanation);
    }
    bool is_traced =
        !list_is_empty(&session->traces) && trace_replied(session, ticket, outcome, reply);
    if (slot->command)
        observe_slot(session, slot, outcome, reply, is_traced);
    if (!slot->is_silent)
        write_or_keep(session, slot, reply);
    buffer_release(&explanation);
    leave_in_order(session);
}
