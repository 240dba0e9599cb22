/* What a stream that broke leaves behind. All that was under way on it, and the latest messages
 * that had arrived already, may come all the same, or once more, while the next stream delivers
 * newer ones: as from a connection whose bytes still lie with the receiver when its peer comes on
 * another, and from a sender that repeats itself. Not all of them need come: the old connection
 * may end, too. They keep their order among each other, and never reach another life of the
 * receiver: its connections died with it. */
#pragma once
#include "sim/world/stream_world.h"

enum { ECHO_HEARD_MAXIMUM = 8 /* arrived already, and to come again */ };

/* Among those that were heard last on a stream; takes the packet. */
void echo_keep(struct fifo *heard, struct packet *packet);

struct echo_way {
    unsigned from, to, to_thread;
};
/* By lot: the stream breaks now. Borrows what it held. */
void echo_begin(struct stream_world *world, const struct echo_way *way, const struct fifo *heard,
                const struct fifo *under_way);
