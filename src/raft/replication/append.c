#include "raft/replication/append.h"
#include "base/planted.h"
#include "raft/replication/lazy.h"
#include "raft/state/follow.h"
#include "raft/state/lease.h"
#include "raft/state/outbox.h"
#include "raft/state/quiet.h"
#include "raft/state/save.h"

/* Every append carries the commit index, the clock for the lease and the newest read round, so that
 * a busy leader needs no other heartbeats. */
static struct raft_message *append_push(struct raft *raft, struct raft_progress *peer,
                                        raft_index previous_index) {
    if (raft->is_quiet)
        raft_quiet_end(raft);
    struct raft_message *message = raft_message_push(raft, RAFT_APPEND, peer->node, 0);
    message->log_index = previous_index;
    message->log_term = raft_log_term(&raft->log, previous_index);
    message->commit_index = raft->commit_index;
    message->context = raft->now_us;
    message->read_round = raft->reads.round;
    peer->sent_us = raft->now_us;
    peer->is_waking = false;
    return message;
}

static void commit_told(struct raft *raft, struct raft_progress *peer, raft_index last_index) {
    raft_index told = raft->commit_index < last_index ? raft->commit_index : last_index;
    if (told > peer->commit_told)
        peer->commit_told = told;
}

/* Entries that may wait for the disk do so only if all of the message may. */
static void wishes_tell(const struct raft *raft, struct raft_message *message) {
    message->patience_us = message->entry_count > 0 ? UINT32_MAX : 0;
    for (size_t i = 1; i <= message->entry_count; i++) {
        const struct raft_entry *entry = *raft_log_at(&raft->log, message->log_index + i);
        message->is_receipt_wanted = message->is_receipt_wanted || entry->is_early;
        if (entry->patience_us < message->patience_us)
            message->patience_us = entry->patience_us;
    }
}

/* What is held no more calls for a snapshot, which waits for its turn as the shortest entry would.
 */
bool raft_append_has_room(const struct raft *raft, const struct raft_progress *peer) {
    uint64_t entry_bytes = raft_log_holds(&raft->log, peer->next_index)
                               ? (*raft_log_at(&raft->log, peer->next_index))->length
                               : RAFT_ENTRY_HEADER_BYTES;
    return raft_progress_has_room(peer, &raft->timing, entry_bytes);
}

/* How many of the next entries one message takes: what is left of the window bounds them as well,
 * but not the first one, for which there is room. */
static raft_index entries_choose(const struct raft *raft, const struct raft_progress *peer,
                                 uint64_t *bytes) {
    uint64_t left_bytes = raft_progress_left_bytes(peer, &raft->timing);
    uint64_t most_bytes =
        raft->timing.message_bytes < left_bytes ? raft->timing.message_bytes : left_bytes;
    raft_index last_index = peer->next_index - 1;
    for (*bytes = 0; last_index < raft_last(raft); last_index++) {
        uint32_t length = (*raft_log_at(&raft->log, last_index + 1))->length;
        if (*bytes > 0 && *bytes + length > most_bytes)
            break;
        *bytes += length;
    }
    return last_index;
}

bool raft_append_send(struct raft *raft, struct raft_progress *peer) {
    raft_index previous_index = peer->next_index - 1;
    if (previous_index < raft->log.base_index) {
        raft_snapshot_want(raft, peer);
        return false;
    }
    uint64_t bytes;
    raft_index last_index = entries_choose(raft, peer, &bytes);
    struct raft_message *message = append_push(raft, peer, previous_index);
    message->entry_count = last_index - previous_index;
    wishes_tell(raft, message);
    commit_told(raft, peer, last_index);
    if (peer->state == RAFT_REPLICATE)
        raft_progress_fly(peer, last_index, bytes, raft->now_us);
    raft_lazy_note_sent(raft, peer, message);
    return true;
}

bool raft_append_ask(struct raft *raft, struct raft_progress *peer) {
    raft_index last_index = peer->next_index - 1;
    if (last_index < raft->log.base_index)
        return false;
    append_push(raft, peer, last_index);
    commit_told(raft, peer, last_index);
    peer->waiting_since_us = raft->now_us;
    return true;
}

struct raft_message *raft_heartbeat_send(struct raft *raft, struct raft_progress *peer) {
    if (peer->state == RAFT_PROBE && peer->next_index - 1 < raft->log.base_index)
        raft_snapshot_want(raft, peer);
    raft_index previous_index =
        peer->state == RAFT_PROBE ? peer->next_index - 1 : peer->match_index;
    if (previous_index < raft->log.base_index)
        previous_index = 0;
    commit_told(raft, peer, previous_index);
    return append_push(raft, peer, previous_index);
}

static struct raft_message *reply_push(struct raft *raft, const struct raft_message *append,
                                       raft_index match, uint64_t after_save) {
    struct raft_message *reply =
        raft_message_push(raft, RAFT_APPEND_REPLY, append->from, after_save);
    reply->log_index = match;
    reply->log_term = raft->timing.lease_us;
    reply->conflict_index = raft_last(raft);
    reply->is_full = raft->is_full;
    reply->context = append->context;
    reply->read_round = append->read_round;
    return reply;
}

static void append_reply(struct raft *raft, const struct raft_message *append, raft_index match) {
    uint64_t after_state = raft_save_of_state(raft);
    uint64_t after_index = raft_save_of_index(raft, match);
    uint64_t after_save = after_state > after_index ? after_state : after_index;
    if (PLANTED(REPLY_BEFORE_DURABLE))
        after_save = 0;
    reply_push(raft, append, match, after_save)->is_quiet = raft_quiet_follow(raft, append);
}

