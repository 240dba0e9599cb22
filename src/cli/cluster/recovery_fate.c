/* What becomes of each shard, by what is left of it. */
#include "cli/cluster/recovery.h"

const struct status *recovery_survivor(const struct recovery *recovery, uint32_t node) {
    for (unsigned i = 0; i < recovery->survivor_count; i++)
        if (recovery->survivors[i].self == node)
            return &recovery->survivors[i];
    return NULL;
}

const struct status_replica *recovery_replica(const struct recovery *recovery, uint32_t node,
                                              uint32_t shard) {
    const struct status *status = recovery_survivor(recovery, node);
    return status ? status_replica(status, shard) : NULL;
}

bool recovery_is_left(const struct recovery *recovery, uint32_t node) {
    return recovery_survivor(recovery, node) != NULL;
}

/* Once it is settled who votes, an old replica lacks what was agreed without it, its node removes
 * it, and the control shard lets it go on alone no more. */
static bool counts(const struct status_shard *shard, uint32_t node) {
    return !shard->is_settled || status_shard_wants(shard, node);
}

/* What one of those that are left has of the shard. NULL: nothing that counts. */
static const struct voters *replica_left(const struct recovery *recovery, unsigned survivor,
                                         const struct status_shard *shard) {
    return counts(shard, recovery->survivors[survivor].self)
               ? voters_of(&recovery->voters[survivor], shard->number)
               : NULL;
}

/* The replicas of one shard on the nodes that are left. */
struct shard_left {
    const struct recovery *recovery;
    const struct status_shard *shard;
};

/* A log that was away may count on a voter whose replica is gone since, or old. */
static bool is_replica_left(const void *context, uint32_t node) {
    const struct shard_left *left = context;
    for (unsigned i = 0; i < left->recovery->survivor_count; i++)
        if (left->recovery->survivors[i].self == node)
            return replica_left(left->recovery, i, left->shard) != NULL;
    return false;
}

bool recovery_has_old(const struct recovery *recovery, const struct status_shard *shard,
                      uint32_t *node) {
    for (unsigned i = 0; i < recovery->survivor_count; i++) {
        *node = recovery->survivors[i].self;
        if (voters_of(&recovery->voters[i], shard->number) && !counts(shard, *node))
            return true;
    }
    return false;
}

/* By the logs, not by the topology: while a change is under way they differ, and what is wanted may
 * be empty yet. The most advanced replica knows of every change that a majority of those left could
 * have had a part in (4.3). Without one: NULL. */
const struct voters *recovery_best(const struct recovery *recovery,
                                   const struct status_shard *shard, uint32_t *node) {
    const struct voters *best = NULL;
    for (unsigned i = 0; i < recovery->survivor_count; i++) {
        const struct voters *voters = replica_left(recovery, i, shard);
        if (voters && (!best || voters_is_ahead(voters, best))) {
            best = voters;
            *node = recovery->survivors[i].self;
        }
    }
    return best;
}

/* An earlier run got no further than this: the control shard's replica votes alone, and nobody was
 * given up yet. The rest is still to be done, and in its order, though nothing lacks a majority. */
static bool is_half_recovered(const struct recovery *recovery, const struct status_shard *shard,
                              const struct voters *voters) {
    bool is_wanted_lost = false;
    for (unsigned i = 0; i < shard->replica_count; i++)
        is_wanted_lost |= !recovery_is_left(recovery, shard->replicas[i]);
    return shard->number == 0 && is_wanted_lost && voters->last_term >= RAFT_RECOVERY_TERMS &&
           voters->members.voter_count == 1 && voters->members.old_voter_count == 0;
}

enum shard_fate recovery_fate(const struct recovery *recovery, const struct status_shard *shard,
                              uint32_t *best) {
    *best = 0;
    const struct voters *voters = recovery_best(recovery, shard, best);
    if (!voters || voters->members.voter_count == 0) /* only learners that know of nobody yet */
        return RECOVERY_HAS_NOTHING;
    const struct shard_left left = {.recovery = recovery, .shard = shard};
    bool goes_on = voters_have_majority(voters, is_replica_left, &left) &&
                   !is_half_recovered(recovery, shard, voters);
    return goes_on ? RECOVERY_GOES_ON : RECOVERY_BEGINS;
}

/* Of a shard that begins again. */
static bool is_coming(const struct recovery *recovery, const struct status_shard *shard,
                      uint32_t *node) {
    uint32_t ignored;
    const struct voters *best = recovery_best(recovery, shard, &ignored);
    for (unsigned i = 0; i < recovery->survivor_count; i++) {
        const struct voters *voters = replica_left(recovery, i, shard);
        *node = recovery->survivors[i].self;
        if (voters && voters_comes_ahead(voters, best))
            return true;
    }
    return false;
}

bool recovery_is_coming(const struct recovery *recovery, uint32_t *shard, uint32_t *node) {
    for (size_t i = 0; i < recovery->newest->shard_count; i++) {
        const struct status_shard *lost = &recovery->newest->shards[i];
        uint32_t ignored;
        *shard = lost->number;
        if (recovery_fate(recovery, lost, &ignored) != RECOVERY_GOES_ON &&
            is_coming(recovery, lost, node))
            return true;
    }
    return false;
}
