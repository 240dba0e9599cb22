/* One step of raft, and what it asks for, in the order save, send, answer, apply. A message that
 * promises something is held back until what it promises is durable. */
#include "base/check.h"
#include "shard/internal.h"

/* How long the save of this step may wait for the disk. A truncation makes room for a later term's
 * entries, and a state is a promise: these never wait. */
static uint64_t save_patience_us(const struct raft_event *event,
                                 const struct raft_actions *actions) {
    if (actions->is_state_saved || actions->truncate_from) {
        return 0;
    }
    if (event->kind == RAFT_MESSAGE) {
        return event->message->patience_us;
    }
    return event->kind == RAFT_PROPOSE && actions->entry_count == 1
               ? actions->entries[0]->patience_us
               : 0;
}

static uint64_t save_entry(struct shard *shard, const struct raft_entry *entry) {
    struct wal_known known = {.bytes = entry->length - RAFT_ENTRY_CHECKED_FROM,
                              .crc32c = raft_entry_checksum(entry)};
    return wal_append_known_entry(shard->io.wal, shard->number, entry->index,
                                  raft_entry_bytes(entry), known);
}

static void save(struct shard *shard, const struct raft_actions *actions, uint64_t until_us) {
    struct wal *wal = shard->io.wal;
    uint64_t sequence = 0;
    wal_may_wait(wal, until_us);
    if (actions->truncate_from) {
        sequence = wal_append_truncate(wal, shard->number, actions->truncate_from);
        if (queue_count(&shard->traces)) {
            shard_trace_truncated(shard, actions->truncate_from);
        }
    }
    for (size_t i = 0; i < actions->entry_count; i++) {
        const struct raft_entry *entry = actions->entries[i];
        sequence = save_entry(shard, entry);
        if (entry->kind == RAFT_ENTRY_COMMANDS && payload_is_traced(raft_entry_payload(entry))) {
            shard_trace_appended(shard, entry, sequence);
        }
    }
    if (actions->is_state_saved) {
        sequence = wal_append_state(wal, shard->number, actions->term, actions->vote);
    }
    CHECK(sequence != 0);
    wal_may_wait(wal, 0);
    struct pending_save *pending = queue_push(&shard->saves);
    *pending = (struct pending_save){.wal_sequence = sequence,
                                     .save_sequence = actions->save_sequence,
                                     .last_index = raft_last_index(shard->raft)};
}

static void send_or_hold(struct shard *shard, const struct raft_outgoing *outgoing) {
    if (outgoing->after_save <= shard->durable_save) {
        shard->io.send(shard->io.context, shard, &outgoing->message);
        return;
    }
    CHECK(outgoing->message.entry_count == 0);
    struct held_message *held = queue_push(&shard->held);
    *held = (struct held_message){.after_save = outgoing->after_save, .message = outgoing->message};
}

static void count_election(struct shard *shard, enum raft_election_cause cause) {
    static const char *const names[RAFT_ELECTION_CAUSE_COUNT] = {
#define ELECTION_CAUSE(id, name, text) [RAFT_ELECTION_##id] = name,
#include "raft/election_cause.def"
#undef ELECTION_CAUSE
    };
    metric_add(metrics_cell(shard->io.metrics, METRIC_elections_total, names[cause]), 1);
}

static void count_move(struct shard *shard, const char *cause) {
    metric_add(metrics_cell(shard->io.metrics, METRIC_leader_moves_total, cause), 1);
}

/* Elections and moves are rare, so their cells are looked up. Who asked for a transfer counts it.
 */
static void count_step(struct shard *shard, const struct raft_event *event,
                       const struct raft_actions *actions) {
    if (actions->is_campaign_begun) {
        count_election(shard, actions->campaign_cause);
    }
    shard->is_transfer_begun |= actions->is_transfer_begun;
    if (actions->is_hedged) {
        metric_add(shard->cells.hedges, 1);
    }
    if (actions->is_move_begun) {
        count_move(shard, shard->reluctance);
    } else if (actions->is_transfer_begun && event->kind != RAFT_TRANSFER) {
        count_move(shard, "removal");
    }
}

