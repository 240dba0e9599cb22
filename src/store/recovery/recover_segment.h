/* One segment of a log that is read back: whether it follows from the one before it, and then its
 * records, as far as they verify. */
#pragma once
#include "store/recovery/recovery.h"

/* Reads segments[at], hands its records to the visitor, and leaves the position behind the last
 * good one; is_end_clean and end_offset say how it ended. ERR_DAMAGED, ERR_VERSION, ERR_IO..., or
 * what the visitor returned. */
int wal_recover_segment(struct wal_recovery *recovery) MUST_CHECK;
