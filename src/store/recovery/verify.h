/* Reads a log and says everything that is wrong with it. Nothing is written: the log of a node that
 * does not run is left as it is, torn tail and all.
 *
 * Recovery (recover.h) stops at the first damage. This goes on behind it: at the next record
 * whose header verifies, or at the next segment, whose checkpoint tells anew what is known.
 * Whatever is called damage here is refused there, with one exception: bytes in the unused rest of
 * a segment that should be zero. Recovery does not need them; they still show that the disk changes
 * bytes. */
#pragma once
#include "io/disk.h"
#include "store/record/format.h"
#include "store/recovery/visitor.h"

/* One place of the log that is not as it was written. */
struct wal_bad {
    uint64_t segment, offset, bytes; /* bytes 0: the whole file */
    const char *what;
    int error;          /* of the disk, if that is what is wrong; else 0 */
    bool has_header;    /* the record's own header is sound: */
    enum wal_kind kind; /* what is lost, */
    uint32_t shard;     /* of whom, */
    uint64_t index;     /* and where it stood */
};

struct wal_verifier {
    struct wal_visitor visitor; /* as in recovery, but told of what follows a damage as well */
    void (*bad)(void *context, const struct wal_bad *bad);
    void (*progress)(void *context, uint64_t bytes); /* of the log, read since the last call */
};

struct wal_verification {
    uint64_t segment, offset; /* of the record that the visitor is being told of */
    uint64_t segment_count, record_count, bytes, bad_count;
    /* What recovery will cut: the rest of a round that was never reported durable. */
    bool is_torn;
    uint64_t torn_segment, torn_offset, torn_bytes;
};

/* 0 if all could be looked at, whatever was found; else ERR_IO... (the directory cannot be listed)
 * or what the visitor returned. `result` is filled as the reading goes on. */
int wal_verify(struct disk *disk, const struct wal_verifier *verifier,
               struct wal_verification *result) MUST_CHECK;
