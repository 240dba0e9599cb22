/* What the owner of the connections tells of them: opened, bytes came, ended, closed. Bytes become
 * commands here; where one goes is the router's to say, and the order of replies the session's.
 *
 *   input --request_parse--> command --router_run--> done: the next one
 *                                               \--> busy: it stays in the input, and the client
 *                                                    is not read from until it has gone */
#include "session/clients.h"

#include <stdio.h>

#include "base/check.h"
#include "connection/subscriptions.h"
#include "session/calls/wait.h"
#include "session/client/held.h"
#include "session/client/session.h"
#include "session/client/slowlog.h"
#include "session/client/trace.h"
#include "session/commands/gossip_sessions.h"
#include "session/read_ahead.h"
#include "session/router.h"
#include "worker/observe.h"
#include "worker/statistics.h"
#include "worker/worker.h"

/* ---- life ---- */

enum { TELL_REFUSAL_US = 60 * 1000000 };

static void publish_session_count(struct worker *worker) {
    atomic_store_explicit(&statistics_of(worker)->clients, worker->session_count,
                          memory_order_relaxed);
}

/* Who is refused hears why; whoever operates the node does at once, and again after a while. */
static void tell_refusal(struct worker *worker, uint64_t clients) {
    uint64_t now_us = worker_now_us(worker), *next_us = &worker->sessions->tell_refusal_us;
    if (now_us < *next_us)
        return;
    *next_us = now_us + TELL_REFUSAL_US;
    log_line(worker->io.log, LOG_WARN,
             "clients are refused, maxclients is reached; SIGHUP reads the file again, should "
             "nobody get in to raise it",
             LOG_F("clients", clients), LOG_F("maxclients", worker_client_maximum(worker)));
}

struct session *clients_open(struct worker *worker, void *handle, const char *peer_name,
                             const char *own_name) {
    uint64_t clients = node_shared_sum(worker->shared, offsetof(struct worker_statistics, clients));
    if (clients >= worker_client_maximum(worker)) {
        statistic_add(&statistics_of(worker)->rejected_connections_total, 1);
        observe_refused_client(worker, "maxclients");
        tell_refusal(worker, clients);
        return NULL;
    }
    struct session *session = session_new(worker, handle, peer_name, own_name);
    worker->session_count++;
    publish_session_count(worker);
    statistic_add(&statistics_of(worker)->connections_total, 1);
    worker_count(worker, METRIC_clients_accepted_total, 1);
    return session;
}

const char *clients_refusal(void) { return "-ERR max number of clients reached\r\n"; }

void clients_closed(struct worker *worker, struct session *session) {
    CHECK(!session->is_gone);
    session->is_gone = true;
    worker->session_count--;
    publish_session_count(worker);
    list_remove(&session->output_link);
    list_remove(&session->blocked_link);
    gossip_session_ends(session);
    wait_forget(session);
    if (session->unready_count == 0)
        session_free(session);
}

struct buffer *clients_output(struct session *session) {
    return &session->output;
}

void clients_ended(struct worker *worker, struct session *session) {
    (void)worker;
    session_close_after_reply(session);
}

/* ---- input ---- */

/* The request in it can never be whole: as with Redis, the connection ends without a word to the
 * client, which may still be sending. */
static void note_full_input(struct worker *worker, const struct session *session) {
    log_line(worker->io.log, LOG_WARN,
             "client closed: its request passes client-query-buffer-limit",
             LOG_T("client", session->peer_name), LOG_F("bytes", session->input.length));
    observe_refused_client(worker, "query-buffer-limit");
}

uint8_t *clients_room(struct worker *worker, struct session *session, size_t *room) {
    uint8_t *at = buffer_reserve(&session->input, SESSION_INPUT_ROOM_BYTES);
    if (!at) { /* what is left of it */
        session->input.is_overflowed = false;
        at = buffer_reserve(&session->input, 1);
        *room = at ? 1 : 0;
        if (!at)
            note_full_input(worker, session);
        return at;
    }
    *room = session->input.capacity - session->input.start - session->input.length;
    return at;
}

void clients_input(struct worker *worker, struct session *session, size_t length) {
    session->last_input_us = worker->turn_us = worker_now_us(worker);
    session->input_total_bytes += length;
    buffer_grew(&session->input, length);
    statistic_add(&statistics_of(worker)->input_bytes_total, length);
    worker_count(worker, METRIC_client_received_bytes_total, length);
    clients_process(session);
    held_count(session);
}

static void set_paused(struct session *session, bool is_paused) {
    if (session->is_paused != is_paused) {
        session->is_paused = is_paused;
        session->worker->io.client_pause(session->worker->io.context, session, session->handle,
                                         is_paused);
    }
}

static void block(struct session *session) {
    if (list_is_empty(&session->blocked_link)) /* more may have come though it is paused */
        list_append(&session->worker->sessions->blocked, &session->blocked_link);
    set_paused(session, true);
}

static void reply_text_error(struct session *session, const char *text) {
    struct buffer out;
    buffer_init(&out, 4096);
    struct reply reply = {.out = &out, .protocol = session->protocol};
    reply_error(&reply, text);
    session_reply_now(session, buffer_bytes(&out));
    buffer_release(&out);
}

