/* What the owner of a shard brings to it: messages, what became durable, peers that are lost, who
 * would rather not lead. */
#include "shard/give.h"
#include "shard/install.h"
#include "shard/snapshot/take.h"
#include "shard/state/trace.h"
#include "shard/step/step.h"
#include "shard/taken.h"

/* A round that made several saves durable has one acknowledgement for them, the last. */
static bool is_outdone(const struct shard *shard, const struct raft_message *message,
                       uint64_t save_sequence) {
    const struct held_message *next = queue_front(&shard->saves.messages);
    return next && next->after_save <= save_sequence && message->kind == RAFT_APPEND_REPLY &&
           next->message.kind == RAFT_APPEND_REPLY && !message->is_rejected &&
           !next->message.is_rejected && message->to == next->message.to &&
           message->term == next->message.term && message->log_index <= next->message.log_index;
}

bool shard_awaits_log(const struct shard *shard) {
    return queue_count(&shard->saves.pending) > 0 || queue_count(&shard->tracing.traces) > 0 ||
           shard->own.stage == OWN_MARKING || shard->incoming.stage == INCOMING_MARKING;
}

/* Of a follower nothing is to be done but to note it; and of all saves two in three are
 * followers'. */
static bool is_all_done(struct shard *shard, uint64_t save_sequence) {
    if (shard->early.is_settling || !raft_follower_durable(shard->raft, save_sequence))
        return false;
    shard_touch(shard);
    shard_note_durable(shard, shard_now_us(shard));
    return true;
}

void shard_durable(struct shard *shard, uint64_t wal_sequence) {
    uint64_t save_sequence = 0;
    struct pending_save *pending;
    while ((pending = queue_front(&shard->saves.pending)) &&
           pending->wal_sequence <= wal_sequence) {
        save_sequence = pending->save_sequence;
        queue_pop(&shard->saves.pending);
    }
    if (queue_count(&shard->tracing.traces))
        shard_trace_durable(shard, wal_sequence);
    shard_own_snapshot_durable(shard, wal_sequence);
    shard_incoming_durable(shard, wal_sequence);
    if (save_sequence == 0)
        return;
    shard->saves.durable = save_sequence;
    struct held_message *held;
    while ((held = queue_front(&shard->saves.messages)) && held->after_save <= save_sequence) {
        struct raft_message message = held->message;
        queue_pop(&shard->saves.messages);
        if (!is_outdone(shard, &message, save_sequence))
            shard->io->send(shard->io->context, shard, &message);
    }
    if (is_all_done(shard, save_sequence))
        return;
    struct raft_event event = {.kind = RAFT_DURABLE, .save_sequence = save_sequence};
    shard_give(shard, &event);
}

/* What is appended is applied some day without further question, so it is looked at before. */
static bool are_entries_readable(const struct shard *shard, const struct raft_message *message) {
    for (size_t i = 0; i < message->entry_count; i++) {
        const struct raft_entry *entry = message->entries[i];
        int error =
            entry->kind == RAFT_ENTRY_COMMANDS ? payload_check(raft_entry_payload(entry)) : 0;
        if (error) {
            log_line(shard->io->log, LOG_ERROR, "append refused: an entry of it cannot be read",
                     LOG_F("shard", shard->number), LOG_F("from", message->from),
                     LOG_F("term", entry->term), LOG_F("index", entry->index),
                     LOG_T("error", error_text(error)));
            return false;
        }
    }
    return true;
}

/* Once the log has the mark of a snapshot it says that all this stands there: entries that others
 * agreed on instead, after a recovery (shard_recover_alone), would be acknowledged here and void at
 * the next start. Until the mark is durable nothing is heard of a recovery; it is said again, and
 * shows then whether the snapshot was given up. */
static bool comes_too_early(const struct shard *shard, const struct raft_message *message) {
    const struct incoming_snapshot *in = &shard->incoming;
    return in->stage == INCOMING_MARKING && message->term >= in->leader_term + RAFT_RECOVERY_TERMS;
}

void shard_message(struct shard *shard, const struct raft_message *message) {
    if (comes_too_early(shard, message) || !are_entries_readable(shard, message))
        return;
    if (message->kind == RAFT_APPEND)
        raft_set_room(shard->raft, wal_space(shard->io->wal) != WAL_SPACE_RESERVED);
    struct raft_event event = {.kind = RAFT_MESSAGE, .message = message};
    shard_give(shard, &event);
}

void shard_peer_lost(struct shard *shard, raft_node_number peer) {
    struct raft_event event = {.kind = RAFT_PEER_LOST, .peer = peer};
    shard_give(shard, &event);
}

void shard_wake(struct shard *shard) {
    struct raft_event event = {.kind = RAFT_WAKE};
    shard_give(shard, &event);
}

void shard_peer_suspected(struct shard *shard, raft_node_number peer) {
    struct raft_event event = {.kind = RAFT_PEER_SUSPECTED, .peer = peer};
    shard_give(shard, &event);
}

void shard_set_standing(struct shard *shard, raft_node_number node, enum raft_standing standing,
                        const char *reason) {
    if (node == shard->self)
        shard->reluctance = standing == RAFT_WILLING ? NULL : reason;
    struct raft_event event = {.kind = RAFT_STANDING, .peer = node, .standing = standing};
    shard_give(shard, &event);
}

bool shard_transfer(struct shard *shard, raft_node_number to, const char *cause) {
    shard_flush(shard); /* raft takes nothing more meanwhile */
    struct raft_event event = {.kind = RAFT_TRANSFER, .peer = to};
    shard->is_transfer_begun = false;
    shard_give(shard, &event);
    if (shard->is_transfer_begun)
        shard_count_move(shard, cause);
    return shard->is_transfer_begun;
}

bool shard_give_back(struct shard *shard, raft_node_number to) {
    const struct config *config = shard->io->config;
    int64_t led_ms = config->leader_return_ms > config->leader_move_pause_ms
                         ? config->leader_return_ms
                         : config->leader_move_pause_ms;
    const struct raft_led led = {.now_us = shard_now_us(shard),
                                 .least_us = (uint64_t)led_ms * 1000};
    return config->leader_return_ms > 0 && raft_may_give_back(shard->raft, to, &led) &&
           shard_transfer(shard, to, "preferred");
}

void shard_take_snapshot(struct shard *shard) { take_now(shard); }

void shard_release_log(struct shard *shard, uint64_t log_bytes) {
    take_to_release_log(shard, log_bytes);
}

void shard_replace_snapshot(struct shard *shard, const struct snapshot_chunk *chunk) {
    take_anew(shard, chunk);
}

void shard_trace_back(struct shard *shard, struct shard_place place, struct bytes id) {
    shard_look_back(shard, place, id);
}
