#include "shard/shard.h"

#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "shard/internal.h"

static uint64_t now_us(const struct shard *shard) {
    return shard->io.clock->monotonic_us(shard->io.clock);
}

/* ---- life ---- */

static struct shard_cells find_cells(struct metrics *metrics, uint32_t shard) {
    char shard_name[16];
    snprintf(shard_name, sizeof(shard_name), "%u", (unsigned)shard);
    return (struct shard_cells){
        .proposals = metrics_cell(metrics, METRIC_proposals_total, NULL),
        .refused_not_leader = metrics_cell(metrics, METRIC_proposals_refused_total, "not-leader"),
        .refused_busy = metrics_cell(metrics, METRIC_proposals_refused_total, "busy"),
        .refused_no_space = metrics_cell(metrics, METRIC_proposals_refused_total, "no-space"),
        .batch_bytes = metrics_cell(metrics, METRIC_batch_bytes, NULL),
        .batch_commands = metrics_cell(metrics, METRIC_batch_commands, NULL),
        .queue_time = metrics_cell(metrics, METRIC_proposal_queue_seconds, NULL),
        .read_wait = metrics_cell(metrics, METRIC_read_wait_seconds, NULL),
        .commit_time = metrics_cell(metrics, METRIC_commit_seconds, NULL),
        .apply_time = metrics_cell(metrics, METRIC_apply_seconds, NULL),
        .entries_applied = metrics_cell(metrics, METRIC_entries_applied_total, NULL),
        .reads_by_lease = metrics_cell(metrics, METRIC_reads_total, "lease"),
        .reads_by_quorum = metrics_cell(metrics, METRIC_reads_total, "quorum"),
        .snapshots_taken = metrics_cell(metrics, METRIC_snapshots_taken_total, NULL),
        .snapshots_sent = metrics_cell(metrics, METRIC_snapshots_sent_total, NULL),
        .snapshots_installed = metrics_cell(metrics, METRIC_snapshots_installed_total, NULL),
        .snapshots_lost = metrics_cell(metrics, METRIC_snapshots_lost_total, NULL),
        .snapshot_bytes = metrics_cell(metrics, METRIC_snapshot_bytes_total, NULL),
        .snapshot_time = metrics_cell(metrics, METRIC_snapshot_seconds, NULL),
        .hedges = metrics_cell(metrics, METRIC_append_hedges_total, NULL),
        .early_replies = metrics_cell(metrics, METRIC_async_replies_total, NULL),
        .rewinds = metrics_cell(metrics, METRIC_rewinds_total, NULL),
        .chunks_saved = metrics_cell(metrics, METRIC_snapshot_chunks_total, "saved"),
        .chunks_kept = metrics_cell(metrics, METRIC_snapshot_chunks_total, "kept"),
        .chunks_received = metrics_cell(metrics, METRIC_snapshot_chunks_total, "received"),
        .chunks_reused = metrics_cell(metrics, METRIC_snapshot_chunks_total, "reused"),
        .transfer_sent_bytes = metrics_cell(metrics, METRIC_snapshot_sent_bytes_total, NULL),
        .transfer_received_bytes =
            metrics_cell(metrics, METRIC_snapshot_received_bytes_total, NULL),
        .snapshot_loaded_bytes = metrics_cell(metrics, METRIC_snapshot_loaded_bytes_total, NULL),
        .chunks_left = metrics_cell(metrics, METRIC_snapshot_chunks_left, shard_name),
    };
}

