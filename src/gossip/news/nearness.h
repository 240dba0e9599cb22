/* How near members are: by round trip, from the coordinates that they say of themselves
 * (coordinate.h), and by zone, a key that people set.
 *
 *     PING ------------------>
 *          <------ ACK, COORDINATE      the round trip moves this node's own coordinate a little
 *     "~at" = coordinate                said by each when it first knows it, and when it has moved
 *                                       far: where nothing moves nothing is said
 *
 * About one coordinate a second is said in the whole cluster, however large. */
#pragma once
#include "gossip/instance/instance.h"

void nearness_init(struct gossip *gossip);
/* A member answered a ping after this time, and said where it lies. */
void nearness_measured(struct gossip *gossip, const struct coordinate *theirs,
                       uint64_t round_trip_us);
/* Says the own coordinate, when it is time. */
void nearness_run(struct gossip *gossip);
/* Where this node lies, as far as it knows by now. Borrows. */
const struct coordinate *nearness_own(const struct gossip *gossip);
/* From this node, measured or estimated; 0: unknown. */
uint64_t nearness_us(const struct gossip *gossip, const struct member *member);
/* Between any two, from their coordinates, and by how much that may be wrong. False where one of
 * them has none yet. */
bool nearness_estimate(const struct gossip *gossip, const struct member *a, const struct member *b,
                       uint64_t *out_us, uint64_t *out_error_us) MUST_CHECK;
/* BYTES_NONE if it does not say. Borrows. */
struct bytes nearness_zone(const struct member *member);
bool nearness_is_same_zone(const struct gossip *gossip, const struct member *member);
