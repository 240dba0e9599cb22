/* What other nodes send: a batch, and each part of it to whom it concerns. */
#pragma once
#include "base/bytes.h"
#include "base/error.h"

struct worker;

/* A packed PeerBatch, from a stream whose cluster and sender the batch itself names. ERR_MALFORMED,
 * ERR_REFUSED (another cluster): the owner ends that stream. */
int peers_take(struct worker *worker, struct bytes batch) MUST_CHECK;
void peers_lost(struct worker *worker, uint32_t node_number); /* the stream to or from it ended */
/* Hands out the parts of a batch that concern this worker. `is_forwarded`: another worker here had
 * it first. */
int peers_receive(struct worker *worker, struct bytes batch, bool is_forwarded) MUST_CHECK;