static void broken(struct session *session) {
    char text[sizeof session->parser.problem + 8];
    snprintf(text, sizeof text, "ERR %s", session->parser.problem);
    reply_text_error(session, text);
    observe_refused_client(session->worker, "protocol");
    session_close_after_reply(session);
}

static bool has_room(const struct session *session) {
    return queue_count(&session->slots) < (size_t)session->worker->config.client_pipeline_limit;
}

static void note_slow(struct session *session, uint64_t duration_us) {
    struct buffer excerpt;
    buffer_init(&excerpt, SLOWLOG_EXCERPTS_BYTES_MAXIMUM);
    slowlog_excerpt(&excerpt, session->arguments, session->argument_count);
    slowlog_note(session, duration_us, buffer_bytes(&excerpt), NULL);
    buffer_release(&excerpt);
}

/* A command that was answered at once, if it is one that may take long. Those of logging in are
 * left out, for the sake of their words. */
static void consider_answered(struct session *session, const struct command *command) {
    struct worker *worker = session->worker;
    if (session->arguments == NULL || command->flags & (COMMAND_FAST | COMMAND_NO_AUTH))
        return;
    worker->turn_us = worker_now_us(worker);
    uint64_t duration_us = worker->turn_us - session->last_input_us;
    observe_latency(worker, command, duration_us);
    if (slowlog_is_on(worker) && slowlog_takes(worker, duration_us))
        note_slow(session, duration_us);
}

/* What is answered before the command goes anywhere: what is unknown or not allowed, and PING of a
 * subscriber. */
static bool is_answered_here(struct session *session, const struct bytes *arguments, size_t count,
                             const struct command **command, struct reply *reply) {
    if (command_check(arguments, count, command, reply))
        return true;
    if (!session->is_authenticated && !((*command)->flags & COMMAND_NO_AUTH)) {
        reply_error(reply, "NOAUTH Authentication required.");
        return true;
    }
    return subscriptions_take(&session->subscriptions, *command, arguments, count, reply);
}

static void answer_here(struct session *session, const struct command *command,
                        struct bytes reply) {
    if (command && reply_is_error(reply))
        observe_command_error(session->worker, command, false);
    session_reply_now(session, reply);
}

static enum route_result route(struct session *session, const struct command *command,
                               const struct bytes *arguments, size_t count, struct bytes rest) {
    struct worker *worker = session->worker;
    session->last_command = command;
    session->arguments = arguments;
    session->argument_count = count;
    read_ahead(session, command, arguments, rest);
    bool is_picked = worker->config.trace_one_in && trace_is_picked(worker, command);
    enum route_result result = is_picked ? router_run_picked(session, arguments, count)
                                         : router_run(session, command, arguments, count);
    if (result == ROUTE_DONE)
        consider_answered(session, command);
    if (result == ROUTE_DONE && session->last_command != command)
        observe_command(worker, session->last_command); /* the one within TROTHDB TRACE, WITH */
    session->arguments = NULL;
    return result;
}

/* False when the command must wait: it stays in the input. `rest` stands behind it there. */
static bool run_command(struct session *session, const struct bytes *arguments, size_t count,
                        struct bytes rest) {
    struct worker *worker = session->worker;
    struct buffer *out = &worker->sessions->reply_buffer;
    struct reply reply = session_begin_reply(session);
    const struct command *command = NULL;
    enum route_result result = ROUTE_DONE;
    if (is_answered_here(session, arguments, count, &command, &reply))
        answer_here(session, command, buffer_bytes(out));
    else
        result = route(session, command, arguments, count, rest);
    buffer_clear(out);
    if (result == ROUTE_BUSY)
        return false;
    session->command_count++;
    session->worker->sessions->turn_commands++;
    if (command)
        observe_command(worker, command);
    statistic_add(&statistics_of(worker)->commands_total, 1);
    return true;
}

/* A pipeline of commands that take long would hold up everybody on this thread, heartbeats as well,
 * and fill its output before a byte of it was written. By the clock as it was read last: commands
 * that are fast do not read it, and do not come here. */
static bool has_had_its_turn(const struct session *session, uint64_t begun_us) {
    return session->worker->turn_us > begun_us + SESSION_TURN_US;
}

void clients_process(struct session *session) {
    uint64_t begun_us = session->worker->turn_us;
    while (!session->is_closing && session->input.length) {
        bool is_over = has_had_its_turn(session, begun_us);
        session->worker->sessions->is_turn_wanted |= is_over;
        if (is_over || !has_room(session)) {
            block(session);
            return;
        }
        size_t consumed = 0;
        struct bytes input = buffer_bytes(&session->input);
        struct request_parser *parser = &session->parser;
        enum request_status status = request_parse(parser, input, &consumed);
        if (status == REQUEST_INCOMPLETE)
            break;
        if (status == REQUEST_BROKEN) {
            broken(session);
            return;
        }
        struct bytes rest = bytes_of(input.data + consumed, input.length - consumed);
        if (parser->argument_count == 0) {
            session_expect_nothing(session);
        } else if (!run_command(session, parser->arguments, parser->argument_count, rest)) {
            block(session);
            return;
        }
        buffer_consume(&session->input, consumed);
    }
    if (session->input.length == 0)
        buffer_recycle(&session->input, SESSION_INPUT_KEPT_BYTES);
    set_paused(session, false);
}
