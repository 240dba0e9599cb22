/* What other threads see of a worker and its shards, and what the metrics say of them: published
 * every 100 ms, for the shards that something happened to since. Sums follow by what changed. */
#include "replica/shards/publish.h"

#include "keyspace/record/remains.h"
#include "replica/shards/freeing.h"
#include "replica/shards/scrub.h"
#include "replica/state/state.h"
#include "shard/machine/keyspace_machine.h"
#include "worker/memory_limit.h"
#include "worker/observe.h"
#include "worker/statistics.h"
#include "worker/worker.h"

void publish_stale(struct worker *worker, uint32_t shard) {
    struct shard_shares *shares = &worker->hosting->shares;
    if (!shares->is_stale[shard]) {
        shares->is_stale[shard] = true;
        shares->stale[shares->stale_count++] = shard;
    }
}

static void publish_shard(struct worker *worker, const struct shard *shard) {
    const struct raft *raft = shard_raft(shard);
    struct shard_statistics *out = &worker->shared->shards[shard_number(shard)];
    const struct shard_given_up given_up = shard_given_up(shard);
#define PUBLISH(field, value) atomic_store_explicit(&out->field, (value), memory_order_relaxed)
    PUBLISH(is_hosted, 1);
    PUBLISH(role, (uint64_t)raft_role(raft));
    PUBLISH(term, raft_current_term(raft));
    PUBLISH(leader, raft_leader(raft));
    PUBLISH(applied_index, shard_applied_index(shard));
    PUBLISH(commit_index, raft_commit_index(raft));
    PUBLISH(last_index, raft_last_index(raft));
    PUBLISH(last_term, raft_term_at(raft, raft_last_index(raft)));
    PUBLISH(time_ms, shard_time_ms(shard));
    PUBLISH(snapshot_index, shard_snapshot_index(shard));
    PUBLISH(learner_round, raft_catch_up_round(raft));
    PUBLISH(learner_index, raft_catch_up_index(raft));
    PUBLISH(given_up_node, given_up.learner);
    PUBLISH(give_up_cause, (uint64_t)given_up.cause);
    PUBLISH(is_joint, raft_configuration(raft)->old_voter_count > 0);
#undef PUBLISH
    observe_shard(worker, shard);
}

static struct shard_share share_of(const struct shard *shard) {
    struct shard_share share = {.led = shard_is_leader(shard),
                                .leaderless = raft_leader(shard_raft(shard)) == 0,
                                .quiet = raft_is_quiet(shard_raft(shard)),
                                .repairing = raft_is_below_floor(shard_raft(shard)),
                                .pending = shard_pending_count(shard)};
    if (share.led)
        share.uncommitted_bytes = raft_uncommitted_bytes(shard_raft(shard));
    if (shard_number(shard) != 0) {
        const struct keyspace *keyspace = keyspace_machine_keyspace(shard_machine(shard));
        share.keys = keyspace_key_count(keyspace);
        share.expiring = keyspace_expiring_count(keyspace);
        share.bytes = keyspace_memory_bytes(keyspace);
    }
    return share;
}

static void share_replace(struct worker *worker, uint32_t shard, struct shard_share now) {
    struct shard_share *before = &worker->hosting->shares.by_shard[shard],
                       *sum = &worker->hosting->shares.sum;
    sum->keys += now.keys - before->keys;
    sum->expiring += now.expiring - before->expiring;
    sum->bytes += now.bytes - before->bytes;
    sum->led += now.led - before->led;
    sum->leaderless += now.leaderless - before->leaderless;
    sum->quiet += now.quiet - before->quiet;
    sum->repairing += now.repairing - before->repairing;
    sum->pending += now.pending - before->pending;
    sum->uncommitted_bytes += now.uncommitted_bytes - before->uncommitted_bytes;
    *before = now;
}

