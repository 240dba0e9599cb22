/* Large differences by streams, in the fake world. A stream is a number on both sides; its messages
 * come whole and in order, and where the way is cut they do not come at all, as while TCP repeats
 * itself; when one of the two is killed the other hears of it.
 *
 *     STREAM_OPEN  -> asked ->  STREAM_ASKED
 *     STREAM_PIECE <- piece <-  STREAM_GIVE
 *                  -> room  ->  STREAM_ROOM
 *     STREAM_ENDED <- ended <-  STREAM_END
 *     STREAM_DROP  -> gone  ->  STREAM_GONE */
#pragma once
#include "base/buffer.h"
#include "world.h"

/* What a parcel carries of a stream. */
struct stream_parcel {
    enum gossip_event_kind kind;
    uint64_t stream; /* the world's number */
    unsigned to;
    enum gossip_stream_outcome outcome;
    struct buffer bytes;
};
void stream_parcel_free(struct stream_parcel *carried); /* NULL is allowed */

void world_stream_act(struct world *world, struct world_node *node,
                      const struct gossip_stream_action *action);
void world_stream_land(struct world *world, struct world_node *node,
                       const struct stream_parcel *carried);
void world_streams_of_dead(struct world *world, const struct world_node *node);
void world_streams_release(struct world *world);

/* world.c: takes the parcel. */
void world_stream_fly(struct world *world, const struct world_node *from,
                      struct stream_parcel *carried);
void world_step(struct world *world, struct world_node *node, struct gossip_event event);
