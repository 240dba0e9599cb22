#include "shard/shard.h"

#include <stdio.h>

#include "base/memory.h"
#include "shard/give.h"
#include "shard/propose.h"
#include "shard/read.h"
#include "shard/receive.h"
#include "shard/recover.h"
#include "shard/send.h"
#include "shard/snapshot/incoming.h"
#include "shard/snapshot/outgoing.h"
#include "shard/snapshot/stand.h"
#include "shard/snapshot/take.h"
#include "shard/state/look.h"
#include "shard/state/time.h"
#include "shard/step/rewind.h"
#include "shard/timing.h"
#include "shard/waiting/hold.h"
#include "shard/waiting/proposed.h"
#include "shard/waiting/reads.h"
#include "shard/waiting/waits.h"

/* ---- life ---- */

/* Of this shard's own; what is counted for all shards here: terms/cells.h. */
static struct metric_cell *chunks_left_of(struct metrics *metrics, uint32_t shard) {
    char name[16];
    snprintf(name, sizeof name, "%u", (unsigned)shard);
    return metrics_cell(metrics, METRIC_snapshot_chunks_left, name);
}

static struct shard *shard_allocate(const struct shard_options *options) {
    struct shard *shard = memory_allocate_zeroed(1, sizeof *shard);
    shard->number = shard->answering.shard = options->number;
    shard->self = options->self;
    shard->machine = options->machine;
    shard->io = options->io;
    shard->chunks_left = chunks_left_of(options->io->metrics, options->number);
    random_init(&shard->random, options->seed);
    buffer_init(&shard->batch.commands, SIZE_MAX);
    buffer_init(&shard->scratch, SIZE_MAX);
    buffer_init(&shard->batch.traces, PAYLOAD_TRACES_BYTES_MAXIMUM);
    queue_init(&shard->tracing.traces, sizeof(struct shard_trace));
    queue_init(&shard->tracing.awaited, sizeof(struct shard_trace));
    queue_init(&shard->proposed.waiters, sizeof(struct shard_waiter));
    queue_init(&shard->proposed.entries, sizeof(struct pending_entry));
    queue_init(&shard->reads.pending, sizeof(struct pending_read));
    queue_init(&shard->saves.messages, sizeof(struct held_message));
    queue_init(&shard->saves.pending, sizeof(struct pending_save));
    shard->waits.deadline_us = UINT64_MAX;
    queue_init(&shard->waits.pending, sizeof(struct pending_wait));
    queue_init(&shard->early.ahead, sizeof(struct ahead_mark));
    queue_init(&shard->early.replies, sizeof(struct held_reply));
    buffer_init(&shard->early.reply_bytes, SIZE_MAX);
    shard->shelf = snapshot_shelf_new(options->io->disk, options->number);
    shard->compared_us = shard_now_us(shard);
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
    shard_watch_from_newest(shard);
    shard->machine->ops->watch(shard->machine, &shard->watch);
    *out = shard;
    shard_tick(shard);
    return 0;
}

void shard_free(struct shard *shard) {
    if (!shard)
        return;
    shard_end_rewind(shard);
    shard_release_incoming(shard);
    shard_release_own(shard);
    shard_release_outgoing(shard);
    snapshot_shelf_free(shard->shelf);
    while (queue_count(&shard->reads.pending)) {
        buffer_release(&((struct pending_read *)queue_front(&shard->reads.pending))->arguments);
        queue_pop(&shard->reads.pending);
    }
    queue_release(&shard->reads.pending);
    queue_release(&shard->proposed.waiters);
    queue_release(&shard->proposed.entries);
    queue_release(&shard->saves.messages);
    queue_release(&shard->saves.pending);
    queue_release(&shard->waits.pending);
    queue_release(&shard->early.ahead);
    queue_release(&shard->early.replies);
    buffer_release(&shard->early.reply_bytes);
    buffer_release(&shard->batch.commands);
    buffer_release(&shard->scratch);
    buffer_release(&shard->batch.traces);
    queue_release(&shard->tracing.traces);
    queue_release(&shard->tracing.awaited);
    moments_release(&shard->tracing.moments);
    payload_arguments_release(&shard->arguments);
    payload_arguments_release(&shard->applying);
    if (shard->raft)
        raft_free(shard->raft);
    shard->machine->ops->free(shard->machine);
    part_set_clear(&shard->watch.changed);
    memory_free(shard);
}

/* ---- time ---- */

/* Leaders propose the deletion of keys whose time has come, so that memory is given back though
 * nobody reads them. */
static void expire(struct shard *shard, uint64_t now) {
    if (now < shard->next_expiry_us)
        return;
    shard->next_expiry_us = now + (uint64_t)shard->io->config->expire_interval_ms * 1000;
    if (!shard_is_leader(shard) || shard->expiry_index > shard->applied_index ||
        wal_space(shard->io->wal) != WAL_SPACE_ENOUGH || !shard_may_expire(shard))
        return;
    struct buffer keys;
    buffer_init(&keys, SIZE_MAX);
    if (shard->machine->ops->collect_expired(shard->machine, shard_clock_ms(shard, now),
                                             SHARD_EXPIRE_BATCH_MAXIMUM, &keys))
        shard_expire_keys(shard, buffer_bytes(&keys));
    buffer_release(&keys);
}

