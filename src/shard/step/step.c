#include "shard/step/step.h"

#include "base/check.h"
#include "shard/snapshot/outgoing.h"
#include "shard/snapshot/take.h"
#include "shard/state/look.h"
#include "shard/state/trace.h"
#include "shard/step/apply.h"
#include "shard/step/forget.h"
#include "shard/step/rewind.h"
#include "shard/waiting/proposed.h"
#include "shard/waiting/reads.h"
#include "shard/waiting/waits.h"

/* How long the save of this step may wait for the disk. A truncation makes room for a later term's
 * entries, and a state is a promise: these never wait. */
static uint64_t save_patience_us(const struct raft_event *event,
                                 const struct raft_actions *actions) {
    if (actions->is_state_saved || actions->truncate_from)
        return 0;
    if (event->kind == RAFT_MESSAGE)
        return event->message->patience_us;
    return event->kind == RAFT_PROPOSE && actions->entry_count == 1
               ? actions->entries[0]->patience_us
               : 0;
}

static void give_back(void *entry) { raft_entry_drop(entry); }

/* The log writes a large entry from where it lies. What stands before the bytes that its checksum
 * covers is that checksum itself. */
static uint64_t save_entry(struct shard *shard, struct raft_entry *entry) {
    struct wal *wal = shard->io->wal;
    struct bytes bytes = raft_entry_bytes(entry);
    if (bytes.length < WAL_LENT_BYTES)
        return wal_append_entry(wal, shard->number, entry->index, bytes);
    struct bytes front = bytes_of(bytes.data, RAFT_ENTRY_CHECKED_FROM);
    struct wal_lent lent = {.bytes =
                                bytes_of(bytes.data + front.length, bytes.length - front.length),
                            .crc32c = raft_entry_checksum(entry),
                            .give_back = give_back,
                            .owner = raft_entry_keep(entry)};
    return wal_append_lent_entry(wal, shard->number, entry->index, front, &lent);
}

static void save(struct shard *shard, const struct raft_actions *actions, uint64_t until_us) {
    struct wal *wal = shard->io->wal;
    uint64_t sequence = 0;
    wal_may_wait(wal, until_us);
    if (actions->truncate_from) {
        sequence = wal_append_truncate(wal, shard->number, actions->truncate_from);
        if (queue_count(&shard->tracing.traces))
            shard_trace_truncated(shard, actions->truncate_from);
    }
    for (size_t i = 0; i < actions->entry_count; i++) {
        struct raft_entry *entry = actions->entries[i];
        sequence = save_entry(shard, entry);
        if (entry->kind == RAFT_ENTRY_COMMANDS && payload_is_traced(raft_entry_payload(entry)))
            shard_trace_appended(shard, entry, sequence);
    }
    if (actions->is_state_saved)
        sequence = wal_append_state(wal, shard->number, actions->term, actions->vote);
    CHECK(sequence != 0);
    wal_may_wait(wal, 0);
    struct pending_save *pending = queue_push(&shard->saves.pending);
    *pending = (struct pending_save){.wal_sequence = sequence,
                                     .save_sequence = actions->save_sequence,
                                     .last_index = raft_last_index(shard->raft)};
}

static void send_or_hold(struct shard *shard, const struct raft_outgoing *outgoing) {
    if (outgoing->after_save <= shard->saves.durable) {
        shard->io->send(shard->io->context, shard, &outgoing->message);
        return;
    }
    CHECK(outgoing->message.entry_count == 0);
    struct held_message *held = queue_push(&shard->saves.messages);
    *held = (struct held_message){.after_save = outgoing->after_save, .message = outgoing->message};
}

static void count_election(struct shard *shard, enum raft_election_cause cause) {
    static const char *const names[RAFT_ELECTION_CAUSE_COUNT] = {
#define ELECTION_CAUSE(id, name, text) [RAFT_ELECTION_##id] = name,
#include "raft/events/election_cause.def"
#undef ELECTION_CAUSE
    };
    metric_add(metrics_cell(shard->io->metrics, METRIC_elections_total, names[cause]), 1);
}

void shard_count_move(struct shard *shard, const char *cause) {
    metric_add(metrics_cell(shard->io->metrics, METRIC_leader_moves_total, cause), 1);
}

/* What was wished for still is, and is asked of raft again (replica/topology/replicas.c). */
static void tell_given_up(struct shard *shard, const struct raft_actions *actions) {
    const char *name = raft_give_up_name(actions->give_up_cause);
    shard->given_up = (struct shard_given_up){.learner = actions->given_up_learner,
                                              .cause = actions->give_up_cause,
                                              .wish = raft_configuration(shard->raft)->wish,
                                              .at_us = shard->stepped_us};
    log_line(shard->io->log, LOG_WARN, "a new replica is given up, and tried again",
             LOG_F("shard", shard->number), LOG_F("node", actions->given_up_learner),
             LOG_T("why", raft_give_up_text(actions->give_up_cause)));
    metric_add(metrics_cell(shard->io->metrics, METRIC_learners_given_up_total, name), 1);
}

/* Elections and moves are rare, so their cells are looked up. Who asked for a transfer counts it.
 */