/* Tells that the entries are here, while the disk has them yet to write. The match index, on which
 * all promises rest, is of what is durable. */
static void receipt_reply(struct raft *raft, const struct raft_message *append,
                          raft_index durable_match, raft_index received) {
    reply_push(raft, append, durable_match, raft_save_of_state(raft))->agreed_index = received;
}

/* CBTR 5.3, end: the leader learns where our conflicting term begins, not only that the last entry
 * conflicts. */
static void append_reject(struct raft *raft, const struct raft_message *append) {
    struct raft_message *reply =
        raft_message_push(raft, RAFT_APPEND_REPLY, append->from, raft_save_of_state(raft));
    reply->is_rejected = true;
    reply->log_index = append->log_index;
    reply->log_term = raft->timing.lease_us;
    reply->context = append->context;
    reply->read_round = append->read_round;
    if (append->log_index > raft_last(raft)) {
        reply->conflict_index = raft_last(raft) + 1;
        return;
    }
    reply->conflict_term = raft_log_term(&raft->log, append->log_index);
    reply->conflict_index = raft_log_first_of_term(&raft->log, raft->commit_index + 1,
                                                   append->log_index, reply->conflict_term);
}

static void entries_note(const struct raft *raft, const struct raft_message *append) {
    struct raft_pair *pair = append->entry_count > 0 ? raft_pair_with(raft, append->from) : NULL;
    if (pair != NULL)
        pair->entries_us = raft->now_us;
}

/* What is committed here must stand in every later leader's log (5.4). A message that says
 * otherwise comes from a broken node or from another cluster, or what is here was given up. */
static bool contradicts_commit(const struct raft *raft, raft_index index, raft_term term) {
    if (index > raft->commit_index)
        return false;
    raft_term known_term = raft_log_term(&raft->log, index);
    return known_term != 0 ? known_term != term : term > raft->log.base_term;
}

static bool append_contradicts_commit(const struct raft *raft, const struct raft_message *append) {
    if (contradicts_commit(raft, append->log_index, append->log_term))
        return true;
    for (size_t i = 0; i < append->entry_count; i++)
        if (contradicts_commit(raft, append->entries[i]->index, append->entries[i]->term))
            return true;
    return false;
}

static bool is_of_another_leader(const struct raft *raft, const struct raft_message *append) {
    return raft->leader != 0 && raft->leader != append->from;
}

static bool is_impossible(struct raft *raft, const struct raft_message *append) {
    if (is_of_another_leader(raft, append))
        return true;
    bool contradicts = append_contradicts_commit(raft, append);
    raft->is_contradicted |= contradicts && raft_is_in_doubt(raft);
    return contradicts;
}

/* Skips what stands here already; at the first conflict the rest of our log makes way. */
static void entries_take(struct raft *raft, const struct raft_message *append) {
    for (size_t i = 0; i < append->entry_count; i++) {
        struct raft_entry *entry = append->entries[i];
        if (entry->index <= raft->commit_index)
            continue;
        if (entry->index <= raft_last(raft)) {
            if (raft_log_term(&raft->log, entry->index) == entry->term)
                continue;
            raft_suffix_truncate(raft, entry->index);
        }
        raft_entry_append(raft, raft_entry_keep(entry));
    }
    raft_index last_new = append->log_index + append->entry_count;
    if (PLANTED(OLD_APPEND_CUTS_LOG) && append->entry_count > 0 && last_new >= raft->commit_index &&
        last_new < raft_last(raft))
        raft_suffix_truncate(raft, last_new + 1);
}

static raft_index lesser(raft_index a, raft_index b) { return a < b ? a : b; }

static void append_accept(struct raft *raft, const struct raft_message *append) {
    entries_take(raft, append);
    raft_index last_new = append->log_index + append->entry_count;
    raft_commit_set(raft, lesser(append->commit_index, last_new));
    /* All that is committed agrees with the leader, whatever this message was about. */
    raft_index agreed =
        raft_is_in_doubt(raft) ? 0 : lesser(raft->commit_index, raft->saves.durable_index);
    if (append->is_receipt_wanted && last_new > raft->saves.durable_index)
        receipt_reply(raft, append, agreed, last_new);
    append_reply(raft, append, last_new > agreed ? last_new : agreed);
}

static bool agrees(const struct raft *raft, const struct raft_message *append) {
    bool is_sure = append->log_index <= raft->commit_index && !raft_is_in_doubt(raft);
    return is_sure || raft_log_term(&raft->log, append->log_index) == append->log_term;
}

void raft_append_receive(struct raft *raft, const struct raft_message *append) {
    if (!raft_term_observe(raft, append)) {
        append_reject(raft, append);
        return;
    }
    if (is_impossible(raft, append)) {
        log_line(raft->log_lines, LOG_ERROR, "append contradicts what was agreed; it is ignored",
                 LOG_F("shard", raft->shard), LOG_F("from", append->from),
                 LOG_F("term", raft->term), LOG_F("index", append->log_index));
        return;
    }
    raft_follow(raft, raft->term, append->from);
    raft_quiet_end(raft);
    entries_note(raft, append);
    struct raft_message without_entries = *append;
    without_entries.entry_count = 0;
    if (agrees(raft, append))
        append_accept(raft, raft->is_full ? &without_entries : append);
    else
        append_reject(raft, append);
    raft->is_behind = raft_last(raft) < append->commit_index;
    raft_leader_heard(raft);
}
