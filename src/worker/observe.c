/* What a worker counts: commands by name, messages by kind, the WAL's rounds, and what it publishes
 * every tick. */
#include "worker/observe.h"

#include <stdio.h>

#include "shard/machine/keyspace_machine.h"
#include "worker/worker.h"

enum {
    OBSERVE_REPLIES_UNCLOCKED = 16,
    OBSERVE_LONG_REPLY_BYTES = 4096,
    OBSERVE_ERROR_KIND_BYTES = 24
};

static struct metric_cell *command_cell(struct worker *worker, struct metric_cell **cells,
                                        enum metric_id id, const struct command *command) {
    size_t position = (size_t)(command - command_at(0));
    if (!cells[position])
        cells[position] = metrics_cell(worker->metrics, id, command->name);
    return cells[position];
}

void observe_command(struct worker *worker, const struct command *command) {
    metric_add(command_cell(worker, worker->counting.commands, METRIC_commands_total, command), 1);
}

/* The clock is read once an event. Within one, what may have taken long has it read again: a read
 * that is not O(1), a long reply, and now and then whatever comes. */
static bool is_clock_wanted(struct worker *worker, const struct command *command,
                            size_t reply_bytes) {
    return ++worker->counting.replies_unclocked >= OBSERVE_REPLIES_UNCLOCKED ||
           reply_bytes >= OBSERVE_LONG_REPLY_BYTES ||
           !(command->flags & (COMMAND_FAST | COMMAND_WRITE));
}

void observe_latency(struct worker *worker, const struct command *command, uint64_t duration_us) {
    metric_observe(
        command_cell(worker, worker->counting.latencies, METRIC_command_latency_seconds, command),
        duration_us);
}

uint64_t observe_reply(struct worker *worker, const struct command *command, uint64_t begun_us,
                       size_t reply_bytes) {
    if (is_clock_wanted(worker, command, reply_bytes)) {
        worker->turn_us = worker_now_us(worker);
        worker->counting.replies_unclocked = 0;
    }
    uint64_t now_us = worker->turn_us;
    uint64_t duration_us = now_us > begun_us ? now_us - begun_us : 0;
    observe_latency(worker, command, duration_us);
    return duration_us;
}

void observe_command_error(struct worker *worker, const struct command *command, bool has_run) {
    metric_add(metrics_cell(worker->metrics, METRIC_command_errors_total, command->name), 1);
    if (!has_run) {
        enum metric_id id = METRIC_command_rejections_total;
        metric_add(metrics_cell(worker->metrics, id, command->name), 1);
    }
}

/* "-MOVED 12 ..." is one of the kind MOVED. The words are all the node's own, so there are few. */
void observe_error_reply(struct worker *worker, struct bytes reply) {
    char kind[OBSERVE_ERROR_KIND_BYTES];
    size_t length = 0;
    while (length + 1 < sizeof kind && length + 1 < reply.length &&
           strchr(" \r", reply.data[length + 1]) == NULL) {
        kind[length] = (char)reply.data[length + 1];
        length++;
    }
    kind[length] = '\0';
    statistic_add(&statistics_of(worker)->error_replies_total, 1);
    metric_add(metrics_cell(worker->metrics, METRIC_error_replies_total, kind), 1);
}

void observe_redirect(struct worker *worker, const char *kind) {
    metric_add(metrics_cell(worker->metrics, METRIC_redirects_total, kind), 1);
}

/* What alerts look at: to Prometheus a counter that is not there, and then is 1, has not grown. */
void observe_begin(struct worker *worker) {
    static const char *const causes[] = {"maxclients", "memory", "output-limit", "protocol",
                                         "query-buffer-limit"};
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        (void)metrics_cell(worker->metrics, METRIC_clients_refused_total, causes[i]);
    worker_count(worker, METRIC_scrub_damages_total, 0);
}

void observe_refused_client(struct worker *worker, const char *cause) {
    metric_add(metrics_cell(worker->metrics, METRIC_clients_refused_total, cause), 1);
}

static const char *const MESSAGE_NAMES[RAFT_MESSAGE_KIND_COUNT] = {
    [RAFT_PRE_VOTE] = "pre_vote",
    [RAFT_PRE_VOTE_REPLY] = "pre_vote_reply",
    [RAFT_VOTE] = "vote",
    [RAFT_VOTE_REPLY] = "vote_reply",
    [RAFT_APPEND] = "append",
    [RAFT_APPEND_REPLY] = "append_reply",
    [RAFT_READ_INDEX] = "read_index",
    [RAFT_READ_INDEX_REPLY] = "read_index_reply",
    [RAFT_TIMEOUT_NOW] = "timeout_now",
};

void observe_raft_message(struct worker *worker, enum raft_message_kind kind, bool is_sent) {
    struct metric_cell **cells = is_sent ? worker->counting.sent : worker->counting.received;
    if (!cells[kind]) {
        enum metric_id id =
            is_sent ? METRIC_raft_messages_sent_total : METRIC_raft_messages_received_total;
        cells[kind] = metrics_cell(worker->metrics, id, MESSAGE_NAMES[kind]);
    }
    metric_add(cells[kind], 1);
}

void observe_packed(struct worker *worker, size_t entry_bytes, size_t packed_bytes) {
    enum metric_id id = METRIC_append_packed_bytes_total;
    metric_add(metrics_cell(worker->metrics, id, "before"), entry_bytes);
    metric_add(metrics_cell(worker->metrics, id, "after"), packed_bytes);
}

