/* Which situations a run has come through (situation.def). Checks say nothing of what never
 * happened: so it is counted. */
#pragma once
#include <assert.h>

#include "sim/cluster/simulation.h"

struct sim_thread;

enum situation {
#define SITUATION(name, text) SITUATION_##name,
#include "sim/check/situation.def"
#undef SITUATION
    SITUATION_COUNT
};
static_assert(SITUATION_COUNT <= 64, "a bit each");

struct situations *situations_new(unsigned shard_count); /* with the control shard */
void situations_free(struct situations *situations);
const char *situation_text(enum situation situation);

void situations_after_turn(struct simulation *simulation, struct sim_thread *thread);
void situations_node_died(struct simulation *simulation, unsigned node);
void situations_node_started(struct simulation *simulation, unsigned node);
void situations_majority_recovered(struct simulation *simulation, bool was_in_change);
/* From its backup, a shard that was recovered. */
void situations_recovered_brought_back(struct simulation *simulation);
/* A bit for each, by its number. */
uint64_t situations_met(const struct simulation *simulation);