static void leadership_changed(struct shard *shard) {
    if (raft_role(shard->raft) != RAFT_LEADER) {
        shard_refuse_batch(shard);
        shard_drop_outgoing(shard);
        shard_refuse_reads(shard);
        shard_refuse_waits(shard);
    }
    shard->io.leadership(shard->io.context, shard);
}

void shard_touch(struct shard *shard) { shard->io.touched(shard->io.context, shard); }

int shard_step(struct shard *shard, struct raft_event *event) {
    struct raft_actions actions;
    shard_touch(shard);
    raft_index last_index = raft_last_index(shard->raft);
    if (event->now_us == 0) {
        event->now_us = shard_now_us(shard);
    }
    shard->stepped_us = event->now_us;
    raft_step(shard->raft, event, &actions);
    /* Who votes may change at any step of a leader, by an entry of raft's own. */
    if (shard->batch_count && raft_last_index(shard->raft) > last_index) {
        shard_batch_moved(shard, last_index + 1, raft_last_index(shard->raft) - last_index);
    }
    shard->raft_deadline_us = actions.deadline_us;
    count_step(shard, event, &actions);
    shard->early_index = actions.early_index;
    if (actions.save_sequence) {
        uint64_t patience_us = save_patience_us(event, &actions);
        save(shard, &actions, patience_us ? event->now_us + patience_us : 0);
        if (patience_us) {
            shard_note_early(shard, event->now_us);
        }
    }
    shard_note_moments(shard, event, &actions);
    for (size_t i = 0; i < actions.message_count; i++) {
        send_or_hold(shard, &actions.messages[i]);
    }
    if (event->kind == RAFT_PROPOSE && actions.proposal_error) {
        shard_refuse_last_entry(shard);
    }
    bool is_leadership_changed = actions.is_leadership_changed;
    int proposal_error = actions.proposal_error;
    raft_index truncate_from = actions.truncate_from;
    size_t wanted_count = actions.snapshot_wanted_count;
    raft_node_number wanted[RAFT_VOTER_MAXIMUM];
    memcpy(wanted, actions.snapshot_wanted_by, sizeof(wanted));
    if (actions.read_count) {
        shard_answer_reads(shard, actions.reads, actions.read_count);
    }
    if (queue_count(&shard->traces)) {
        shard_trace_committed(shard, actions.commit_index);
    }
    /* Nothing below looks into `actions`: applying, answering and sending may step raft again. */
    if (truncate_from) {
        shard_rewind(shard, truncate_from);
    }
    shard_apply(shard);
    if (is_leadership_changed) {
        leadership_changed(shard);
    }
    for (size_t i = 0; i < wanted_count; i++) {
        shard_send_snapshot(shard, wanted[i]);
    }
    bool is_held_back = shard->early_index > raft_commit_index(shard->raft) &&
                        shard_is_leader(shard) && !shard_is_log_whole(shard);
    if (shard->is_settling || is_held_back) {
        shard_take_snapshot_and_log(shard);
    }
    shard_run_reads(shard);
    shard_answer_waits(shard);
    return proposal_error;
}

/* A round that made several saves durable has one acknowledgement for them, the last. */
static bool is_outdone(const struct shard *shard, const struct raft_message *message,
                       uint64_t save_sequence) {
    const struct held_message *next = queue_front(&shard->held);
    return next && next->after_save <= save_sequence && message->kind == RAFT_APPEND_REPLY &&
           next->message.kind == RAFT_APPEND_REPLY && !message->is_rejected &&
           !next->message.is_rejected && message->to == next->message.to &&
           message->term == next->message.term && message->log_index <= next->message.log_index;
}

bool shard_awaits_log(const struct shard *shard) {
    return queue_count(&shard->saves) > 0 || queue_count(&shard->traces) > 0 ||
           shard->own.stage == OWN_MARKING || shard->incoming.stage == INCOMING_MARKING;
}