void publish_removal(struct worker *worker, uint32_t shard) {
    struct shard_statistics *told = &worker->shared->shards[shard];
    atomic_store_explicit(&told->is_hosted, 0, memory_order_relaxed);
    atomic_store_explicit(&told->settled_epoch, 0, memory_order_relaxed);
    share_replace(worker, shard, (struct shard_share){0});
    observe_removal(worker, shard);
}

static void publish_stale_shards(struct worker *worker) {
    struct shard_shares *shares = &worker->hosting->shares;
    for (unsigned i = 0; i < shares->stale_count; i++) {
        uint32_t number = shares->stale[i];
        shares->is_stale[number] = false;
        if (worker->shards[number]) {
            share_replace(worker, number, share_of(worker->shards[number]));
            publish_shard(worker, worker->shards[number]);
        }
    }
    shares->stale_count = 0;
}

#define PUBLISH(field, value)                                                                      \
    atomic_store_explicit(&statistics->field, (value), memory_order_relaxed)

/* What commands met since the last time. */
static void publish_use(struct worker *worker, struct worker_statistics *statistics) {
    const struct command_use *now = &worker->hosting->use, *told = &worker->hosting->use_told;
    uint64_t hits = now->hits - told->hits, misses = now->misses - told->misses;
    uint64_t expired = now->expired - told->expired;
    statistic_add(&statistics->keyspace_hits, hits);
    statistic_add(&statistics->keyspace_misses, misses);
    statistic_add(&statistics->expired_keys, expired);
    worker_count(worker, METRIC_keyspace_hits_total, hits);
    worker_count(worker, METRIC_keyspace_misses_total, misses);
    worker_count(worker, METRIC_expired_keys_total, expired);
    worker->hosting->use_told = *now;
}

static void publish_rates(struct worker *worker, struct worker_statistics *statistics) {
    struct rates_sample sample = {.at_us = worker_now_us(worker),
                                  .commands = statistic_of(&statistics->commands_total),
                                  .input_bytes = statistic_of(&statistics->input_bytes_total),
                                  .output_bytes = statistic_of(&statistics->output_bytes_total)};
    rates_add(&worker->hosting->rates, &sample);
    struct rates_sample rate = rates_per_second(&worker->hosting->rates);
    PUBLISH(commands_per_second, rate.commands);
    PUBLISH(input_bytes_per_second, rate.input_bytes);
    PUBLISH(output_bytes_per_second, rate.output_bytes);
}

void publish_statistics(struct worker *worker) {
    struct worker_statistics *statistics = statistics_of(worker);
    const struct shard_share *sum = &worker->hosting->shares.sum;
    publish_stale_shards(worker);
    PUBLISH(clients, worker->session_count);
    PUBLISH(keys, sum->keys);
    PUBLISH(expiring_keys, sum->expiring);
    PUBLISH(memory_bytes, sum->bytes);
    PUBLISH(unfreed_keys, remains_key_count(freeing_remains(worker->hosting->freeing)));
    PUBLISH(unfreed_bytes, remains_bytes(freeing_remains(worker->hosting->freeing)));
    PUBLISH(shards_hosted, worker->hosted_count);
    PUBLISH(shards_led, sum->led);
    PUBLISH(shards_without_leader, sum->leaderless);
    PUBLISH(replicas_in_repair, sum->repairing);
    PUBLISH(scrub_damages, scrub_damage_count(worker->hosting->scrub));
    PUBLISH(is_serving, worker->topology != NULL);
    PUBLISH(is_disk_full, wal_space(worker->wal) != WAL_SPACE_ENOUGH);
    PUBLISH(log_wanting, (uint64_t)-wal_wanting(worker->wal));
    PUBLISH(is_removed_spare, worker->hosting->is_removed_spare);
    PUBLISH(is_cluster_refused, worker->is_cluster_refused);
    publish_use(worker, statistics);
    publish_rates(worker, statistics);
    observe_unfreed(worker, remains_bytes(freeing_remains(worker->hosting->freeing)));
    observe_tick(worker, sum);
    memory_limit_published(worker);
}
#undef PUBLISH
