/* The trace of a command that turned out slow, after the fact (trace-after-slow). Its id is made
 * when the reply has come; the shard's worker looks the entry's moments up (shard_trace_back) and
 * tells the followers, who look theirs up.
 *
 *   session: slow -- MAIL_TRACE, if the shard is another worker's --> its worker -- EntryTrace -->
 *   the followers' nodes
 *
 * Commands of one entry share its trace. Traces are bounded in rate, since what makes one command
 * slow makes many slow: a burst is traced whole, a long trouble once a second and worker. */
#include "replica/slow_trace.h"

#include "base/memory.h"
#include "replica/hosting.h"
#include "replica/outbox.h"
#include "replica/pairs.h"
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
    for (unsigned i = 0; i < count; i++) {
        if (nodes[i] != worker->self &&
            pairs_protocol(worker, nodes[i]) >= PROTOCOL_WITH_ENTRY_TRACES) {
            send(worker, nodes[i], trace);
        }
    }
}

static void hear(struct worker *worker, const struct entry_trace *trace) {
    struct shard *shard = worker_shard(worker, trace->shard);
    if (shard && trace->place.index != 0 && payload_is_trace_id(trace->id)) {
        shard_trace_back(shard, trace->place, trace->id);
    }
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
    if (!shard) {
        return;
    }
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

static bool is_of_last(const struct slow_traces *slow, uint32_t shard, struct shard_place place) {
    return slow->last_shard == shard && slow->last_place.index == place.index &&
           slow->last_place.term == place.term;
}

static bool is_admitted(struct slow_traces *slow, uint64_t now_us) {
    uint64_t earliest_us = now_us > (uint64_t)SLOW_TRACE_BURST * SLOW_TRACE_PAUSE_US
                               ? now_us - (uint64_t)SLOW_TRACE_BURST * SLOW_TRACE_PAUSE_US
                               : 0;
    if (slow->paid_until_us < earliest_us) {
        slow->paid_until_us = earliest_us;
    }
    if (slow->paid_until_us + SLOW_TRACE_PAUSE_US > now_us) {
        return false;
    }
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

const char *slow_trace_begin(struct worker *worker, uint32_t shard, struct shard_place place) {
    struct slow_traces *slow = &worker->hosting->slow_traces;
    if (!worker->config.trace_after_slow || place.index == 0) {
        return NULL;
    }
    if (is_of_last(slow, shard, place)) {
        return slow->last_id;
    }
    if (!is_admitted(slow, worker->turn_us)) {
        return NULL;
    }
    worker_make_trace_id(worker, slow->last_id);
    slow->last_shard = shard;
    slow->last_place = place;
    struct entry_trace trace = {.shard = shard, .place = place, .id = bytes_of_text(slow->last_id)};
    ask(worker, &trace);
    return slow->last_id;
}