static struct shard *shard_allocate(const struct shard_options *options) {
    struct shard *shard = memory_allocate_zeroed(1, sizeof(*shard));
    shard->number = options->number;
    shard->self = options->self;
    shard->machine = options->machine;
    shard->io = options->io;
    shard->cells = find_cells(options->io.metrics, options->number);
    random_init(&shard->random, options->seed);
    buffer_init(&shard->batch, SIZE_MAX);
    buffer_init(&shard->scratch, SIZE_MAX);
    buffer_init(&shard->batch_traces, PAYLOAD_TRACES_BYTES_MAXIMUM);
    queue_init(&shard->traces, sizeof(struct shard_trace));
    queue_init(&shard->waiters, sizeof(struct shard_waiter));
    queue_init(&shard->entries, sizeof(struct pending_entry));
    queue_init(&shard->reads, sizeof(struct pending_read));
    queue_init(&shard->held, sizeof(struct held_message));
    queue_init(&shard->saves, sizeof(struct pending_save));
    shard->wait_deadline_us = UINT64_MAX;
    queue_init(&shard->waits, sizeof(struct pending_wait));
    queue_init(&shard->ahead, sizeof(struct ahead_mark));
    queue_init(&shard->held_replies, sizeof(struct held_reply));
    buffer_init(&shard->held_reply_bytes, SIZE_MAX);
    shard->shelf = snapshot_shelf_new(options->io.disk, options->number);
    return shard;
}

int shard_new(const struct shard_options *options, struct shard_recovery *recovery,
              struct shard **out, struct buffer *problem) {
    struct shard *shard = shard_allocate(options);
    int error = shard_recover(shard, recovery, options, problem);
    shard_recovery_free(recovery);
    if (error) {
        shard_free(shard);
        return error;
    }
    shard->machine->ops->watch(shard->machine, &shard->watch);
    *out = shard;
    shard_tick(shard);
    return 0;
}

void shard_free(struct shard *shard) {
    if (!shard) {
        return;
    }
    shard_end_rewind(shard);
    shard_release_incoming(shard);
    shard_release_own(shard);
    shard_release_outgoing(shard);
    snapshot_shelf_free(shard->shelf);
    while (queue_count(&shard->reads)) {
        buffer_release(&((struct pending_read *)queue_front(&shard->reads))->arguments);
        queue_pop(&shard->reads);
    }
    queue_release(&shard->reads);
    queue_release(&shard->waiters);
    queue_release(&shard->entries);
    queue_release(&shard->held);
    queue_release(&shard->saves);
    queue_release(&shard->waits);
    queue_release(&shard->ahead);
    queue_release(&shard->held_replies);
    buffer_release(&shard->held_reply_bytes);
    buffer_release(&shard->batch);
    buffer_release(&shard->scratch);
    buffer_release(&shard->batch_traces);
    queue_release(&shard->traces);
    moments_release(&shard->moments);
    payload_arguments_release(&shard->arguments);
    payload_arguments_release(&shard->applying);
    if (shard->raft) {
        raft_free(shard->raft);
    }
    shard->machine->ops->free(shard->machine);
    memory_free(shard);
}

/* ---- one step of raft, and what it asks for: save, send, apply, answer ---- */

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
        event->now_us = now_us(shard);
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
    const struct raft_led led = {.now_us = now_us(shard), .least_us = (uint64_t)led_ms * 1000};
    return config->leader_return_ms > 0 && raft_may_give_back(shard->raft, to, &led) &&
           shard_transfer(shard, to, "preferred");
}

/* ---- time ---- */

bool shard_may_expire(const struct shard *shard) {
    return shard->machine->ops->may_expire && shard->machine->ops->may_expire(shard->machine);
}

/* Leaders propose the deletion of keys whose time has come, so that memory is given back though
 * nobody reads them. */
static void expire(struct shard *shard, uint64_t now) {
    if (now < shard->next_expiry_us) {
        return;
    }
    shard->next_expiry_us = now + (uint64_t)shard->io.config->expire_interval_ms * 1000;
    if (!shard_is_leader(shard) || shard->expiry_index > shard->applied_index ||
        wal_space(shard->io.wal) != WAL_SPACE_ENOUGH || !shard_may_expire(shard)) {
        return;
    }
    struct buffer keys;
    buffer_init(&keys, SIZE_MAX);
    uint64_t wall_ms = shard->io.clock->wall_ms(shard->io.clock);
    if (shard->machine->ops->collect_expired(shard->machine, wall_ms, SHARD_EXPIRE_BATCH_MAXIMUM,
                                             &keys)) {
        shard_expire_keys(shard, buffer_bytes(&keys));
    }
    buffer_release(&keys);
}

