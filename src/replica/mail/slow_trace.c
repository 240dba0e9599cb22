/* The trace of a command that turned out slow, after the fact (trace-after-slow). Its id is made
 * when the reply has come; the shard's worker looks the entry's moments up (shard_trace_back) and
 * tells the followers, who look theirs up.
 *
 *   session: slow -- MAIL_TRACE, if the shard is another worker's --> its worker -- EntryTrace -->
 *   the followers' nodes
 *
 * Of a read its shard has said all with the answer (struct shard_answer), and nobody need be asked.
 *
 * Commands of one entry share its trace. Traces are bounded in rate, since what makes one command
 * slow makes many slow: a burst is traced whole, a long trouble once a second and worker. */
#include "replica/mail/slow_trace.h"

#include "base/memory.h"
#include "replica/mail/outbox.h"
#include "replica/mail/pairs.h"
#include "replica/state/state.h"
#include "wire/peer_message.h"
#include "worker/worker.h"

enum { SLOW_TRACE_BURST = 32, SLOW_TRACE_PAUSE_US = 1000 * 1000, PROTOCOL_WITH_ENTRY_TRACES = 3 };

/* ---- of the shard's worker ---- */

struct entry_trace {
    uint32_t shard;
    struct shard_place place;
    struct bytes id; /* borrowed */
};

static void send(struct worker *worker, uint32_t node, const struct entry_trace *trace) {
    struct peer_entry_trace head = {
        .shard = trace->shard, .term = trace->place.term, .index = trace->place.index};
    struct buffer *batch = outbox_to(worker, node, trace->id.length);
    if (batch) {
        peer_entry_trace_append(batch, &head, trace->id.length);
        buffer_append_bytes(batch, trace->id);
    }
}

static void tell(struct worker *worker, const struct entry_trace *trace,
                 const raft_node_number *nodes, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (nodes[i] != worker->self &&
            pairs_protocol(worker, nodes[i]) >= PROTOCOL_WITH_ENTRY_TRACES)
            send(worker, nodes[i], trace);
}

static void hear(struct worker *worker, const struct entry_trace *trace) {
    struct shard *shard = worker_shard(worker, trace->shard);
    if (shard && trace->place.index != 0 && payload_is_trace_id(trace->id))
        shard_trace_back(shard, trace->place, trace->id);
}

void slow_trace_receive(struct worker *worker, struct bytes part) {
    struct peer_entry_trace in = peer_entry_trace_read(part);
    struct entry_trace trace = {
        .shard = in.shard, .place = {.index = in.index, .term = in.term}, .id = in.trace};
    hear(worker, &trace);
}

/* A node that is in both halves of a joint configuration says its part twice. */
static void look_back(struct worker *worker, const struct entry_trace *trace) {
    struct shard *shard = worker_shard(worker, trace->shard);
    if (!shard)
        return;
    const struct raft_configuration *members = raft_configuration(shard_raft(shard));
    hear(worker, trace);
    tell(worker, trace, members->voters, members->voter_count);
    tell(worker, trace, members->old_voters, members->old_voter_count);
    tell(worker, trace, members->learners, members->learner_count);
}

void slow_trace_mail(struct worker *worker, const struct mail *mail) {
    struct entry_trace trace = {.shard = mail->shard,
                                .place = {.index = mail->index, .term = mail->term},
                                .id = bytes_of_text(mail->key)};
    look_back(worker, &trace);
}

/* ---- of the session's worker ---- */

static bool is_of_last(const struct slow_traces *slow, const struct shard_answer *answer) {
    return answer->origin == SHARD_FROM_LOG && slow->last_shard == answer->shard &&
           slow->last_place.index == answer->place.index &&
           slow->last_place.term == answer->place.term;
}

static bool is_admitted(struct slow_traces *slow, uint64_t now_us) {
    uint64_t earliest_us = now_us > (uint64_t)SLOW_TRACE_BURST * SLOW_TRACE_PAUSE_US
                               ? now_us - (uint64_t)SLOW_TRACE_BURST * SLOW_TRACE_PAUSE_US
                               : 0;
    if (slow->paid_until_us < earliest_us)
        slow->paid_until_us = earliest_us;
    if (slow->paid_until_us + SLOW_TRACE_PAUSE_US > now_us)
        return false;
    slow->paid_until_us += SLOW_TRACE_PAUSE_US;
    return true;
}

static void ask(struct worker *worker, const struct entry_trace *trace) {
    unsigned owner = trace->shard % worker->count;
    if (owner == worker->index) {
        look_back(worker, trace);
        return;
    }
    struct mail *mail = mail_new(MAIL_TRACE, worker->index);
    mail->shard = trace->shard;
    mail->index = trace->place.index;
    mail->term = trace->place.term;
    mail->key = memory_copy(trace->id.data, trace->id.length + 1);
    worker_post(worker, owner, mail);
}

static uint64_t since(uint64_t begun_us, uint64_t at_us) {
    return at_us > begun_us ? at_us - begun_us : 0;
}

/* A read is this replica's alone, so that all is known here. */
static void say_read(const struct worker *worker, const char *id, const struct shard_answer *answer,
                     uint64_t begun_us) {
    static const char *const by[] = {[SHARD_READ_BY_LEASE] = "lease",
                                     [SHARD_READ_BY_QUORUM] = "quorum",
                                     [SHARD_READ_BY_FOLLOWER] = "follower",
                                     [SHARD_READ_TOO_LATE] = "nobody"};
    if (answer->asked_us) {
        log_line(worker->io.log, LOG_INFO, "trace", LOG_T("trace", id), LOG_T("stage", "asked"),
                 LOG_F("node", worker->self), LOG_F("shard", answer->shard),
                 LOG_F("us", since(begun_us, answer->asked_us)));
    }
    log_line(worker->io.log, LOG_INFO, "trace", LOG_T("trace", id), LOG_T("stage", "read"),
             LOG_F("node", worker->self), LOG_F("shard", answer->shard),
             LOG_F("term", answer->place.term), LOG_F("index", answer->place.index),
             LOG_T("by", by[answer->origin]), LOG_F("us", since(begun_us, answer->ended_us)));
}

const char *slow_trace_begin(struct worker *worker, const struct shard_answer *answer,
                             uint64_t begun_us) {
    struct slow_traces *slow = &worker->hosting->slow_traces;
    bool is_logged = answer->origin == SHARD_FROM_LOG && answer->place.index != 0;
    bool is_read = answer->origin > SHARD_FROM_LOG;
    if (!worker->config.trace_after_slow || (!is_logged && !is_read))
        return NULL;
    if (is_of_last(slow, answer))
        return slow->last_id;
    if (!is_admitted(slow, worker->turn_us))
        return NULL;
    worker_make_trace_id(worker, slow->last_id);
    slow->last_shard = answer->shard;
    slow->last_place = is_logged ? answer->place : (struct shard_place){0};
    if (is_read) {
        say_read(worker, slow->last_id, answer, begun_us);
        return slow->last_id;
    }
    struct entry_trace trace = {
        .shard = answer->shard, .place = answer->place, .id = bytes_of_text(slow->last_id)};
    ask(worker, &trace);
    return slow->last_id;
}
