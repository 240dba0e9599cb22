/* Where the log goes on: recovery finds the place, and every round moves it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* The point behind the last good record. */
struct wal_position {
    uint64_t segment, offset; /* where the next record goes; segment 0: there is none yet */
    uint64_t record, round;   /* of the last good record */
    uint32_t chain;           /* its record_crc32c */
    uint64_t life;            /* of the segment, as its checkpoint says */
    bool is_recycled;         /* what stands behind the records need not be zeros */
};
