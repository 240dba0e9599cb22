/* What clients ask: a mix over few objects, so that they get in each other's way. Each object has a
 * place, counted from 0 through the keys, the hashes and the groups. */
#pragma once
#include "sim/cluster/simulation.h"
#include "sim/history/operation.h"

enum {
    WORKLOAD_STRING_COUNT = 10,
    WORKLOAD_HASH_COUNT = 3,
    WORKLOAD_GROUP_COUNT = 2,
    WORKLOAD_PLACE_COUNT = WORKLOAD_STRING_COUNT + WORKLOAD_HASH_COUNT + WORKLOAD_GROUP_COUNT,
    /* Keys beside these, for what only fills the logs: strings, a large hash and a long string. */
    WORKLOAD_BALLAST_HASH = 20,
    WORKLOAD_BALLAST_STRING = 21,
    WORKLOAD_BALLAST_COUNT = 22
};
unsigned workload_place(const struct operation *operation);
/* Reads all that the object at this place holds. */
struct operation workload_whole_read(unsigned place);
/* What FLUSHALL does to the object at this place. */
struct operation workload_flush(unsigned place);
/* Is its key one of those that are given short lives? */
bool workload_expires(const struct operation *operation);
void workload_ballast_name(unsigned number, char out[OPERATION_NAME_BYTES]);
/* The next operation of a client, by lot. Every value written is new, and far enough from the
 * others to count up from. */
void workload_next(struct simulation *simulation, uint32_t client, bool is_only_read,
                   struct operation *operation);