void shard_tick(struct shard *shard) {
    uint64_t now = now_us(shard);
    shard_touch(shard);
    if (now >= shard->raft_deadline_us) {
        if (shard->reluctance) {
            shard_flush(shard); /* the lead may be given away, and nothing be taken then */
        }
        struct raft_event event = {.kind = RAFT_TICK};
        shard_step(shard, &event);
    }
    expire(shard, now);
    shard_give_up_late(shard, now);
    shard_time_out_reads(shard, now);
    shard_time_out_held(shard, now);
    shard_answer_waits(shard);
    shard_tick_rewind(shard, now);
    shard_tick_own(shard, now);
    shard_tick_outgoing(shard, now);
    shard_tick_incoming(shard, now);
    shard_maybe_snapshot(shard);
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

uint64_t shard_deadline_us(const struct shard *shard) {
    uint64_t deadline = earlier(shard->raft_deadline_us, shard_own_deadline_us(shard));
    deadline = earlier(deadline, shard_outgoing_deadline_us(shard));
    deadline = earlier(deadline, shard_incoming_deadline_us(shard));
    deadline = earlier(deadline, shard_rewind_deadline_us(shard));
    bool is_watching = (shard_is_leader(shard) && shard_may_expire(shard)) ||
                       queue_count(&shard->entries) || queue_count(&shard->reads) ||
                       queue_count(&shard->held_replies) || shard->incoming.stage != INCOMING_NONE;
    deadline = earlier(deadline, shard->wait_deadline_us);
    return is_watching ? earlier(deadline, shard->next_expiry_us) : deadline;
}

/* A vote takes a round trip and two disks. Where that is long, so must be the patience, or
 * elections would be begun anew before they can end; leases are as they are set, since promises
 * are. */
uint64_t shard_election_timeout_us(const struct shard *shard) {
    uint64_t setting_us = (uint64_t)shard->io.config->election_timeout_ms * 1000;
    uint64_t wanted_us = SHARD_ELECTION_DELAYS * shard->delay_us;
    uint64_t most_us = SHARD_ELECTION_STRETCH_MAXIMUM * setting_us;
    if (wanted_us <= setting_us) {
        return setting_us;
    }
    return wanted_us < most_us ? wanted_us : most_us;
}

struct raft_timing shard_timing(const struct config *config, uint64_t election_timeout_us) {
    /* A promise that outlives the election timeout would only hold elections up. */
    long long lease_ms = config->lease_ms < config->election_timeout_ms
                             ? config->lease_ms
                             : config->election_timeout_ms;
    long long lazy_ms = config->append_lazy_ms < config->heartbeat_ms ? config->append_lazy_ms
                                                                      : config->heartbeat_ms;
    uint64_t message_bytes = (uint64_t)config->batch_bytes;
    if (message_bytes > SHARD_ENTRY_BYTES_MAXIMUM) {
        message_bytes = SHARD_ENTRY_BYTES_MAXIMUM;
    }
    return (struct raft_timing){.election_timeout_us = election_timeout_us,
                                .lease_us = (uint64_t)lease_ms * 1000,
                                .heartbeat_us = (uint64_t)config->heartbeat_ms * 1000,
                                .quiet_after_us = (uint64_t)config->quiet_after_ms * 1000,
                                .clock_drift_percent = (unsigned)config->clock_drift_percent,
                                .window_bytes = (uint64_t)config->append_window_bytes,
                                .window_messages = (unsigned)config->append_window_messages,
                                .message_bytes = message_bytes,
                                .lazy_us = (uint64_t)lazy_ms * 1000,
                                .move_pause_us = (uint64_t)config->leader_move_pause_ms * 1000};
}

void shard_settings_changed(struct shard *shard) {
    struct raft_timing timing = shard_timing(shard->io.config, shard_election_timeout_us(shard));
    raft_set_timing(shard->raft, &timing);
    if (timing.quiet_after_us == 0 && raft_is_quiet(shard->raft)) {
        shard_wake(shard);
    }
}

void shard_set_delays(struct shard *shard, uint64_t round_trip_us, uint64_t sync_us) {
    uint64_t before_us = shard_election_timeout_us(shard);
    shard->delay_us = round_trip_us + sync_us;
    if (shard_election_timeout_us(shard) != before_us) {
        shard_settings_changed(shard);
    }
}

/* ---- who votes ---- */

int shard_change(struct shard *shard, const raft_node_number *voters, size_t count, uint64_t wish) {
    struct raft_configuration wanted = {.wish = wish};
    for (size_t i = 0; i < count && i < RAFT_VOTER_MAXIMUM; i++) {
        wanted.voters[wanted.voter_count++] = voters[i];
    }
    struct raft_event event = {.kind = RAFT_CHANGE, .configuration = &wanted};
    return shard_step(shard, &event);
}

int shard_recover_alone(struct shard *shard, uint64_t wish) {
    struct raft_configuration alone = {.voter_count = 1, .voters = {shard->self}, .wish = wish};
    struct raft_event event = {.kind = RAFT_RECOVER, .configuration = &alone};
    return shard_step(shard, &event);
}

bool shard_has_voters(const struct shard *shard, const raft_node_number *voters, size_t count,
                      uint64_t wish) {
    const struct raft_configuration *members = raft_configuration(shard->raft);
    if (raft_is_changing(shard->raft) || members->learner_count > 0 ||
        members->voter_count != count || members->wish != wish) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!raft_configuration_has_voter(members, voters[i])) {
            return false;
        }
    }
    return true;
}

