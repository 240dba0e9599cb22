/* Brings a shard back from its backup, in memory, and holds it against what it was: the index it
 * comes to, its data, and, by the history, the value of each of its keys. What is wrong fails the
 * simulation. */
#pragma once
#include "backup/backup_read.h"
#include "sim/backup/archivist.h"
#include "sim/cluster/simulation.h"

struct recall {
    struct simulation *simulation;
    struct backup_reader reader;
    struct backup_catalogue catalogue; /* of the one cluster that the store knows */
};

/* Borrows the simulation, which makes backups. False: there is none of this cluster; the simulation
 * has failed. To be released in any case. */
bool recall_init(struct recall *recall, struct simulation *simulation) MUST_CHECK;
void recall_release(struct recall *recall);
/* Every blob is what it was when it was put, and none is missing that another one names. */
void recall_look_at_all(struct recall *recall);
/* To an index that a node called archived. False: it is not to be had, as it is older than is kept,
 * or was given up. */
bool recall_promise(struct recall *recall, const struct archive_promise *promise);
/* To a time. False: it is not to be had. */
bool recall_time(struct recall *recall, uint32_t shard, uint64_t time_ms);
/* To the end, which is this index or a later one. */
void recall_latest(struct recall *recall, uint32_t shard, uint64_t least_index);
/* The hash of the shard's data at that index; 0 if it is not to be had. */
uint64_t recall_hash(struct recall *recall, uint32_t shard, uint64_t index);