void shard_durable(struct shard *shard, uint64_t wal_sequence) {
    uint64_t save_sequence = 0;
    struct pending_save *pending;
    while ((pending = queue_front(&shard->saves)) && pending->wal_sequence <= wal_sequence) {
        save_sequence = pending->save_sequence;
        queue_pop(&shard->saves);
    }
    if (queue_count(&shard->traces)) {
        shard_trace_durable(shard, wal_sequence);
    }
    shard_own_snapshot_durable(shard, wal_sequence);
    shard_incoming_durable(shard, wal_sequence);
    if (save_sequence == 0) {
        return;
    }
    shard->durable_save = save_sequence;
    struct held_message *held;
    while ((held = queue_front(&shard->held)) && held->after_save <= save_sequence) {
        struct raft_message message = held->message;
        queue_pop(&shard->held);
        if (!is_outdone(shard, &message, save_sequence)) {
            shard->io.send(shard->io.context, shard, &message);
        }
    }
    struct raft_event event = {.kind = RAFT_DURABLE, .save_sequence = save_sequence};
    shard_step(shard, &event);
}

/* What is appended is applied some day without further question, so it is looked at before. */
static bool are_entries_readable(const struct shard *shard, const struct raft_message *message) {
    for (size_t i = 0; i < message->entry_count; i++) {
        const struct raft_entry *entry = message->entries[i];
        int error =
            entry->kind == RAFT_ENTRY_COMMANDS ? payload_check(raft_entry_payload(entry)) : 0;
        if (error) {
            log_line(shard->io.log, LOG_ERROR, "append refused: an entry of it cannot be read",
                     LOG_F("shard", shard->number), LOG_F("from", message->from),
                     LOG_F("term", entry->term), LOG_F("index", entry->index),
                     LOG_T("error", error_text(error)));
            return false;
        }
    }
    return true;
}

void shard_message(struct shard *shard, const struct raft_message *message) {
    if (!are_entries_readable(shard, message)) {
        return;
    }
    if (message->kind == RAFT_APPEND) {
        raft_set_room(shard->raft, wal_space(shard->io.wal) != WAL_SPACE_RESERVED);
    }
    struct raft_event event = {.kind = RAFT_MESSAGE, .message = message};
    shard_step(shard, &event);
}

void shard_peer_lost(struct shard *shard, raft_node_number peer) {
    struct raft_event event = {.kind = RAFT_PEER_LOST, .peer = peer};
    shard_step(shard, &event);
}

void shard_wake(struct shard *shard) {
    struct raft_event event = {.kind = RAFT_WAKE};
    shard_step(shard, &event);
}

void shard_peer_suspected(struct shard *shard, raft_node_number peer) {
    struct raft_event event = {.kind = RAFT_PEER_SUSPECTED, .peer = peer};
    shard_step(shard, &event);
}

void shard_set_standing(struct shard *shard, raft_node_number node, enum raft_standing standing,
                        const char *reason) {
    if (node == shard->self) {
        shard->reluctance = standing == RAFT_WILLING ? NULL : reason;
    }
    struct raft_event event = {.kind = RAFT_STANDING, .peer = node, .standing = standing};
    shard_step(shard, &event);
}

bool shard_transfer(struct shard *shard, raft_node_number to, const char *cause) {
    shard_flush(shard); /* raft takes nothing more meanwhile */
    struct raft_event event = {.kind = RAFT_TRANSFER, .peer = to};
    shard->is_transfer_begun = false;
    shard_step(shard, &event);
    if (shard->is_transfer_begun) {
        count_move(shard, cause);
    }
    return shard->is_transfer_begun;
}

bool shard_give_back(struct shard *shard, raft_node_number to) {
    const struct config *config = shard->io.config;
    int64_t led_ms = config->leader_return_ms > config->leader_move_pause_ms
                         ? config->leader_return_ms
                         : config->leader_move_pause_ms;
    const struct raft_led led = {.now_us = shard_now_us(shard),
                                 .least_us = (uint64_t)led_ms * 1000};
    return config->leader_return_ms > 0 && raft_may_give_back(shard->raft, to, &led) &&
           shard_transfer(shard, to, "preferred");
}
