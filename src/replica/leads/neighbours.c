#include "replica/leads/neighbours.h"

#include <stdio.h>

#include "base/memory.h"
#include "replica/leads/standing.h"
#include "replica/state/state.h"
#include "worker/worker.h"

#define LOOK_INTERVAL_US    ((uint64_t)1000 * 1000)
#define CONTACT_INTERVAL_US ((uint64_t)250 * 1000) /* more often than a probe takes to fail */
enum { ROUND_TRIP_SHARE = 4 }; /* of a new time in the smoothed one, as a divisor */

static struct neighbour *neighbour_find(const struct neighbours *neighbours,
                                        raft_node_number number) {
    for (size_t i = 0; i < neighbours->count; i++)
        if (neighbours->all[i].number == number)
            return &neighbours->all[i];
    return NULL;
}

static struct neighbour *neighbour_find_or_add(struct neighbours *neighbours,
                                               raft_node_number number) {
    struct neighbour *known = neighbour_find(neighbours, number);
    if (known)
        return known;
    if (neighbours->count == neighbours->capacity) {
        neighbours->capacity = neighbours->capacity ? neighbours->capacity * 2 : 8;
        neighbours->all =
            memory_resize(neighbours->all, neighbours->capacity * sizeof *neighbours->all);
    }
    struct neighbour *added = &neighbours->all[neighbours->count++];
    *added = (struct neighbour){.number = number};
    return added;
}

void neighbours_release(struct neighbours *neighbours) {
    memory_free(neighbours->all);
    *neighbours = (struct neighbours){0};
}

static void tell_suspicion(struct worker *worker, raft_node_number node) {
    for (unsigned i = 0; i < worker->hosted_count; i++)
        shard_peer_suspected(worker->shards[worker->hosted[i]], node);
}

void neighbours_contact(struct worker *worker, raft_node_number number) {
    const struct topology_node *node = topology_node(worker->topology, number);
    struct neighbour *neighbour = neighbour_find(&worker->hosting->neighbours, number);
    uint64_t now = worker_now_us(worker);
    if (!node || !neighbour || now - neighbour->contact_us < CONTACT_INTERVAL_US)
        return;
    neighbour->contact_us = now;
    struct mail *mail = mail_new(MAIL_GOSSIP_CONTACT, worker->index);
    buffer_append(&mail->bytes, node->uuid, sizeof node->uuid);
    worker_post(worker, MAIL_TO_GOSSIPER, mail);
}

static void hear_of(struct worker *worker, struct neighbour *neighbour,
                    const struct member_view_entry *member) {
    uint64_t before_us = neighbour->round_trip_us, measured_us = member->round_trip_us;
    if (measured_us) {
        neighbour->round_trip_us =
            before_us ? before_us - before_us / ROUND_TRIP_SHARE + measured_us / ROUND_TRIP_SHARE
                      : measured_us;
    }
    bool was_suspected = neighbour->is_suspected;
    neighbour->is_suspected = member->state != GOSSIP_ALIVE && member->state != GOSSIP_JOINING;
    if (neighbour->is_suspected && !was_suspected)
        tell_suspicion(worker, neighbour->number);
    standing_hear(worker, neighbour, neighbour->number, member->standing);
}

void neighbours_hear(struct worker *worker) {
    for (size_t i = 0; worker->topology && i < worker->members.count; i++) {
        const struct member_view_entry *member = &worker->members.members[i];
        const struct topology_node *node = topology_node_by_uuid(worker->topology, member->uuid);
        if (node && node->number != worker->self) {
            hear_of(worker, neighbour_find_or_add(&worker->hosting->neighbours, node->number),
                    member);
        }
    }
}

/* How long the nearest of the other voters take that make a majority with this node. */
static uint64_t majority_us(const struct worker *worker,
                            const struct raft_configuration *configuration) {
    uint64_t nearest_us[RAFT_VOTER_MAXIMUM];
    unsigned count = 0;
    for (unsigned i = 0; i < configuration->voter_count; i++) {
        const struct neighbour *other =
            neighbour_find(&worker->hosting->neighbours, configuration->voters[i]);
        if (!other || !other->round_trip_us)
            continue;
        unsigned at = count++;
        for (; at > 0 && nearest_us[at - 1] > other->round_trip_us; at--)
            nearest_us[at] = nearest_us[at - 1];
        nearest_us[at] = other->round_trip_us;
    }
    unsigned needed = configuration->voter_count / 2;
    return needed && needed <= count ? nearest_us[needed - 1] : 0;
}

static void add_lag(struct worker *worker, const struct raft *raft, raft_node_number number) {
    struct neighbour *neighbour = neighbour_find(&worker->hosting->neighbours, number);
    if (neighbour) {
        neighbour->lag_entries += raft_lag_entries(raft, number);
        neighbour->lag_bytes += raft_lag_bytes(raft, number);
    }
}

static void add_lags(struct worker *worker, const struct raft *raft) {
    const struct raft_configuration *members = raft_configuration(raft);
    for (unsigned i = 0; i < members->voter_count; i++)
        add_lag(worker, raft, members->voters[i]);
    for (unsigned i = 0; i < members->learner_count; i++)
        add_lag(worker, raft, members->learners[i]);
}

static void publish_lag(struct worker *worker, struct neighbour *neighbour) {
    if (!neighbour->lag_entries_cell) {
        char label[16];
        snprintf(label, sizeof label, "%u", neighbour->number);
        neighbour->lag_entries_cell =
            metrics_cell(worker->metrics, METRIC_replication_lag_entries, label);
        neighbour->lag_bytes_cell =
            metrics_cell(worker->metrics, METRIC_replication_lag_bytes, label);
    }
    metric_set(neighbour->lag_entries_cell, (int64_t)neighbour->lag_entries);
    metric_set(neighbour->lag_bytes_cell, (int64_t)neighbour->lag_bytes);
    neighbour->lag_entries = neighbour->lag_bytes = 0;
}

static void look_at_lags(struct worker *worker) {
    for (unsigned i = 0; i < worker->hosted_count; i++) {
        const struct shard *shard = worker->shards[worker->hosted[i]];
        if (shard_is_leader(shard))
            add_lags(worker, shard_raft(shard));
    }
    for (size_t i = 0; i < worker->hosting->neighbours.count; i++)
        publish_lag(worker, &worker->hosting->neighbours.all[i]);
}

static void tell_delays(struct worker *worker) {
    uint64_t longest_us = 0;
    for (unsigned i = 0; i < worker->hosted_count; i++) {
        struct shard *shard = worker->shards[worker->hosted[i]];
        shard_set_delays(shard, majority_us(worker, raft_configuration(shard_raft(shard))),
                         wal_sync_us(worker->wal));
        uint64_t timeout_us = shard_election_timeout_us(shard);
        longest_us = timeout_us > longest_us ? timeout_us : longest_us;
    }
    worker->hosting->election_timeout_us = longest_us;
    char label[16];
    snprintf(label, sizeof label, "%u", worker->index);
    metric_set(metrics_cell(worker->metrics, METRIC_election_timeout_seconds, label),
               (int64_t)longest_us);
}

void neighbours_tick(struct worker *worker) {
    uint64_t now = worker_now_us(worker);
    if (now < worker->hosting->next_look_us)
        return;
    worker->hosting->next_look_us = now + LOOK_INTERVAL_US;
    tell_delays(worker);
    look_at_lags(worker);
}
