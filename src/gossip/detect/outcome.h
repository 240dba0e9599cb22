/* What comes of a probe: an answer, word that it lives by another way, or nothing. */
#pragma once
#include "gossip/instance/instance.h"

/* An ACK: of a probe, or of a relay's. True: who was probed has answered itself, so that its hash
 * can be compared. */
bool outcome_answered(struct gossip *gossip, const struct codec_message *message) MUST_CHECK;
void outcome_nacked(struct gossip *gossip, const struct codec_message *message);
/* A ping of our own came back to us: that address leads here, now. Another time it may lead to
 * somebody else, as one that stands for several nodes does (a service of Kubernetes): a seed is
 * asked on. */
void outcome_met_self(struct gossip *gossip, const struct codec_message *message);
/* Another plane has heard this member directly. */
void outcome_contact(struct gossip *gossip, const uint8_t uuid[GOSSIP_UUID_BYTES]);
/* Probes in flight go on; those whose time is over have failed. */
void outcome_run(struct gossip *gossip);
