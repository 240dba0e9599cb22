#include "sim/check/checks.h"
#include "base/check.h"
#include "base/memory.h"
#include "shard/shard.h"
#include "sim/cluster/node.h"

/* Data is compared at some indexes only: what once differs goes on to differ. */
enum { CHECKS_STATE_STRIDE = 8 };

/* A replica that goes on without a majority is 2^20 terms ahead. Between, there are none. */
enum { CHECKS_AGE_TERMS_LOG2 = 20, CHECKS_TERMS_AN_AGE = 1 << 15 };

/* A thread that is stopped within a call tells the others of its lead no later. */
enum { CHECKS_LEAD_TOLD_US = 2000000 };

struct indexed { /* an array by index that grows */
    uint64_t *values;
    size_t count;
};

struct shard_checks {
    struct indexed leader_of_term;      /* node + 1 */
    struct indexed committed;           /* index -> fingerprint of the entry; 0: not seen */
    struct indexed state;               /* applied index -> hash of the data; 0: not seen */
    uint64_t newest_term, led_since_us; /* that has a leader, and since when */
    uint64_t committed_most;
    uint64_t lost_from, age; /* from there on only what is of this age is not lost */
    uint64_t committed_until[SIM_NODE_MAXIMUM]; /* looked at in this life */
    uint64_t applied_at[SIM_NODE_MAXIMUM];
};

struct checks {
    unsigned shard_count;
    struct shard_checks *shards;
};

struct checks *checks_new(unsigned shard_count) {
    struct checks *checks = memory_allocate(sizeof *checks);
    checks->shard_count = shard_count;
    checks->shards = memory_allocate_zeroed(shard_count, sizeof *checks->shards);
    return checks;
}

void checks_free(struct checks *checks) {
    for (unsigned i = 0; i < checks->shard_count; i++) {
        memory_free(checks->shards[i].leader_of_term.values);
        memory_free(checks->shards[i].committed.values);
        memory_free(checks->shards[i].state.values);
    }
    memory_free(checks->shards);
    memory_free(checks);
}

static uint64_t *indexed_at(struct indexed *indexed, uint64_t index) {
    if (index >= indexed->count) {
        size_t count = (size_t)index + 1 + (size_t)index / 2;
        indexed->values = memory_resize(indexed->values, count * sizeof *indexed->values);
        memset(indexed->values + indexed->count, 0,
               (count - indexed->count) * sizeof *indexed->values);
        indexed->count = count;
    }
    return &indexed->values[index];
}

static uint64_t *leader_of(struct shard_checks *checks, raft_term term) {
    uint64_t age = term >> CHECKS_AGE_TERMS_LOG2;
    uint64_t term_of_age = term & (((uint64_t)1 << CHECKS_AGE_TERMS_LOG2) - 1);
    CHECK(term_of_age < CHECKS_TERMS_AN_AGE);
    return indexed_at(&checks->leader_of_term, age * CHECKS_TERMS_AN_AGE + term_of_age);
}

static uint64_t fingerprint_of(const struct raft_entry *entry) {
    return bytes_hash(raft_entry_bytes(entry), 1) | 1;
}

static void check_leader(struct simulation *simulation, struct shard_checks *checks, unsigned node,
                         uint32_t number, const struct raft *raft) {
    if (raft_role(raft) != RAFT_LEADER)
        return;
    raft_term term = raft_current_term(raft);
    uint64_t *leader = leader_of(checks, term);
    if (*leader == 0) {
        *leader = node + 1;
        simulation->statistics.leader_changes++;
        trace_event(&simulation->trace, "leads", node, (uint64_t)number << 32 | term, BYTES_NONE);
    } else if (*leader != node + 1) {
        simulation_fail(simulation, "two leaders in term %llu of shard %u: nodes %llu and %u",
                        (unsigned long long)term, number, (unsigned long long)*leader, node + 1);
    }
    if (term > checks->newest_term) {
        checks->newest_term = term;
        checks->led_since_us = simulation->queue.now_us;
    }
}

