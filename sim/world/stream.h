/* One peer stream: from one worker of a node to another node. See net.h. */
#pragma once
#include "sim/world/stream_world.h"

struct stream {
    struct stream_world *world;
    unsigned from, from_thread, to, to_thread;
    uint32_t number; /* the target's, as its user calls it; 0: the stream is not wanted */
    bool is_connected;
    bool is_connecting;  /* an attempt is scheduled */
    uint64_t life;       /* raised whenever it breaks: what was under way is void */
    uint64_t last_at_us; /* arrival of the latest message: none overtakes it */
    uint64_t stalled_since_us, patience_us;
    uint64_t back_off_us;
    struct fifo under_way;
    struct fifo heard; /* the latest that arrived */
};

void stream_init(struct stream *stream, struct stream_world *world, unsigned from,
                 unsigned from_thread, unsigned to);
void stream_open(struct stream *stream, uint32_t number);
bool stream_send(struct stream *stream, struct bytes message);
void stream_break(struct stream *stream); /* the sender hears of it and connects again */
void stream_close(struct stream *stream); /* the sender is gone */
static inline uint32_t stream_number(const struct stream *stream) { return stream->number; }
