/* TROTHDB TRACE <id> <command ...>, and what trace-one-in picks: the id goes
 * with the command to its shard (shard/trace.c logs what becomes of it there, on every
 * replica), and here a line tells when its reply left. While such a command is being handed on,
 * worker->tracing is its id; nothing is kept for any other. */
#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"
#include "node/internal.h"

enum { TRACE_WORDS = 3 };

/* One traced command of a session whose reply is awaited. */
struct session_trace {
    struct list link; /* session->traces */
    uint64_t ticket;
    uint64_t begun_us;
    uint32_t shard;
    char id[PAYLOAD_TRACE_ID_MAXIMUM + 1];
};

void trace_say_replied(const struct worker *worker, const char *id, uint32_t shard,
                       uint64_t begun_us, const char *outcome) {
    log_line(worker->io.log, LOG_INFO, "trace", LOG_T("trace", id), LOG_T("stage", "replied"),
             LOG_F("node", worker->self), LOG_F("shard", shard), LOG_T("outcome", outcome),
             LOG_F("us", worker_now_us(worker) - begun_us));
}

/* ---- waiting for the reply ---- */

void trace_expect(struct session *session, uint64_t ticket, uint32_t shard) {
    struct worker *worker = session->worker;
    struct session_trace *trace = memory_allocate_zeroed(1, sizeof(*trace));
    trace->ticket = ticket;
    trace->begun_us = session->last_input_us;
    trace->shard = shard;
    memcpy(trace->id, worker->tracing.data, worker->tracing.length);
    list_append(&session->traces, &trace->link);
}

void trace_expect_no_more(struct session *session, uint64_t ticket) {
    LIST_EACH (&session->traces, link) {
        struct session_trace *trace = LIST_ELEMENT(link, struct session_trace, link);
        if (trace->ticket == ticket) {
            list_remove(&trace->link);
            memory_free(trace);
        }
    }
}

const char *trace_outcome_text(enum shard_outcome outcome, struct bytes reply) {
    switch (outcome) {
    case SHARD_DONE:
        return reply.length && reply.data[0] == '-' ? "error" : "done";
    case SHARD_NOT_EXECUTED:
        return "not-executed";
    case SHARD_UNKNOWN:
        return "unknown";
    }
    UNREACHABLE();
}

bool trace_replied(struct session *session, uint64_t ticket, enum shard_outcome outcome,
                   struct bytes reply) {
    bool is_traced = false;
    LIST_EACH (&session->traces, link) {
        struct session_trace *trace = LIST_ELEMENT(link, struct session_trace, link);
        if (trace->ticket == ticket) {
            trace_say_replied(session->worker, trace->id, trace->shard, trace->begun_us,
                              trace_outcome_text(outcome, reply));
            is_traced = true;
        }
    }
    trace_expect_no_more(session, ticket);
    return is_traced;
}

void trace_release(struct session *session) {
    LIST_EACH (&session->traces, link) {
        memory_free(LIST_ELEMENT(link, struct session_trace, link));
    }
}

/* ---- the command ---- */

static enum route_result refuse(struct session *session, const char *text) {
    struct reply reply = {.out = &session->worker->reply_buffer, .protocol = session->protocol};
    reply_error(&reply, text);
    session_reply_now(session, buffer_bytes(reply.out));
    return ROUTE_DONE;
}

/* Its reply was written at once: it never was at a shard, or waits for nobody. */
static void say_answered(const struct session *session, struct bytes id, uint64_t ticket) {
    if (session->first_ticket + queue_count(&session->slots) != ticket) {
        return;
    }
    char text[PAYLOAD_TRACE_ID_MAXIMUM + 1];
    snprintf(text, sizeof(text), "%.*s", BYTES_PRINT(id));
    trace_say_replied(session->worker, text, 0, session->last_input_us, "answered-at-once");
}

/* The words behind the id are the command, for the slow log too: it shows the whole. */
enum route_result trace_run(struct session *session, const struct bytes *arguments, size_t count) {
    struct worker *worker = session->worker;
    struct reply reply = {.out = &worker->reply_buffer, .protocol = session->protocol};
    const struct command *command;
    if (worker->tracing.length) {
        return refuse(session, "ERR a command has one trace id");
    }
    if (!payload_is_trace_id(arguments[2])) {
        return refuse(session, "ERR a trace id is 1 to 64 letters, digits, '-', '_', '.' or ':'");
    }
    if (command_check(arguments + TRACE_WORDS, count - TRACE_WORDS, &command, &reply)) {
        session_reply_now(session, buffer_bytes(reply.out));
        return ROUTE_DONE;
    }
    worker->tracing = arguments[2];
    session->last_command = command;
    uint64_t ticket = session->first_ticket + queue_count(&session->slots);
    enum route_result result =
        router_run(session, command, arguments + TRACE_WORDS, count - TRACE_WORDS);
    if (result == ROUTE_DONE) {
        say_answered(session, arguments[2], ticket);
    }
    worker->tracing = BYTES_NONE;
    return result;
}

/* ---- picked by trace-one-in ---- */

void trace_make_id(struct worker *worker, char id[TRACE_ID_BYTES]) {
    snprintf(id, TRACE_ID_BYTES, "%016llx", (unsigned long long)random_next(&worker->random));
}

bool trace_is_picked(struct worker *worker, const struct command *command) {
    if (!(command->flags & COMMAND_WRITE) || command->flags & COMMAND_INTERNAL) {
        return false;
    }
    if (worker->config.trace_one_in == 0 ||
        ++worker->untraced_writes < (uint64_t)worker->config.trace_one_in) {
        return false;
    }
    worker->untraced_writes = 0;
    return true;
}

/* As if the client had asked for it, in the slow log too. */
enum route_result trace_run_picked(struct session *session, const struct bytes *arguments,
                                   size_t count) {
    char id[TRACE_ID_BYTES];
    trace_make_id(session->worker, id);
    struct bytes *words = memory_allocate((count + TRACE_WORDS) * sizeof(*words));
    words[0] = BYTES_LITERAL("TROTHDB");
    words[1] = BYTES_LITERAL("TRACE");
    words[2] = bytes_of_text(id);
    memcpy(words + TRACE_WORDS, arguments, count * sizeof(*words));
    session->arguments = words;
    session->argument_count = count + TRACE_WORDS;
    enum route_result result = trace_run(session, words, count + TRACE_WORDS);
    if (session->arguments) { /* no place in the order was taken */
        session->arguments = arguments;
        session->argument_count = count;
    }
    memory_free(words);
    return result;
}