/* A release of before level 1 refuses entries with trace ids, and would never go on. */
static void check_readable(struct simulation *simulation, unsigned node, uint32_t number,
                           const struct raft_entry *entry) {
    bool is_traced =
        entry->kind == RAFT_ENTRY_COMMANDS && payload_is_traced(raft_entry_payload(entry));
    if (is_traced && simulation->nodes[node]->level < 1)
        simulation_fail(simulation,
                        "shard %u: node %u holds an entry with a trace id at index %llu, which its "
                        "release cannot read",
                        number, node + 1, (unsigned long long)entry->index);
}

/* One of before level 2 refuses manifests that name parts of slots, also after a way back. */
static void check_snapshot(struct simulation *simulation, unsigned node, uint32_t number,
                           struct shard *shard) {
    const struct snapshot_manifest *newest = snapshot_shelf_newest(shard_snapshot_shelf(shard));
    if (newest && simulation->nodes[node]->level < 2 &&
        snapshot_manifest_version(newest) > SNAPSHOT_MANIFEST_VERSION_PIECES)
        simulation_fail(
            simulation,
            "shard %u: node %u has a snapshot at index %llu that its release cannot read", number,
            node + 1, (unsigned long long)newest->meta.index);
}

static void check_committed(struct simulation *simulation, struct shard_checks *checks,
                            unsigned node, uint32_t number, const struct raft *raft) {
    raft_index until = raft_commit_index(raft);
    raft_index first = raft_first_index(raft);
    raft_index from = checks->committed_until[node] + 1;
    for (raft_index index = from > first ? from : first; index <= until; index++) {
        const struct raft_entry *entry = raft_entry_at(raft, index);
        if (entry == NULL)
            continue;
        check_readable(simulation, node, number, entry);
        uint64_t fingerprint = fingerprint_of(entry);
        uint64_t *known = indexed_at(&checks->committed, index);
        if (*known == 0)
            *known = fingerprint;
        else if (*known != fingerprint)
            simulation_fail(simulation,
                            "shard %u: node %u holds another entry as committed at index %llu "
                            "(term %llu) than was committed before",
                            number, node + 1, (unsigned long long)index,
                            (unsigned long long)entry->term);
    }
    if (until > checks->committed_until[node])
        checks->committed_until[node] = until;
    if (until > checks->committed_most)
        checks->committed_most = until;
}

static void check_state(struct simulation *simulation, struct shard_checks *checks, unsigned node,
                        uint32_t number, struct shard *shard) {
    uint64_t applied = shard_applied_index(shard);
    if (applied % CHECKS_STATE_STRIDE != 0 || applied == checks->applied_at[node] ||
        !shard_is_settled(shard))
        return;
    checks->applied_at[node] = applied;
    uint64_t hash = shard_state_hash(shard) | 1;
    uint64_t *known = indexed_at(&checks->state, applied);
    if (*known == 0)
        *known = hash;
    else if (*known != hash)
        simulation_fail(
            simulation,
            "shard %u: node %u holds other data at applied index %llu than another replica did",
            number, node + 1, (unsigned long long)applied);
}

/* What replicas find themselves: nothing, as long as they are equal. */
static void check_compared(struct simulation *simulation, unsigned node, uint32_t number,
                           const struct shard *shard) {
    if (shard_difference_count(shard) > 0)
        simulation_fail(simulation,
                        "shard %u: node %u found at applied index %llu that it holds other data "
                        "than the leader",
                        number, node + 1, (unsigned long long)shard_applied_index(shard));
}

bool checks_is_of_lost_past(const struct simulation *simulation, uint32_t shard,
                            const struct raft *raft) {
    const struct shard_checks *checks = &simulation->checks->shards[shard];
    return raft_commit_index(raft) >= checks->lost_from &&
           raft_term_at(raft, raft_last_index(raft)) >> CHECKS_AGE_TERMS_LOG2 < checks->age;
}

static void check_data(struct simulation *simulation, unsigned node, uint32_t number,
                       struct shard *shard) {
    struct shard_checks *checks = &simulation->checks->shards[number];
    if (checks_is_of_lost_past(simulation, number, shard_raft(shard)))
        return;
    check_committed(simulation, checks, node, number, shard_raft(shard));
    check_state(simulation, checks, node, number, shard);
    check_compared(simulation, node, number, shard);
}