/* Entries that were proposed here stay pending until something is applied in their place, which a
 * replica that is out of the shard never hears of; their waiters were told by then. */
static bool is_awaited(const struct shard *shard) {
    for (size_t i = 0; i < queue_count(&shard->waiters); i++) {
        if (((struct shard_waiter *)queue_at(&shard->waiters, i))->target) {
            return true;
        }
    }
    return false;
}

bool shard_is_idle(const struct shard *shard) {
    return shard->disk_jobs == 0 && shard->own.stage == OWN_NONE && !shard_is_rewinding(shard) &&
           shard->incoming.stage == INCOMING_NONE && queue_count(&shard->reads) == 0 &&
           queue_count(&shard->waits) == 0 && !shard_held_is_awaited(shard) && !is_awaited(shard);
}

struct shard_recovery *shard_forget(struct shard *shard, uint64_t *wal_sequence) {
    raft_index index;
    raft_term term;
    struct shard_recovery *left = shard_recovery_new(shard->number);
    raft_floor(shard->raft, &index, &term);
    shard_recovery_state(left, raft_current_term(shard->raft), raft_vote(shard->raft));
    shard_recovery_forget(left, index, term);
    *wal_sequence = wal_append_forget(shard->io.wal, shard->number, index, term);
    return left;
}

/* ---- looking in ---- */

uint32_t shard_number(const struct shard *shard) { return shard->number; }
const struct raft *shard_raft(const struct shard *shard) { return shard->raft; }
struct machine *shard_machine(const struct shard *shard) {
    return shard->machine;
}
raft_index shard_applied_index(const struct shard *shard) { return shard->applied_index; }
uint64_t shard_time_ms(const struct shard *shard) { return shard->time_ms; }
struct shard_place shard_answering(const struct shard *shard) {
    return shard->answering;
}
bool shard_is_leader(const struct shard *shard) { return raft_role(shard->raft) == RAFT_LEADER; }
raft_index shard_snapshot_index(const struct shard *shard) { return shard->snapshot_index; }
struct snapshot_shelf *shard_snapshot_shelf(struct shard *shard) {
    return shard->shelf;
}

uint64_t shard_state_hash(const struct shard *shard) {
    return shard->machine->ops->hash(shard->machine);
}

size_t shard_pending_count(const struct shard *shard) {
    return queue_count(&shard->waiters) + queue_count(&shard->reads) +
           queue_count(&shard->held_replies);
}
