/* When every shard came to each of its indexes, and the stamps that stand in its log: a backup that
 * is brought back to one of them is held against this. Kept where backups are made. */
#pragma once
#include "sim/cluster/simulation.h"

struct sim_thread;

/* The shard after index i and before i + 1: no operation that is in the log behind it was answered
 * before `logged_us`, and all that are in it had been asked by `committed_us`. */
struct past_moment {
    uint64_t logged_us;    /* when a log was first seen to be so long */
    uint64_t committed_us; /* when it was first seen to be committed */
    uint64_t stamp_ms;     /* of the entry; 0: it has none */
    bool is_stamp_known;
};

struct past *past_new(unsigned shard_count); /* with the control shard */
void past_free(struct past *past);           /* NULL is allowed */
void past_after_turn(struct simulation *simulation, struct sim_thread *thread);
/* False: no node was ever seen to have committed it. */
bool past_at(const struct simulation *simulation, uint32_t shard, uint64_t index,
             struct past_moment *moment);
/* The shard went on without its majority: what it held from this index on was given up, and others
 * come to stand there. Does nothing in a run without backups. */
void past_forget(struct simulation *simulation, uint32_t shard, uint64_t from);
unsigned past_recovery_count(const struct simulation *simulation, uint32_t shard);
/* Of what stood at this index after so many recoveries: was it given up by a later one? */
bool past_is_given_up(const struct simulation *simulation, uint32_t shard, uint64_t index,
                      unsigned recovery_count);
/* By how much the shard's stamps went ahead of the time that went by, since its first one, as some
 * leader's clock was ahead of all before it: each time that happened up to `most_ms` of it. */
uint64_t past_leaps_ms(const struct simulation *simulation, uint32_t shard, uint64_t most_ms);
/* The last index that "up to this time" holds: what comes behind it is the first entry with a later
 * stamp, or nothing. UINT64_MAX: an entry on the way was not seen. */
uint64_t past_index_at(const struct simulation *simulation, uint32_t shard, uint64_t time_ms);