void checks_after_turn(struct simulation *simulation, struct sim_thread *thread) {
    struct checks *checks = simulation->checks;
    unsigned node = thread->node->index;
    if (thread->node->is_given_up)
        return; /* what it holds is of a past that counts no more */
    for (uint32_t number = thread->index; number < checks->shard_count;
         number += simulation->worker_count) {
        struct shard *shard = worker_shard(thread->worker, number);
        if (shard == NULL)
            continue;
        const struct raft *raft = shard_raft(shard);
        simulation->statistics.replicas_seen++;
        simulation->statistics.replicas_seen_quiet += raft_is_quiet(raft);
        check_leader(simulation, &checks->shards[number], node, number, raft);
        check_data(simulation, node, number, shard);
        check_snapshot(simulation, node, number, shard);
    }
}

void checks_node_died(struct simulation *simulation, unsigned node) {
    for (unsigned i = 0; i < simulation->checks->shard_count; i++) {
        simulation->checks->shards[i].committed_until[node] = 0;
        simulation->checks->shards[i].applied_at[node] = 0;
    }
}

unsigned checks_leader(const struct simulation *simulation, uint32_t shard) {
    struct shard_checks *checks = &simulation->checks->shards[shard];
    if (checks->newest_term == 0)
        return simulation->node_count;
    return (unsigned)*leader_of(checks, checks->newest_term) - 1;
}

const struct raft_configuration *checks_members(const struct simulation *simulation,
                                                uint32_t shard) {
    unsigned leader = checks_leader(simulation, shard);
    const struct shard *replica =
        leader < simulation->node_count ? sim_node_replica(simulation->nodes[leader], shard) : NULL;
    return replica && shard_is_leader(replica) ? raft_configuration(shard_raft(replica)) : NULL;
}

const struct raft_configuration *checks_change(const struct simulation *simulation,
                                               uint32_t shard) {
    const struct raft_configuration *members = checks_members(simulation, shard);
    return members && members->old_voter_count > 0 ? members : NULL;
}

/* Who steps down leads no more in that term. */
bool checks_has_led(const struct simulation *simulation, uint32_t shard, unsigned node,
                    uint64_t since_us) {
    const struct shard_checks *checks = &simulation->checks->shards[shard];
    const struct sim_node *leader = simulation->nodes[node];
    const struct shard *replica =
        sim_node_is_alive(leader) ? sim_node_replica(leader, shard) : NULL;
    return checks->led_since_us + CHECKS_LEAD_TOLD_US <= since_us && replica &&
           shard_is_leader(replica) &&
           raft_current_term(shard_raft(replica)) == checks->newest_term;
}

uint64_t checks_first_lost(const struct simulation *simulation, uint32_t shard,
                           const struct raft *raft) {
    struct shard_checks *checks = &simulation->checks->shards[shard];
    uint64_t index = raft_commit_index(raft) + 1;
    for (; index <= checks->committed_most; index++) {
        uint64_t known = *indexed_at(&checks->committed, index);
        const struct raft_entry *entry = raft_entry_at(raft, index);
        if (known && (entry == NULL || fingerprint_of(entry) != known))
            break;
    }
    return index;
}

static void indexed_forget(struct indexed *indexed, uint64_t from) {
    if (from < indexed->count)
        memset(indexed->values + from, 0, (indexed->count - from) * sizeof *indexed->values);
}

void checks_forget(struct simulation *simulation, uint32_t shard, uint64_t from, uint64_t term) {
    struct shard_checks *checks = &simulation->checks->shards[shard];
    checks->age = term >> CHECKS_AGE_TERMS_LOG2;
    if (checks->lost_from == 0 || from < checks->lost_from)
        checks->lost_from = from;
    indexed_forget(&checks->committed, from);
    indexed_forget(&checks->state, from);
    if (checks->committed_most >= from)
        checks->committed_most = from - 1;
    for (unsigned node = 0; node < SIM_NODE_MAXIMUM; node++)
        if (checks->committed_until[node] >= from)
            checks->committed_until[node] = from - 1;
}

uint64_t checks_state(const struct simulation *simulation, uint32_t shard, uint64_t index) {
    const struct indexed *state = &simulation->checks->shards[shard].state;
    return index < state->count ? state->values[index] : 0;
}

uint64_t checks_newest_term(const struct simulation *simulation, uint32_t shard) {
    return simulation->checks->shards[shard].newest_term;
}

uint64_t checks_committed(const struct simulation *simulation, uint32_t shard) {
    return simulation->checks->shards[shard].committed_most;
}
