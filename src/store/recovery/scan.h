/* Reads a damaged log as far as it can be read: every record that verifies, in order, and between
 * them the gaps. A record counts only if the chain of checksums reaches it: the first one behind
 * unreadable bytes vouches for those that follow, and is itself counted as lost. */
#pragma once
#include "store/record/format.h"
#include "store/recovery/replay.h"

struct wal_gap {
    uint64_t first_round;            /* what is lost lies in this round or in later ones */
    uint64_t segment, offset, bytes; /* where; bytes 0: the whole file */
};

struct wal_scanner {
    void (*gap)(void *context, const struct wal_gap *gap);
    int (*record)(void *context, const struct wal_header *header, struct bytes payload);
    void *context;
    uint64_t record_number, round; /* the highest that were seen, of lost records too */
};

/* The bytes of the newest segment behind its last readable record belong to nothing: no later round
 * proves that they were durable. ERR_VERSION (a record of another release), ERR_DAMAGED (the newest
 * segment was cut short: nothing tells what it held), ERR_REFUSED... (a file may not be read, which
 * is no damage), or what `record` returned. */
int wal_scan(struct disk *disk, const struct wal_numbers *segments,
             struct wal_scanner *scanner) MUST_CHECK;
