/* A recovery of shards without a majority (cluster_recover.c), and who is left for it. */
#pragma once
#include "cli/cluster/cluster_change.h"
#include "cli/cluster/voters.h"

enum { RECOVERY_SURVIVOR_MAXIMUM = 64 };

struct recovery {
    struct change change;
    bool is_dry, is_confirmed;
    struct status survivors[RECOVERY_SURVIVOR_MAXIMUM];
    struct voters_list voters[RECOVERY_SURVIVOR_MAXIMUM]; /* by each of them */
    unsigned survivor_count;
    const struct status *newest; /* whose topology counts */
    struct buffer topology;      /* that one, encoded */
    unsigned level;              /* of features, by that */
    struct buffer lost;          /* "2,3" */
    struct buffer choices;       /* "0=1,1=1": who makes each shard go on */
    bool is_control_lost, is_any_lost;
};

/* Each asks all nodes concerned at once, and returns an exit code: EXIT_OK, or what
 * change_fail() said. `texts` is "H:P,H:P..." and is taken apart. The first fills the survivors and
 * what they say, to be released in any case, and `newest`; the second `lost`, if nobody answers
 * there. */
int recovery_ask_survivors(struct recovery *recovery, char *texts);
int recovery_list_lost(struct recovery *recovery);
/* What the node says, if it is one of those that are left; or NULL. */
const struct status *recovery_survivor(const struct recovery *recovery, uint32_t node);
