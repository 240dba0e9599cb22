/* The traces of commands on this replica: for each command with a trace id, one log line a stage,
 * on every replica that its entry passes. `us` is the time since this replica first saw it.
 *
 *   leader     proposed -> appended -+-> durable ---------+-> applied   (replied: node/)
 *   follower               appended -+-> committed -------+-> applied
 *
 * Durable and committed come in either order: a majority may be durable before this disk is (the
 * leader's own need not be among them). A command is forgotten when it is durable and applied here,
 * when another entry took the place of its own, or when a snapshot covers it. */
#include "base/check.h"
#include "shard/internal.h"

static void say(const struct shard *shard, const struct shard_trace *trace, const char *stage) {
    uint64_t now_us = shard->io.clock->monotonic_us(shard->io.clock);
    log_line(shard->io.log, LOG_INFO, "trace", LOG_T("trace", trace->id), LOG_T("stage", stage),
             LOG_F("node", shard->self), LOG_F("shard", shard->number), LOG_F("term", trace->term),
             LOG_F("index", trace->index), LOG_F("position", trace->position),
             LOG_F("us", now_us - trace->begun_us));
}

/* ---- of what is being proposed ---- */

void shard_trace_next(struct shard *shard, struct bytes id) {
    CHECK(id.length <= PAYLOAD_TRACE_ID_MAXIMUM);
    shard->trace_next = id;
}

void shard_trace_gather(struct shard *shard, struct bytes id) {
    payload_encode_trace(&shard->batch_traces, shard->batch_count, id);
    shard->batch_trace_count++;
}

static struct shard_trace *add(struct shard *shard, const struct raft_entry *entry,
                               uint32_t position, struct bytes id) {
    struct shard_trace *trace = queue_push(&shard->traces);
    *trace = (struct shard_trace){.index = entry->index,
                                  .term = entry->term,
                                  .position = position,
                                  .begun_us = shard->io.clock->monotonic_us(shard->io.clock)};
    memcpy(trace->id, id.data, id.length);
    return trace;
}

/* ---- the stages ---- */

void shard_trace_proposed(struct shard *shard, raft_index index, raft_term term,
                          struct bytes traces, uint32_t count) {
    struct cursor in = cursor_of(traces);
    struct raft_entry place = {.index = index, .term = term};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position;
        struct bytes id = payload_decode_trace(&in, &position);
        if (queue_count(&shard->traces) < SHARD_TRACE_MAXIMUM) {
            say(shard, add(shard, &place, position, id), "proposed");
        }
    }
}

static struct shard_trace *find(struct shard *shard, const struct raft_entry *entry,
                                uint32_t position) {
    for (size_t i = 0; i < queue_count(&shard->traces); i++) {
        struct shard_trace *trace = queue_at(&shard->traces, i);
        if (trace->index == entry->index && trace->term == entry->term &&
            trace->position == position) {
            return trace;
        }
    }
    return NULL;
}

void shard_trace_appended(struct shard *shard, const struct raft_entry *entry,
                          uint64_t wal_sequence) {
    struct cursor in = cursor_of(raft_entry_payload(entry));
    struct payload_header header;
    int error = payload_decode_header(&in, &header);
    CHECK(error == 0);
    struct cursor traces = cursor_of(header.traces);
    for (uint32_t i = 0; i < header.trace_count; i++) {
        uint32_t position;
        struct bytes id = payload_decode_trace(&traces, &position);
        struct shard_trace *trace = find(shard, entry, position);
        if (!trace && queue_count(&shard->traces) < SHARD_TRACE_MAXIMUM) {
            trace = add(shard, entry, position, id);
        }
        if (trace) {
            trace->wal_sequence = wal_sequence;
            say(shard, trace, "appended");
        }
    }
}

/* Those that are done go from the front; one that waits holds those behind it, which costs nothing.
 */
static void forget_done(struct shard *shard) {
    struct shard_trace *front;
    while ((front = queue_front(&shard->traces)) && front->is_durable && front->is_applied) {
        queue_pop(&shard->traces);
    }
}

static void end(const struct shard *shard, struct shard_trace *trace, const char *stage) {
    if (!trace->is_durable || !trace->is_applied) {
        say(shard, trace, stage);
    }
    trace->is_durable = trace->is_applied = trace->is_committed = true;
}

void shard_trace_truncated(struct shard *shard, raft_index from) {
    for (size_t i = 0; i < queue_count(&shard->traces); i++) {
        struct shard_trace *trace = queue_at(&shard->traces, i);
        if (trace->index >= from) {
            end(shard, trace, "truncated");
        }
    }
    forget_done(shard);
}

void shard_trace_durable(struct shard *shard, uint64_t wal_sequence) {
    for (size_t i = 0; i < queue_count(&shard->traces); i++) {
        struct shard_trace *trace = queue_at(&shard->traces, i);
        if (!trace->is_durable && trace->wal_sequence && trace->wal_sequence <= wal_sequence) {
            trace->is_durable = true;
            say(shard, trace, "durable");
        }
    }
    forget_done(shard);
}

void shard_trace_committed(struct shard *shard, raft_index commit_index) {
    for (size_t i = 0; i < queue_count(&shard->traces); i++) {
        struct shard_trace *trace = queue_at(&shard->traces, i);
        if (!trace->is_applied && trace->index <= shard->applied_index) {
            end(shard, trace, "covered");
        } else if (!trace->is_committed && trace->index <= commit_index) {
            trace->is_committed = true;
            say(shard, trace, "committed");
        }
    }
    forget_done(shard);
}

void shard_trace_applied(struct shard *shard, const struct raft_entry *entry) {
    for (size_t i = 0; i < queue_count(&shard->traces); i++) {
        struct shard_trace *trace = queue_at(&shard->traces, i);
        if (!trace->is_applied && trace->index == entry->index) {
            trace->is_applied = true;
            say(shard, trace, trace->term == entry->term ? "applied" : "replaced");
            trace->is_durable |= trace->term != entry->term;
        }
    }
    forget_done(shard);
}
