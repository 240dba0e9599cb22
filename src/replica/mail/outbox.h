/* What goes to other nodes at the turn's end: one batch for each, which grows during the turn. */
#pragma once
#include "worker/worker.h"

/* The batch to a node, with room for one message with so much data; a batch that has none left is
 * sent before. NULL: there is no such node. Borrows. */
struct buffer *outbox_to(struct worker *worker, uint32_t node, size_t data_bytes);
void outbox_flush(struct worker *worker);
void outbox_release(struct worker *worker);
