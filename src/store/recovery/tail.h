/* Where reading a segment stopped: does the log end there, was its last round torn, or is it
 * damaged? */
#pragma once
#include "store/recovery/recovery.h"

/* How far behind the position something reaches that this life of the file wrote: a round that is
 * not whole, or bytes that changed. The position itself if nothing does. In a file that was made of
 * zeros that is all that is not zero. In a recycled one it is the last header of this life, or of
 * this segment where its life is yet to begin; and where the end should stand, anything else. */
size_t wal_tail_end(const struct wal_recovery *recovery);
/* Of the newest segment. ERR_DAMAGED if a later round stands behind the first record that does not
 * verify; else what is there may be cut. */
int wal_tail_judge(struct wal_recovery *recovery) MUST_CHECK;
/* What was read may be in the kernel's memory only: a process that died between writing and syncing
 * leaves it so, and after a failed sync another one would say that all is well (fsyncgate). It is
 * about to be built upon, so it is written again, and synced. Only the newest segment can hold such
 * bytes: no round begins before the one before it is durable. */
int wal_tail_make_durable(struct wal_recovery *recovery) MUST_CHECK;
/* Zeroes what the log does not own, and says in the log that a round was cut. */
int wal_tail_cut(struct wal_recovery *recovery) MUST_CHECK;
