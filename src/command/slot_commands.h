/* The shard's part of CLUSTER COUNTKEYSINSLOT and GETKEYSINSLOT, and of what replicas compare.
 * Never sent by clients: the node asks the shard that owns the slot, with arguments that it has
 * checked, and leaders have their shard's replicas compare. */
#pragma once
#include "command/command.h"

void slot_count_keys(struct command_context *context); /* trothdb.countslot <slot> */
void slot_get_keys(struct command_context *context);   /* trothdb.getslot <slot> <count> */
/* trothdb.compare <first slot> <last slot> [<id> <hash>]: the last two are what the leader noted at
 * the comparison before, as signed numbers. It changes no key. */
void slot_compare(struct command_context *context);
/* trothdb.comparekeys <slot> <id> <hash> <key>...: the same of some keys of a long slot, and of how
 * many keys it holds. Id and hash are 0 where there was no comparison before. */
void slot_compare_keys(struct command_context *context);
/* trothdb.comparepiece <slot> <id> <hash> <from> <to> <key>: the same of a piece of what a long key
 * holds. */
void slot_compare_piece(struct command_context *context);