static void count_step(struct shard *shard, const struct raft_event *event,
                       const struct raft_actions *actions) {
    if (actions->is_campaign_begun)
        count_election(shard, actions->campaign_cause);
    shard->is_transfer_begun |= actions->is_transfer_begun;
    if (actions->is_hedged)
        metric_add(shard->io->cells.hedges, 1);
    if (actions->given_up_learner)
        tell_given_up(shard, actions);
    if (actions->is_move_begun)
        shard_count_move(shard, shard->reluctance);
    else if (actions->is_transfer_begun && event->kind != RAFT_TRANSFER)
        shard_count_move(shard, "removal");
}

static void leadership_changed(struct shard *shard) {
    if (raft_role(shard->raft) != RAFT_LEADER) {
        shard_refuse_batch(shard);
        shard_drop_outgoing(shard);
        shard_refuse_reads(shard);
        shard_refuse_waits(shard);
    }
    shard->io->leadership(shard->io->context, shard);
}

/* Nothing but entries: they may wait a moment for a round that others share. */
static uint64_t save_until_us(struct shard *shard, const struct raft_actions *actions) {
    bool is_plain = !actions->is_state_saved && actions->truncate_from == 0;
    return is_plain ? shard->io->save_waits_until_us(shard->io->context, shard) : 0;
}

static void save_what_must_be(struct shard *shard, const struct raft_event *event,
                              const struct raft_actions *actions) {
    if (actions->save_sequence == 0)
        return;
    uint64_t patience_us = save_patience_us(event, actions);
    uint64_t until_us = save_until_us(shard, actions);
    save(shard, actions, patience_us ? event->now_us + patience_us : until_us);
    if (patience_us)
        shard_note_early(shard, event->now_us);
}

/* What may be done while `actions` holds. */
static void obey(struct shard *shard, const struct raft_event *event,
                 const struct raft_actions *actions) {
    shard->raft_deadline_us = actions->deadline_us;
    count_step(shard, event, actions);
    shard->early.index = actions->early_index;
    save_what_must_be(shard, event, actions);
    shard_note_moments(shard, event, actions);
    if (queue_count(&shard->tracing.awaited) && actions->entry_count)
        shard_trace_awaited(shard);
    for (size_t i = 0; i < actions->message_count; i++)
        send_or_hold(shard, &actions->messages[i]);
    if (event->kind == RAFT_PROPOSE && actions->proposal_error)
        shard_refuse_last_entry(shard);
}

/* What else raft wants: forgetting and refusing step it again, and then what its actions point to
 * is gone. */
struct aftermath {
    bool is_leadership_changed;
    raft_index truncate_from;
    size_t wanted_count; /* of snapshots */
    raft_node_number wanted_by[RAFT_VOTER_MAXIMUM];
};

static void note_aftermath(struct aftermath *after, const struct raft_actions *actions) {
    after->is_leadership_changed = actions->is_leadership_changed;
    after->truncate_from = actions->truncate_from;
    after->wanted_count = actions->snapshot_wanted_count;
    memcpy(after->wanted_by, actions->snapshot_wanted_by,
           after->wanted_count * sizeof after->wanted_by[0]);
}

static void forget(struct shard *shard) {
    struct raft_event event;
    if (shard_may_forget(shard, &event))
        shard_step(shard, &event);
}

static void send_snapshot(struct shard *shard, raft_node_number peer) {
    struct raft_event event = {.kind = RAFT_SNAPSHOT_SENT, .peer = peer, .is_rejected = true};
    if (!outgoing_begin(shard, peer))
        shard_step(shard, &event);
}

static void follow(struct shard *shard, const struct aftermath *after) {
    if (after->truncate_from)
        shard_rewind(shard, after->truncate_from);
    if (shard_apply(shard))
        forget(shard);
    if (after->is_leadership_changed)
        leadership_changed(shard);
    for (size_t i = 0; i < after->wanted_count; i++)
        send_snapshot(shard, after->wanted_by[i]);
    bool is_held_back = shard->early.index > raft_commit_index(shard->raft) && shard_leads(shard) &&
                        !shard_is_log_whole(shard);
    if (shard->early.is_settling || is_held_back)
        shard_take_snapshot_and_log(shard);
}

int shard_step(struct shard *shard, struct raft_event *event) {
    struct raft_actions actions;
    shard_touch(shard);
    shard->is_stepped = true;
    raft_index last_index = raft_last_index(shard->raft);
    if (event->now_us == 0)
        event->now_us = shard_now_us(shard);
    shard->stepped_us = event->now_us;
    raft_step(shard->raft, event, &actions);
    /* Who votes may change at any step of a leader, by an entry of raft's own. */
    if (shard->batch.count && raft_last_index(shard->raft) > last_index)
        shard_batch_moved(shard, last_index + 1, raft_last_index(shard->raft) - last_index);
    obey(shard, event, &actions);
    struct aftermath after;
    note_aftermath(&after, &actions);
    int proposal_error = actions.proposal_error;
    if (actions.read_count)
        shard_answer_reads(shard, actions.reads, actions.read_count);
    if (queue_count(&shard->tracing.traces))
        shard_trace_committed(shard, actions.commit_index);
    follow(shard, &after);
    return proposal_error;
}
