/* A recovery of shards without a majority (recover.c): who is left for it
 * (recovery_left.c), what becomes of each shard (recovery_fate.c), what follows from that
 * (recovery_judge.c), and how it is told (recovery_plan.c). */
#pragma once
#include "cli/cluster/order.h"
#include "cli/cluster/voters.h"

enum { RECOVERY_SURVIVOR_MAXIMUM = 64 };

struct recovery {
    struct order *order;
    bool is_dry, is_confirmed;
    struct net_address addresses[RECOVERY_SURVIVOR_MAXIMUM]; /* of those that are left */
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

/* All return an exit code: EXIT_OK, or what order_fail() said. `texts` is "H:P,H:P..." and is
 * taken apart. The others ask all nodes concerned at once: the second fills the survivors and what
 * they say, and `newest`, to be released in any case, and may be called again; the third fills
 * `lost`, if nobody answers there. */
int recovery_name_survivors(struct recovery *recovery, char *texts);
int recovery_ask_survivors(struct recovery *recovery);
int recovery_list_lost(struct recovery *recovery);
void recovery_release_survivors(struct recovery *recovery);
/* What the node says, if it is one of those that are left; or NULL. */
const struct status *recovery_survivor(const struct recovery *recovery, uint32_t node);
bool recovery_is_left(const struct recovery *recovery, uint32_t node);
/* What it says of its replica; NULL: it is not left, or has none. */
const struct status_replica *recovery_replica(const struct recovery *recovery, uint32_t node,
                                              uint32_t shard);

/* Of a shard: by itself, from its most advanced replica that is left, or not at all. */
enum shard_fate { RECOVERY_GOES_ON, RECOVERY_BEGINS, RECOVERY_HAS_NOTHING };
/* `best`: the node of that replica; 0: none is left. */
enum shard_fate recovery_fate(const struct recovery *recovery, const struct status_shard *shard,
                              uint32_t *best);
/* The log of that replica: who votes. NULL: none is left that counts. */
const struct voters *recovery_best(const struct recovery *recovery,
                                   const struct status_shard *shard, uint32_t *best);
/* Is one left that does not count, for others have gone on without it? */
bool recovery_has_old(const struct recovery *recovery, const struct status_shard *shard,
                      uint32_t *node);
/* Of a shard without a majority: does a replica take in a snapshot by which it will be the most
 * advanced? Until that is in place, or given up, nobody can say who is. */
bool recovery_is_coming(const struct recovery *recovery, uint32_t *shard, uint32_t *node);
/* Fills in `choices`. EXIT_OK, or what order_fail() said: a shard has nothing left, or none needs
 * a recovery. */
int recovery_judge(struct recovery *recovery);

/* What would be done, and what may be lost. */
void recovery_plan_print(const struct recovery *recovery, struct buffer *out);
void recovery_plan_json(const struct recovery *recovery, struct buffer *out);
