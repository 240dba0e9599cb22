/* Records that were appended to the log and wait for a round, as they will lie there, but for what
 * is lent: of a large entry only the front is copied, and the rest goes to the disk from where its
 * owner has it.
 *
 *     records   [ header payload ][ header front | padding ][ header payload ] ...
 *     loans                                      ^ the rest of that payload
 *
 * A round takes a portion from the front, whole records. Once it does, nothing is appended until
 * all was taken and settled. What is lent is given back when its portion is settled, or when the
 * batch is released. */
#pragma once
#include "store/record/format.h"

enum {
    WAL_LOANS_MAXIMUM = 16, /* of a batch; what is lent beyond is copied */
    WAL_PORTION_PIECES = 2 * WAL_LOANS_MAXIMUM + 1
};

struct wal_loan {
    size_t at; /* in `records`: it belongs before the byte there */
    struct wal_lent lent;
};

struct wal_batch {
    struct buffer records;
    uint64_t bytes; /* of the records in the log, with what is lent */
    struct wal_loan loans[WAL_LOANS_MAXIMUM];
    unsigned loan_count;
    /* How much of each was taken, and how many loans were given back. */
    size_t taken_records;
    uint64_t taken_bytes;
    unsigned taken_loans, settled_loans;
};

/* Of a batch, from `records` up to `records_end`, with these loans between. */
struct wal_portion {
    const struct wal_batch *batch; /* NULL: nothing */
    size_t records, records_end;
    unsigned loan, loan_end;
    uint64_t bytes; /* in the log */
};

void wal_batch_init(struct wal_batch *batch, size_t maximum_bytes);
void wal_batch_release(struct wal_batch *batch);
/* Past its maximum nothing is appended: batch->records.is_overflowed. */
void wal_batch_append(struct wal_batch *batch, enum wal_kind kind, uint32_t shard, uint64_t index,
                      struct bytes payload);
/* Takes what is lent, also if it overflows. */
void wal_batch_append_lent(struct wal_batch *batch, uint32_t shard, uint64_t index,
                           struct bytes front, const struct wal_lent *lent);

static inline uint64_t wal_batch_rest_bytes(const struct wal_batch *batch) {
    return batch->bytes - batch->taken_bytes;
}
/* Of the first record that is left; there must be one. */
uint64_t wal_batch_first_bytes(const struct wal_batch *batch);
/* The first record that is left, and those behind it as long as all are within `limit_bytes`. */
struct wal_portion wal_batch_take(struct wal_batch *batch, uint64_t limit_bytes);
/* What was taken is written, and not looked at any more. */
void wal_batch_settle(struct wal_batch *batch);

/* The records of a portion one by one, to be sealed: where the next one stands, and *at behind it;
 * NULL behind the last. *at begins as portion->records. */
uint8_t *wal_portion_next(const struct wal_portion *portion, size_t *at);
/* The portion as it lies in the log, in at most WAL_PORTION_PIECES pieces; returns how many. */
size_t wal_portion_pieces(const struct wal_portion *portion, struct bytes *pieces);
