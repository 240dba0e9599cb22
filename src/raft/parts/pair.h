/* All the shards that are quiet between this node and one peer, and the one heartbeat that stands
 * in for theirs.
 *
 *      leader's node                                            follower's node
 *      led = {(shard, term), ...}                               followed = {(shard, term), ...}
 *           -- heartbeat: clock, count and hash of `led` -->    equal to `followed`?
 *                                                               yes: promised, as by an append
 *           <-- reply: the clock, is it equal, the promise --   heard of each of these shards
 *      equal: acknowledged, as by a reply of each follower
 *
 * Two equal sets mean: each of these shards is led here, in that term, and the peer's replica of it
 * follows in that term and has promised nothing to anybody else. So the heartbeat is worth an empty
 * append of every one of them (CBTR 3.4, 6.4.1), however it came to that, and one that is lost,
 * late or doubled does what such an append would. Unequal sets are worth nothing for anybody.
 *
 * Sets are kept as count and hash only; replicas enter and leave them by themselves
 * (state/quiet.c). A pair outlives the replicas that know it. */
#pragma once
#include "raft/events/options.h"

struct raft_quiet_set {
    uint64_t hash; /* of (shard, term), all of them xored */
    uint32_t count;
    uint64_t since_us; /* when it was empty last */
};

struct raft_pair {
    bool is_able; /* the peer knows of quiet shards, and is there: set by the owner */
    struct raft_quiet_set led, followed;
    /* As leader: of the newest heartbeat that was found equal, when it was sent, until when the
     * peer votes for nobody else (drift taken off), and when that was heard. */
    uint64_t acknowledged_us, lease_until_us, answered_us;
    /* As follower: when an equal heartbeat came last, and until when nobody else is voted for. */
    uint64_t heard_us, promised_until_us;
    /* When entries of shards that the peer leads came here last: it writes them to its log, too. */
    uint64_t entries_us;
};

struct raft_pair_heartbeat {
    uint64_t life;    /* of the sender, so that no reply to an earlier one counts */
    uint64_t context; /* the sender's clock */
    struct raft_quiet_set quiet;
};
struct raft_pair_reply {
    uint64_t life, context; /* the heartbeat's */
    bool is_equal;
    uint64_t promise_us; /* for so long from hearing it on */
};

void raft_quiet_set_add(struct raft_quiet_set *set, uint32_t shard, raft_term term,
                        uint64_t now_us);
void raft_quiet_set_remove(struct raft_quiet_set *set, uint32_t shard, raft_term term);

/* How long a leader counts on a promise, from when it asked for it. */
uint64_t raft_lease_of_promise_us(const struct raft_timing *timing, uint64_t promise_us);

struct raft_pair_heartbeat raft_pair_heartbeat_make(const struct raft_pair *pair, uint64_t life,
                                                    uint64_t now_us);
/* What the peer's heartbeat is worth here, and the answer to it. */
struct raft_pair_reply raft_pair_heartbeat_take(struct raft_pair *pair,
                                                const struct raft_pair_heartbeat *heartbeat,
                                                const struct raft_timing *timing, uint64_t now_us);
/* False if the sets were found unequal: the owner wakes the shards that are led here. */
bool raft_pair_reply_take(struct raft_pair *pair, const struct raft_pair_reply *reply,
                          uint64_t life, const struct raft_timing *timing, uint64_t now_us);
/* When this node's own next heartbeat goes, due at `due_us`, now that one of a peer was answered:
 * at once if it is due within half an interval. It then travels with the answer, and nodes that
 * lead shards of each other's come to beat together, which wakes each of them less often. */
uint64_t raft_pair_beat_us(uint64_t due_us, uint64_t now_us, const struct raft_timing *timing);
/* When silence has lasted for an election timeout, and the owner wakes the shards that are led
 * here, or that follow; UINT64_MAX: there are none. */
uint64_t raft_pair_led_deadline_us(const struct raft_pair *pair, const struct raft_timing *timing);
uint64_t raft_pair_followed_deadline_us(const struct raft_pair *pair,
                                        const struct raft_timing *timing);