void shard_tick(struct shard *shard) {
    uint64_t now = shard_now_us(shard);
    shard_touch(shard);
    if (now >= shard->raft_deadline_us) {
        if (shard->reluctance)
            shard_flush(shard); /* the lead may be given away, and nothing be taken then */
        struct raft_event event = {.kind = RAFT_TICK};
        shard_give(shard, &event);
    }
    expire(shard, now);
    shard_give_up_late(shard, now);
    shard_refuse_late_reads(shard, now);
    shard_run_reads(shard);
    shard_time_out_held(shard, now);
    shard_answer_waits(shard);
    shard_tick_rewind(shard, now);
    shard_tick_own(shard, now);
    shard_tick_outgoing(shard, now);
    shard_tick_incoming(shard, now);
    shard_maybe_snapshot(shard);
    shard_settle(shard);
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

uint64_t shard_deadline_us(const struct shard *shard) {
    uint64_t deadline = earlier(shard->raft_deadline_us, shard_own_deadline_us(shard));
    deadline = earlier(deadline, shard_outgoing_deadline_us(shard));
    deadline = earlier(deadline, shard_incoming_deadline_us(shard));
    deadline = earlier(deadline, shard_rewind_deadline_us(shard));
    bool is_watching = (shard_is_leader(shard) && shard_may_expire(shard)) ||
                       queue_count(&shard->proposed.entries) ||
                       queue_count(&shard->reads.pending) || queue_count(&shard->early.replies) ||
                       shard->incoming.stage != INCOMING_NONE;
    deadline = earlier(deadline, shard->waits.deadline_us);
    return is_watching ? earlier(deadline, shard->next_expiry_us) : deadline;
}

void shard_settings_changed(struct shard *shard) {
    struct raft_timing timing = shard_timing_of(shard);
    raft_set_timing(shard->raft, &timing);
    if (timing.quiet_after_us == 0 && raft_is_quiet(shard->raft))
        shard_wake(shard);
}

void shard_set_delays(struct shard *shard, uint64_t round_trip_us, uint64_t sync_us) {
    uint64_t before_us = shard_election_timeout_us(shard);
    shard->delay_us = round_trip_us + sync_us;
    if (shard_election_timeout_us(shard) != before_us)
        shard_settings_changed(shard);
}

/* ---- who votes ---- */

/* Each attempt writes to the log. */
static bool was_just_given_up(const struct shard *shard, uint64_t wish) {
    const struct shard_given_up *given_up = &shard->given_up;
    return given_up->learner && given_up->wish == wish &&
           shard_now_us(shard) < given_up->at_us + SHARD_CHANGE_PAUSE_US;
}

int shard_change(struct shard *shard, const raft_node_number *voters, size_t count, uint64_t wish) {
    if (was_just_given_up(shard, wish))
        return ERR_BUSY;
    struct raft_configuration wanted = {.wish = wish};
    for (size_t i = 0; i < count && i < RAFT_VOTER_MAXIMUM; i++)
        wanted.voters[wanted.voter_count++] = voters[i];
    struct raft_event event = {.kind = RAFT_CHANGE, .configuration = &wanted};
    return shard_give(shard, &event);
}

/* With what is loaded already: it is nearer to what was lost, and could not be taken in later. */
int shard_recover_alone(struct shard *shard, uint64_t wish) {
    if (shard->incoming.stage >= INCOMING_LOADING)
        return ERR_BUSY;
    struct raft_configuration alone = {.voter_count = 1, .voters = {shard->self}, .wish = wish};
    struct raft_event event = {.kind = RAFT_RECOVER, .configuration = &alone};
    return shard_give(shard, &event);
}

bool shard_has_voters(const struct shard *shard, const raft_node_number *voters, size_t count,
                      uint64_t wish) {
    const struct raft_configuration *members = raft_configuration(shard->raft);
    if (raft_is_changing(shard->raft) || members->learner_count > 0 ||
        members->voter_count != count || members->wish != wish)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!raft_configuration_has_voter(members, voters[i]))
            return false;
    return true;
}

struct shard_given_up shard_given_up(const struct shard *shard) {
    const struct raft_configuration *members = raft_configuration(shard->raft);
    bool is_over = !shard_is_leader(shard) || members->wish != shard->given_up.wish ||
                   raft_configuration_has_voter(members, shard->given_up.learner);
    return is_over ? (struct shard_given_up){0} : shard->given_up;
}

/* Entries that were proposed here stay pending until something is applied in their place, which a
 * replica that is out of the shard never hears of; their waiters were told by then. */
bool shard_is_idle(const struct shard *shard) {
    return shard->disk_jobs == 0 && shard->own.stage == OWN_NONE && !shard_is_rewinding(shard) &&
           shard->incoming.stage == INCOMING_NONE && queue_count(&shard->reads.pending) == 0 &&
           queue_count(&shard->waits.pending) == 0 && !shard_held_is_awaited(shard) &&
           shard->proposed.asked_count == 0;
}

struct shard_recovery *shard_forget(struct shard *shard, uint64_t *wal_sequence) {
    raft_index index;
    raft_term term;
    struct shard_recovery *left = shard_recovery_new(shard->number);
    raft_floor(shard->raft, &index, &term);
    shard_recovery_state(left, raft_current_term(shard->raft), raft_vote(shard->raft));
    shard_recovery_forget(left, index, term);
    *wal_sequence = wal_append_forget(shard->io->wal, shard->number, index, term);
    return left;
}
