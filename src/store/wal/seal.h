/* Which segment a round goes to, what stands before its records, and off it goes. */
#pragma once
#include "store/wal/internal.h"

/* Decides which segment a round goes to that begins with so many bytes, and builds what stands
 * before them. What does not fit any more opens the next segment. */
void wal_plan_round(struct wal *wal, uint64_t first_bytes);
uint64_t wal_round_capacity(const struct wal *wal); /* of its segment */
/* Gives the head, and these records behind it, their places: a round that is to be submitted. */
void wal_seal_round(struct wal *wal, const struct wal_portion *portion);
void wal_submit_round(struct wal *wal); /* the one that is sealed */
