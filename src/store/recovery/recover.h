/* Recovery: reads all segments, hands every record to the visitor, and decides at the first record
 * that does not verify whether it is a torn tail, which is cut, or damage, which is refused.
 *
 * A round is written at once and synced before the next one begins. So a bad record belongs to a
 * round that was synced if and only if a record of a later round exists, in this segment or in a
 * later one. Which round the bad record lies in is known: the last record of each round is flagged,
 * and a cut ends the round it cut with a record of its own. */
#pragma once
#include "base/log.h"
#include "io/disk.h"
#include "store/record/ledger.h"
#include "store/record/position.h"
#include "store/recovery/visitor.h"

/* Synchronous. Fills the ledger (initialised by the caller) and *position. Leaves the disk so that
 * appending may go on: the tail zeroed and synced, files of no use removed. ERR_DAMAGED,
 * ERR_VERSION, ERR_IO... with *problem filled. */
int wal_recover(struct disk *disk, const struct log *log, const struct wal_visitor *visitor,
                struct wal_ledger *ledger, struct wal_position *position,
                struct wal_problem *problem) MUST_CHECK;
