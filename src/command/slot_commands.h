/* The shard's part of CLUSTER COUNTKEYSINSLOT and GETKEYSINSLOT. Never sent by clients: the node
 * asks the shard that owns the slot, with arguments that it has checked. */
#pragma once
#include "command/command.h"

void slot_count_keys(struct command_context *context); /* trothdb.countslot <slot> */
void slot_get_keys(struct command_context *context);   /* trothdb.getslot <slot> <count> */
