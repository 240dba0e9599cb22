/* What all peer streams share: whom they deliver to, the weather, and who is cut off from whom. */
#pragma once
#include "sim/world/net.h"

struct stream_world {
    struct event_queue *queue;
    struct random *random;
    struct trace *trace;
    struct sim_net_owner owner;
    struct sim_weather weather;
    struct buffer sealed;             /* of the message that is sent just now */
    double echo;                      /* share of streams whose messages come back: echo.h */
    uint64_t lives[SIM_NODE_MAXIMUM]; /* raised when a node dies */
    bool (*is_cut)(void *context, unsigned from, unsigned to);
    void *context;
};
uint64_t stream_world_delay_us(struct stream_world *world);
