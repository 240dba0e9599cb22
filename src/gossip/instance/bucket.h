/* How much may be sent: a token bucket of bytes. All that is sent is paid for, but what matters
 * most is let through first; what may not be sent now waits (news) or is found again (comparisons).
 *
 *     full                                    one second's bytes, BUCKET_LEAST_BYTES at the least
 *      |     comparisons of the whole state
 *     1/2    ------------------------------
 *      |     news of every kind
 *     1/4    ------------------------------
 *      |     deaths and refutations, with the shares of the rest beside them (telling.h)
 *      0     ------------------------------
 *      |     probes and their answers, with deaths and refutations riding on them
 *    - full  as deep as it gets
 *
 * So a flood of what matters less never takes the last quarter, and nothing takes the probes'. */
#pragma once
#include "gossip/instance/instance.h"

enum bucket_claim { BUCKET_URGENT, BUCKET_NEWS, BUCKET_COMPARISON };

void bucket_init(struct gossip *gossip); /* full */
/* To be called at the beginning of each step: what the time has brought. */
void bucket_fill(struct gossip *gossip);
void bucket_spend(struct gossip *gossip, size_t bytes);
bool bucket_admits(const struct gossip *gossip, enum bucket_claim claim);
/* Until it will, if nothing else is sent: at least 1. */
uint64_t bucket_wait_us(const struct gossip *gossip, enum bucket_claim claim);
