#include "base/check.h"
#include "base/memory.h"
#include "shard/internal.h"

/* A snapshot of this replica, taken to let its log go. The order is always: file durable -> its
 * mark in the WAL durable -> the log before it released (etcd #10219). */

static uint64_t now_us(const struct shard *shard) {
    return shard->io.clock->monotonic_us(shard->io.clock);
}

static void append_chunk(void *context, struct bytes chunk) { buffer_append_bytes(context, chunk); }

static struct snapshot_meta describe(struct shard *shard) {
    struct snapshot_meta meta = {.shard = shard->number,
                                 .index = shard->applied_index,
                                 .term = shard->applied_term,
                                 .stamp_ms = shard->time_ms};
    struct buffer configuration;
    buffer_init(&configuration, SNAPSHOT_CONFIGURATION_MAXIMUM);
    raft_configuration_encode(raft_configuration_at(shard->raft, shard->applied_index),
                              &configuration);
    CHECK(!configuration.is_overflowed);
    memcpy(meta.configuration, buffer_data(&configuration), configuration.length);
    meta.configuration_bytes = (uint32_t)configuration.length;
    buffer_release(&configuration);
    return meta;
}

static void own_saved(void *context, int status) {
    struct shard *shard = context;
    shard_touch(shard);
    shard->disk_jobs--;
    if (status) {
        log_line(shard->io.log, LOG_ERROR, "snapshot not written", LOG_F("shard", shard->number),
                 LOG_T("error", error_text(status)));
        shard->own.stage = OWN_NONE;
        shard->next_take_us = now_us(shard) + SHARD_SNAPSHOT_PAUSE_US;
        return;
    }
    shard->own.stage = OWN_MARKING;
    shard->own.mark_sequence =
        wal_append_snapshot(shard->io.wal, shard->number, shard->own.index, shard->own.term);
}

static void take(struct shard *shard) {
    struct snapshot_meta meta = describe(shard);
    struct buffer raw;
    buffer_init(&raw, SHARD_SNAPSHOT_IMAGE_MAXIMUM);
    shard->machine->ops->save(shard->machine, append_chunk, &raw);
    shard->own = (struct own_snapshot){.stage = OWN_SAVING,
                                       .begun_us = now_us(shard),
                                       .index = shard->applied_index,
                                       .term = shard->applied_term,
                                       .log_bytes = shard->applied_bytes};
    metric_add(shard->cells.snapshot_bytes, raw.length);
    log_line(shard->io.log, LOG_INFO, "snapshot begun", LOG_F("shard", shard->number),
             LOG_F("index", shard->own.index), LOG_F("bytes", raw.length));
    shard->disk_jobs++;
    snapshot_make(shard->io.disk, &meta, &raw, own_saved, shard);
}

/* One at a time, not while another state is on its way here, and not again at once after the disk
 * refused one. Transfers to others hold nothing up: what they send is in memory. */
static bool may_take(const struct shard *shard) {
    return shard->own.stage == OWN_NONE && shard->incoming.stage == INCOMING_NONE &&
           now_us(shard) >= shard->next_take_us;
}

/* Of what is committed only: a leader that runs ahead stops until the disks have caught up. */
static void take_settled(struct shard *shard, bool is_wanted) {
    bool is_due = is_wanted && may_take(shard);
    shard->is_settling = is_due && !shard_is_settled(shard);
    if (is_due && !shard->is_settling) {
        take(shard);
    }
}

void shard_take_snapshot(struct shard *shard) {
    take_settled(shard, shard->applied_index > shard->snapshot_index);
}

void shard_replace_snapshot(struct shard *shard) { take_settled(shard, true); }

void shard_maybe_snapshot(struct shard *shard) {
    const struct config *config = shard->io.config;
    uint64_t entries = shard->applied_index - shard->snapshot_index;
    if (entries >= (uint64_t)config->snapshot_log_entries ||
        shard->applied_bytes >= (uint64_t)config->snapshot_log_bytes) {
        shard_take_snapshot(shard);
    }
}

void shard_own_snapshot_durable(struct shard *shard, uint64_t wal_sequence) {
    if (shard->own.stage != OWN_MARKING || shard->own.mark_sequence > wal_sequence) {
        return;
    }
    shard->own.stage = OWN_NONE;
    shard->snapshot_index = shard->own.index;
    shard->applied_bytes -= shard->own.log_bytes;
    metric_add(shard->cells.snapshots_taken, 1);
    metric_observe(shard->cells.snapshot_time, now_us(shard) - shard->own.begun_us);
    log_line(shard->io.log, LOG_INFO, "snapshot taken", LOG_F("shard", shard->number),
             LOG_F("index", shard->own.index), LOG_F("term", shard->own.term));
    wal_release(shard->io.wal, shard->number, shard->own.index);
    snapshot_remove_older(shard->io.disk, shard->number, shard->own.index);
    struct raft_event event = {
        .kind = RAFT_COMPACT, .snapshot_index = shard->own.index, .snapshot_term = shard->own.term};
    shard_step(shard, &event);
}
