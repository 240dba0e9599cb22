/* What must hold at every moment, looked at after every turn of a worker:
 *
 *   1. a term of a shard has at most one leader
 *   2. what one replica knows to be committed at an index, every replica knows so, for ever
 *   3. replicas of a shard that have applied the same index hold the same data
 *
 *   4. no replica has found itself, by what the product compares, that it holds something else
 *
 * What must hold at the end is ending.h. */
#pragma once
#include "sim/cluster/simulation.h"

struct raft;
struct raft_configuration;
struct sim_thread;

struct checks *checks_new(unsigned shard_count); /* with the control shard */
void checks_free(struct checks *checks);
void checks_after_turn(struct simulation *simulation, struct sim_thread *thread);
void checks_node_died(struct simulation *simulation, unsigned node);
/* The node that leads the shard in its newest term, if that is known; else node_count. For faults
 * that aim. */
unsigned checks_leader(const struct simulation *simulation, uint32_t shard);
/* Has this node led the shard without a break since well before `since_us`, so that every thread of
 * it had heard so by then? For a node that was asked at that time and has answered now. */
bool checks_has_led(const struct simulation *simulation, uint32_t shard, unsigned node,
                    uint64_t since_us);
/* Who votes and learns, by the log of the shard's leader: borrowed, until time goes on. NULL:
 * nobody leads. */
const struct raft_configuration *checks_members(const struct simulation *simulation,
                                                uint32_t shard);
/* The same, only while the leader changes the voters; else NULL. */
const struct raft_configuration *checks_change(const struct simulation *simulation, uint32_t shard);
/* The highest index of the shard that any node has held to be committed. */
uint64_t checks_committed(const struct simulation *simulation, uint32_t shard);
/* The hash of the data, made odd, that replicas held when they had applied this index; 0: nobody
 * looked. */
uint64_t checks_state(const struct simulation *simulation, uint32_t shard, uint64_t index);
/* The first entry that was committed and that this log lacks; behind the last one if it has all. */
uint64_t checks_first_lost(const struct simulation *simulation, uint32_t shard,
                           const struct raft *raft);
/* What was committed from this index on is lost for good, by the operator's word: others may be,
 * of the term in which a replica goes on alone, or later ones. */
void checks_forget(struct simulation *simulation, uint32_t shard, uint64_t from, uint64_t term);
/* The replica holds what was lost for committed, and begins anew when it hears of whom went on. */
bool checks_is_of_lost_past(const struct simulation *simulation, uint32_t shard,
                            const struct raft *raft);
uint64_t checks_newest_term(const struct simulation *simulation,
                            uint32_t shard); /* that has a leader */
