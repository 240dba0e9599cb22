#include "shard/state/trace.h"

#include <stdio.h>

#include "base/check.h"

static void say_at(const struct shard *shard, const struct shard_trace *trace, const char *stage,
                   uint64_t at_us) {
    uint64_t now_us = shard_now_us(shard);
    struct log_field last = trace->is_looked_back ? LOG_F("ago_us", now_us - at_us)
                                                  : LOG_F("position", trace->position);
    log_line(shard->io->log, LOG_INFO, "trace", LOG_T("trace", trace->id), LOG_T("stage", stage),
             LOG_F("node", shard->self), LOG_F("shard", shard->number), LOG_F("term", trace->term),
             LOG_F("index", trace->index), last, LOG_F("us", at_us - trace->begun_us));
}

static void say(const struct shard *shard, const struct shard_trace *trace, const char *stage) {
    say_at(shard, trace, stage, shard_now_us(shard));
}

/* ---- of what is being proposed ---- */

void shard_trace_gather(struct shard *shard, struct bytes id) {
    payload_encode_trace(&shard->batch.traces, shard->batch.count, id);
    shard->batch.trace_count++;
}

static struct shard_trace *add(struct shard *shard, const struct raft_entry *entry,
                               uint32_t position, struct bytes id) {
    struct shard_trace *trace = queue_push(&shard->tracing.traces);
    *trace = (struct shard_trace){.index = entry->index,
                                  .term = entry->term,
                                  .position = position,
                                  .begun_us = shard_now_us(shard)};
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
        if (queue_count(&shard->tracing.traces) < SHARD_TRACE_MAXIMUM)
            say(shard, add(shard, &place, position, id), "proposed");
    }
}

