/* What becomes of each shard, by what is left of it. */
#include <stdio.h>

#include "cli/cluster/recovery.h"

const struct status_replica *recovery_replica(const struct recovery *recovery, uint32_t node,
                                              uint32_t shard) {
    const struct status *status = recovery_survivor(recovery, node);
    return status ? status_replica(status, shard) : NULL;
}

bool recovery_is_left(const struct recovery *recovery, uint32_t node) {
    return recovery_survivor(recovery, node) != NULL;
}

/* The replicas of one shard on the nodes that are left. */
struct shard_left {
    const struct recovery *recovery;
    uint32_t shard;
};

/* A log that was away may count on a voter whose replica is gone since. */
static bool is_replica_left(const void *context, uint32_t node) {
    const struct shard_left *left = context;
    for (unsigned i = 0; i < left->recovery->survivor_count; i++)
        if (left->recovery->survivors[i].self == node)
            return voters_of(&left->recovery->voters[i], left->shard) != NULL;
    return false;
}

/* By the logs, not by the topology: while a change is under way they differ, and what is wanted may
 * be empty yet. The most advanced replica knows of every change that a majority of those left could
 * have had a part in (4.3). Without one: NULL. */
const struct voters *recovery_best(const struct recovery *recovery, uint32_t shard,
                                   uint32_t *node) {
    const struct voters *best = NULL;
    for (unsigned i = 0; i < recovery->survivor_count; i++) {
        const struct voters *voters = voters_of(&recovery->voters[i], shard);
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
    const struct voters *voters = recovery_best(recovery, shard->number, best);
    if (!voters || voters->members.voter_count == 0) /* only learners that know of nobody yet */
        return RECOVERY_HAS_NOTHING;
    const struct shard_left left = {.recovery = recovery, .shard = shard->number};
    bool goes_on = voters_have_majority(voters, is_replica_left, &left) &&
                   !is_half_recovered(recovery, shard, voters);
    return goes_on ? RECOVERY_GOES_ON : RECOVERY_BEGINS;
}

int recovery_judge(struct recovery *recovery) {
    for (size_t i = 0; i < recovery->newest->shard_count; i++) {
        const struct status_shard *shard = &recovery->newest->shards[i];
        uint32_t best;
        char why[CLIENT_PROBLEM_BYTES];
        switch (recovery_fate(recovery, shard, &best)) {
        case RECOVERY_GOES_ON:
            break;
        case RECOVERY_BEGINS:
            recovery->is_any_lost = true;
            recovery->is_control_lost |= shard->number == 0;
            buffer_append_format(&recovery->choices, "%s%u=%u", recovery->choices.length ? "," : "",
                                 shard->number, best);
            break;
        case RECOVERY_HAS_NOTHING:
            snprintf(why, sizeof why,
                     "no replica of shard %u is left on the nodes named; name one that has it, or "
                     "restore the cluster from a backup",
                     shard->number);
            return change_fail(&recovery->change, "nothing was changed:", why);
        }
    }
    if (!recovery->is_any_lost) {
        return change_fail(&recovery->change, "nothing was changed:",
                           "every shard has a majority on the nodes named; `trothdb cluster "
                           "replace` or `remove` takes the lost ones out, and loses nothing");
    }
    return EXIT_OK;
}
