/* The workload of a drill, and what is checked about it. Each writer is the only one that writes
 * its keys, with ever higher numbers; readers read anybody's. All keys of a writer lie in one
 * shard, so that the longest time between two of its acknowledged writes is that shard's outage.
 *
 * drill_check.h says what a key may hold. An outcome that was never told may come true late: the
 * request may lie in the socket of a stopped process, and be carried out when that goes on. */
#pragma once
#include "base/error.h"
#include "io/net.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DRILL_WRITER_MAXIMUM = 32,
    DRILL_READER_MAXIMUM = 16,
    DRILL_KEYS = 16,             /* of a writer */
    DRILL_ANSWER_MS = 400,       /* then the outcome is unknown, and another node is asked */
    DRILL_SLOW_ANSWER_MS = 2000, /* when all must answer: the read-back */
    DRILL_READ_BACK_MS = 30000,  /* of all keys */
    DRILL_PROBLEM_BYTES = 256,
    DRILL_NODE_MAXIMUM = 9
};

struct drill_load;

struct drill_load_options {
    const struct net_address *nodes; /* borrowed */
    unsigned node_count, writer_count, reader_count;
};

struct drill_counts {
    uint64_t acknowledged, unknown, reads;
    uint64_t lost, stale, invented; /* none, or the pledge is broken */
};

struct drill_load *drill_load_new(const struct drill_load_options *options);
/* Starts all writers and readers, a thread each. */
void drill_load_start(struct drill_load *load);
/* Ends them; then reads every key back, and counts what was lost. ERR_IO with `problem`
 * (DRILL_PROBLEM_BYTES) if a key could not be read. */
int drill_load_finish(struct drill_load *load, char *problem) MUST_CHECK;
void drill_load_free(struct drill_load *load);

/* While it runs, or after. */
void drill_load_counts(struct drill_load *load, struct drill_counts *counts);
/* From now on the longest gaps are measured anew. */
void drill_load_mark(struct drill_load *load);
/* The longest time without an acknowledged write since the mark, of the writer for whom it was
 * longest, one that lasts still included. */
uint64_t drill_load_gap_us(struct drill_load *load);
/* Has every writer had a write acknowledged that began after `since_us`? */
bool drill_load_goes_on(struct drill_load *load, uint64_t since_us);
/* The first thing that was wrong, in a sentence; "": nothing. */
const char *drill_load_wrong(struct drill_load *load);