static struct shard_trace *find(struct shard *shard, const struct raft_entry *entry,
                                uint32_t position) {
    for (size_t i = 0; i < queue_count(&shard->tracing.traces); i++) {
        struct shard_trace *trace = queue_at(&shard->tracing.traces, i);
        if (trace->index == entry->index && trace->term == entry->term &&
            trace->position == position && !trace->is_looked_back)
            return trace;
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
        if (!trace && queue_count(&shard->tracing.traces) < SHARD_TRACE_MAXIMUM)
            trace = add(shard, entry, position, id);
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
    while ((front = queue_front(&shard->tracing.traces)) && front->is_durable && front->is_applied)
        queue_pop(&shard->tracing.traces);
}

static void end(const struct shard *shard, struct shard_trace *trace, const char *stage) {
    if (!trace->is_durable || !trace->is_applied)
        say(shard, trace, stage);
    trace->is_durable = trace->is_applied = trace->is_committed = true;
}

void shard_trace_truncated(struct shard *shard, raft_index from) {
    for (size_t i = 0; i < queue_count(&shard->tracing.traces); i++) {
        struct shard_trace *trace = queue_at(&shard->tracing.traces, i);
        if (trace->index >= from)
            end(shard, trace, "truncated");
    }
    forget_done(shard);
}

void shard_trace_durable(struct shard *shard, uint64_t wal_sequence) {
    for (size_t i = 0; i < queue_count(&shard->tracing.traces); i++) {
        struct shard_trace *trace = queue_at(&shard->tracing.traces, i);
        if (!trace->is_durable && trace->wal_sequence && trace->wal_sequence <= wal_sequence) {
            trace->is_durable = true;
            say(shard, trace, "durable");
        }
    }
    forget_done(shard);
}

void shard_trace_committed(struct shard *shard, raft_index commit_index) {
    for (size_t i = 0; i < queue_count(&shard->tracing.traces); i++) {
        struct shard_trace *trace = queue_at(&shard->tracing.traces, i);
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
    for (size_t i = 0; i < queue_count(&shard->tracing.traces); i++) {
        struct shard_trace *trace = queue_at(&shard->tracing.traces, i);
        if (!trace->is_applied && trace->index == entry->index) {
            trace->is_applied = true;
            say(shard, trace, trace->term == entry->term ? "applied" : "replaced");
            trace->is_durable |= trace->term != entry->term;
        }
    }
    forget_done(shard);
}

/* ---- after the fact ---- */

void shard_note_moments(struct shard *shard, const struct raft_event *event,
                        const struct raft_actions *actions) {
    struct moments *moments = &shard->tracing.moments;
    if (actions->truncate_from)
        moments_truncate(moments, actions->truncate_from);
    uint64_t begun_us = event->kind == RAFT_PROPOSE ? shard->batch.begun_us : event->now_us;
    for (size_t i = 0; shard->io->config->trace_after_slow && i < actions->entry_count; i++)
        moments_append(moments, actions->entries[i], begun_us, event->now_us);
    moments_reach(moments, MOMENT_DURABLE, raft_durable_index(shard->raft), event->now_us);
    moments_reach(moments, MOMENT_COMMITTED, actions->commit_index, event->now_us);
    if (event->kind == RAFT_MESSAGE && event->message->kind == RAFT_APPEND_REPLY) {
        raft_node_number peer = event->message->from;
        moments_acknowledge(moments, peer, raft_match_index(shard->raft, peer), event->now_us);
    }
}

void shard_note_durable(struct shard *shard, uint64_t now_us) {
    moments_reach(&shard->tracing.moments, MOMENT_DURABLE, raft_durable_index(shard->raft), now_us);
}

void shard_note_applied(struct shard *shard, uint64_t now_us) {
    moments_reach(&shard->tracing.moments, MOMENT_APPLIED, shard->applied_index, now_us);
}

static void say_reached(const struct shard *shard, const struct shard_trace *trace,
                        const struct moments_entry *known) {
    static const char *const stages[MOMENT_COUNT] = {[MOMENT_APPENDED] = "appended",
                                                     [MOMENT_DURABLE] = "durable",
                                                     [MOMENT_COMMITTED] = "committed",
                                                     [MOMENT_APPLIED] = "applied"};
    for (unsigned stage = 0; stage < MOMENT_COUNT; stage++)
        if (known->reached_us[stage])
            say_at(shard, trace, stages[stage], known->begun_us + known->reached_us[stage] - 1);
}

static void say_acknowledged(const struct shard *shard, const struct shard_trace *trace,
                             const struct moments_entry *known) {
    for (unsigned place = 0; place < MOMENTS_PEER_MAXIMUM; place++) {
        char stage[40];
        if (known->acknowledged_us[place]) {
            snprintf(stage, sizeof stage, "acknowledged-by-%u",
                     (unsigned)shard->tracing.moments.peers[place].node);
            say_at(shard, trace, stage, known->begun_us + known->acknowledged_us[place] - 1);
        }
    }
}

/* The WAL's sequence of an entry that is not durable yet; 0: nothing of it is awaited. Saves from
 * before a truncation may reach further than those behind it. */
static uint64_t sequence_of(const struct shard *shard, raft_index index) {
    uint64_t sequence = 0;
    raft_index last_index = UINT64_MAX;
    for (size_t i = queue_count(&shard->saves.pending); i > 0; i--) {
        const struct pending_save *save = queue_at(&shard->saves.pending, i - 1);
        if (save->last_index < index || save->last_index > last_index)
            break;
        last_index = save->last_index;
        sequence = save->wal_sequence;
    }
    return sequence;
}

/* What is left of it goes the way of all traces. */
static void follow(struct shard *shard, const struct shard_trace *trace) {
    bool is_done = trace->is_durable && trace->is_applied;
    if (!is_done && queue_count(&shard->tracing.traces) < SHARD_TRACE_MAXIMUM)
        *(struct shard_trace *)queue_push(&shard->tracing.traces) = *trace;
}

/* The log here does not reach so far: a follower that is served later (append-lazy-ms), or that was
 * away. Of many the newest are waited for. */
static void await(struct shard *shard, const struct shard_trace *trace) {
    say(shard, trace, "ahead");
    if (queue_count(&shard->tracing.awaited) == SHARD_TRACE_AWAITED_MAXIMUM)
        queue_pop(&shard->tracing.awaited);
    *(struct shard_trace *)queue_push(&shard->tracing.awaited) = *trace;
}

void shard_look_back(struct shard *shard, struct shard_place place, struct bytes id) {
    CHECK(id.length <= PAYLOAD_TRACE_ID_MAXIMUM);
    const struct moments_entry *known =
        moments_find(&shard->tracing.moments, place.index, place.term);
    struct shard_trace trace = {.index = place.index, .term = place.term, .is_looked_back = true};
    memcpy(trace.id, id.data, id.length);
    if (!known) {
        trace.begun_us = shard_now_us(shard);
        if (place.index > raft_last_index(shard->raft))
            await(shard, &trace);
        else
            say(shard, &trace, "gone");
        return;
    }
    trace.begun_us = known->begun_us;
    trace.is_committed = known->reached_us[MOMENT_COMMITTED] != 0;
    trace.is_applied = known->reached_us[MOMENT_APPLIED] != 0;
    trace.wal_sequence = sequence_of(shard, place.index);
    trace.is_durable = trace.wal_sequence == 0;
    say_reached(shard, &trace, known);
    say_acknowledged(shard, &trace, known);
    follow(shard, &trace);
}

/* They are looked for again, in the order in which they were asked for. */
void shard_trace_awaited(struct shard *shard) {
    for (size_t left = queue_count(&shard->tracing.awaited); left > 0; left--) {
        struct shard_trace trace = *(struct shard_trace *)queue_front(&shard->tracing.awaited);
        queue_pop(&shard->tracing.awaited);
        if (trace.index > raft_last_index(shard->raft))
            *(struct shard_trace *)queue_push(&shard->tracing.awaited) = trace;
        else
            shard_look_back(shard, (struct shard_place){.index = trace.index, .term = trace.term},
                            bytes_of_text(trace.id));
    }
}
