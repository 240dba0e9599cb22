/* TROTHDB TRACE <id> <command ...>, and what trace-one-in picks: the id goes
 * with the command to its shard (shard/trace.c logs what becomes of it there, on every
 * replica), and here a line tells when its reply left. While such a command is being handed on,
 * worker->sessions->tracing is its id; nothing is kept for any other. */
#include "session/client/trace.h"

#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "cluster/feature.h"
#include "session/client/state.h"
#include "worker/worker.h"

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

bool trace_is_known_to_all(const struct worker *worker) {
    return !worker->topology || feature_is_on(worker->topology, FEATURE_TRACED_ENTRIES) ||
           PLANTED(TRACE_UNGATED);
}

/* ---- waiting for the reply ---- */

void trace_expect(struct session *session, uint64_t ticket, uint32_t shard) {
    struct worker *worker = session->worker;
    struct session_trace *trace = memory_allocate_zeroed(1, sizeof *trace);
    trace->ticket = ticket;
    trace->begun_us = session->last_input_us;
    trace->shard = shard;
    memcpy(trace->id, worker->sessions->tracing.data, worker->sessions->tracing.length);
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
        return reply_is_error(reply) ? "error" : "done";
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
    LIST_EACH (&session->traces, link)
        memory_free(LIST_ELEMENT(link, struct session_trace, link));
}

/* Its reply was written at once: it never was at a shard, or waits for nobody. */
void trace_answered(const struct session *session, struct bytes id, uint64_t ticket) {
    if (session->first_ticket + queue_count(&session->slots) != ticket)
        return;
    char text[PAYLOAD_TRACE_ID_MAXIMUM + 1];
    snprintf(text, sizeof text, "%.*s", BYTES_PRINT(id));
    trace_say_replied(session->worker, text, 0, session->last_input_us, "answered-at-once");
}

/* ---- picked by trace-one-in ---- */

bool trace_is_picked(struct worker *worker, const struct command *command) {
    if (!(command->flags & COMMAND_WRITE) || command->flags & COMMAND_INTERNAL)
        return false;
    if (worker->config.trace_one_in == 0 || !trace_is_known_to_all(worker) ||
        ++worker->sessions->untraced_writes < (uint64_t)worker->config.trace_one_in)
        return false;
    worker->sessions->untraced_writes = 0;
    return true;
}