/* Only a disk that keeps both apart tells them. */
static void observe_durable_times(struct worker *worker) {
    uint64_t write_us = 0, sync_us = 0;
    if (worker->io.disk->ops->durable_times) {
        worker->io.disk->ops->durable_times(worker->io.disk, &write_us, &sync_us);
        metric_observe(metrics_cell(worker->metrics, METRIC_wal_write_seconds, NULL), write_us);
        metric_observe(metrics_cell(worker->metrics, METRIC_wal_sync_seconds, NULL), sync_us);
    }
}

/* The turn has handed its replies to the sockets. */
void observe_output(struct worker *worker) {
    uint64_t now_us = worker_now_us(worker);
    metric_observe(metrics_cell(worker->metrics, METRIC_reply_seconds, NULL),
                   now_us > worker->turn_us ? now_us - worker->turn_us : 0);
}

void observe_wal_round(struct worker *worker) {
    struct wal_statistics statistics;
    wal_statistics(worker->wal, &statistics);
    metric_observe(metrics_cell(worker->metrics, METRIC_wal_round_seconds, NULL),
                   statistics.last_round_us);
    observe_durable_times(worker);
    worker_count(worker, METRIC_wal_bytes_total,
                 statistics.bytes_written - worker->counting.wal_bytes);
    worker->counting.wal_bytes = statistics.bytes_written;
    metric_set(metrics_cell(worker->metrics, METRIC_wal_segments, NULL),
               (int64_t)statistics.segments);
}

void observe_crowd_return(struct worker *worker, bool is_complete) {
    const char *outcome = is_complete ? "complete" : "late";
    metric_add(metrics_cell(worker->metrics, METRIC_crowd_returns_total, outcome), 1);
}

void observe_rendezvous(struct worker *worker, bool is_complete) {
    const char *outcome = is_complete ? "complete" : "late";
    metric_add(metrics_cell(worker->metrics, METRIC_wal_gathers_total, outcome), 1);
}

void observe_unfreed(struct worker *worker, uint64_t bytes) {
    metric_set(metrics_cell(worker->metrics, METRIC_unfreed_bytes, NULL), (int64_t)bytes);
}

void observe_held(struct worker *worker, size_t bytes) {
    metric_set(metrics_cell(worker->metrics, METRIC_clients_held_bytes, NULL), (int64_t)bytes);
}

void observe_shard(struct worker *worker, const struct shard *shard) {
    char label[16];
    snprintf(label, sizeof label, "%u", shard_number(shard));
    metric_set(metrics_cell(worker->metrics, METRIC_applied_index, label),
               (int64_t)shard_applied_index(shard));
    if (shard_number(shard) != 0)
        metric_set(metrics_cell(worker->metrics, METRIC_keys, label),
                   (int64_t)keyspace_machine_key_count(shard_machine(shard)));
}

void observe_removal(struct worker *worker, uint32_t shard) {
    char label[16];
    snprintf(label, sizeof label, "%u", shard);
    metric_unset(metrics_cell(worker->metrics, METRIC_applied_index, label));
    if (shard != 0)
        metric_unset(metrics_cell(worker->metrics, METRIC_keys, label));
}

static void publish_disk(struct worker *worker) {
    char label[16];
    snprintf(label, sizeof label, "%u", worker->index);
    metric_set(metrics_cell(worker->metrics, METRIC_disk_score_seconds, label),
               (int64_t)wal_sync_us(worker->wal));
    metric_set(metrics_cell(worker->metrics, METRIC_disk_is_slow, label), wal_is_slow(worker->wal));
    metric_set(metrics_cell(worker->metrics, METRIC_disk_is_full, label),
               wal_space(worker->wal) != WAL_SPACE_ENOUGH);
    int wanting = wal_wanting(worker->wal);
    metric_set(metrics_cell(worker->metrics, METRIC_log_waits_for_files, label),
               wanting && wanting != ERR_NO_SPACE);
}

void observe_pair(struct worker *worker, bool is_equal) {
    metric_add(
        metrics_cell(worker->metrics, METRIC_pair_heartbeats_total, is_equal ? "equal" : "unequal"),
        1);
}

void observe_tick(struct worker *worker, const struct shard_share *sum) {
    publish_disk(worker);
    metric_set(metrics_cell(worker->metrics, METRIC_replicas_in_repair, NULL),
               (int64_t)sum->repairing);
    metric_set(metrics_cell(worker->metrics, METRIC_proposal_queue_commands, NULL),
               (int64_t)sum->pending);
    metric_set(metrics_cell(worker->metrics, METRIC_uncommitted_bytes, NULL),
               (int64_t)sum->uncommitted_bytes);
    metric_set(metrics_cell(worker->metrics, METRIC_shards_led, NULL), (int64_t)sum->led);
    metric_set(metrics_cell(worker->metrics, METRIC_shards_without_leader, NULL),
               (int64_t)sum->leaderless);
    metric_set(metrics_cell(worker->metrics, METRIC_shards_quiet, NULL), (int64_t)sum->quiet);
    metric_set(metrics_cell(worker->metrics, METRIC_shards_hosted, NULL),
               (int64_t)worker->hosted_count);
    metric_set(metrics_cell(worker->metrics, METRIC_clients_connected, NULL),
               (int64_t)worker->session_count);
}
