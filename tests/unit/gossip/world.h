/* A fake world for gossip: nodes, a network that loses, delays, repeats and parts, and a clock that
 * jumps from event to event. Nodes are numbered from 1. The same seed gives the same run, always.
 *
 * It is for rules: a few nodes of which each can be told what to say, be cut off one way, be of an
 * older release, stand still, have streams, or be listened to. A table of all pairs says who is cut
 * off from whom, which a crowd of thousands cannot have: for how many behave there is sim/gossip,
 * which knows groups only, and shares between nodes what they know alike. */
#pragma once
#include "base/containers/heap.h"
#include "base/containers/list.h"
#include "base/random.h"
#include "gossip/gossip.h"

enum { WORLD_NODE_MAXIMUM = 400 };

struct world_node {
    unsigned number;
    uint8_t uuid[GOSSIP_UUID_BYTES];
    uint64_t generation;
    unsigned zone; /* what it sends to another zone takes world->far_us longer */
    struct gossip_address address;
    char name[64];         /* "": n and its number */
    struct gossip *gossip; /* NULL: not running */
    bool misses_news;      /* what is sent to it as NEWS is lost */
    bool is_stopped;       /* as by SIGSTOP: it gets what came meanwhile when it goes on */
    uint64_t deadline_us;
    int64_t wall_offset_us; /* how far its wall clock is ahead of the world's */
    int64_t wall_drift_ppm; /* and how much it gains on it */
    bool is_old;            /* of a release that reads version 0 of the wire only */
    struct list inbox;      /* while stopped */
};

struct world {
    struct world_node nodes[WORLD_NODE_MAXIMUM + 1];
    unsigned count;
    struct heap flying; /* struct parcel, by time of arrival */
    struct random random;
    uint64_t now_us;
    struct gossip_timing timing;
    bool is_sealed;        /* nodes that start from now on tell repeated datagrams apart */
    struct list recording; /* copies of what is sent, while is_recording */
    bool is_recording;
    bool is_next_old;       /* nodes that start from now on are */
    bool has_streams;       /* tries by stream get through, whatever is cut or lost */
    bool has_large_streams; /* nodes that start from now on take and give large differences by
                               streams (world_streams.h) */
    struct list streams;
    uint64_t stream_count;                                       /* since the beginning */
    uint64_t stream_bytes, largest_stream_bytes;                 /* of pieces; of one */
    unsigned most_served;                                        /* at once, by one node */
    double loss, repeats;                                        /* chances of a datagram */
    uint64_t shortest_us, longest_us;                            /* its delay */
    bool is_cut[WORLD_NODE_MAXIMUM + 1][WORLD_NODE_MAXIMUM + 1]; /* from, to */
    uint64_t healthy_called_dead; /* times that a node believed a running one to be dead */
    uint64_t detection_count, longest_detection_us; /* measured by the nodes themselves */
    uint64_t datagram_count, byte_count;
    uint64_t largest_bytes;              /* of a datagram */
    uint64_t digest_count, digest_bytes; /* those that name members and what is known of them */
    uint64_t fill_bytes;                 /* of FILLs, packed or not */
    struct gossip_address service; /* stands for all that run, by lot; port 0: there is none */
    uint64_t service_count;        /* datagrams that went there */
    uint64_t far_us;               /* between zones: one way, on top */
    uint64_t news_count, far_news_count; /* datagrams of news: all, and between zones */
    uint64_t received_by_version[2];     /* datagrams by version of the wire */
    uint64_t unreadable_count;           /* that came to a node too old to read them */
    const struct log *log;
    void (*on_propagation)(void *context, const struct world *world,
                           const struct gossip_propagation *news);
    void (*on_change)(void *context, struct world_node *node, const struct gossip_change *change);
    void *context;
};

struct world *world_new(uint64_t seed);
void world_free(struct world *world);
/* Makes and starts a node; it knows nobody. */
struct world_node *world_add(struct world *world);
/* `count` nodes of which each has the first as its seed. */
void world_add_cluster(struct world *world, unsigned count);
void world_start(struct world *world, unsigned number); /* a new life: generation + 1 */
/* For all that run, and those that are started later. */
void world_set_timing(struct world *world, const struct gossip_timing *timing);
void world_kill(struct world *world, unsigned number);
void world_stop(struct world *world, unsigned number);
void world_resume(struct world *world, unsigned number);
void world_leave(struct world *world, unsigned number);
/* As if Raft on `number` had just heard `other`. */
void world_contact(struct world *world, unsigned number, unsigned other);
void world_seed(struct world *world, unsigned number, unsigned seed);
void world_seed_address(struct world *world, unsigned number, const struct gossip_address *seed);
void world_set(struct world *world, unsigned number, const char *key, const char *value);
void world_set_class(struct world *world, unsigned number, const char *key, const char *value,
                     enum gossip_priority priority);
/* Keeps a copy of whatever is sent from now on, as somebody who listens; and sends all of it again,
 * at once, to those it was for: whole, or without so many of the last bytes of each. */
void world_record(struct world *world);
void world_replay(struct world *world, size_t cut_bytes);
uint64_t world_wall_us(const struct world *world, unsigned number);
void world_send(struct world *world, unsigned from, unsigned to,
                struct bytes datagram);                          /* at once, from that address */
void world_cut(struct world *world, unsigned from, unsigned to); /* one way */
void world_split(struct world *world, unsigned last_of_first_half);
void world_heal(struct world *world);
void world_run(struct world *world, uint64_t duration_us);
/* Runs until the condition holds for the world, in steps of 10 ms; false when the time is over. */
bool world_run_until(struct world *world, uint64_t longest_us, bool (*holds)(struct world *world));

/* How `number` sees `other`; NULL if it does not. */
const struct gossip_member *world_view(struct world *world, unsigned number, unsigned other);
/* The value by which `number` knows a key of `other`'s; BYTES_NONE if it does not. */
struct bytes world_value(struct world *world, unsigned number, unsigned other, const char *key);
/* How many keys of `other`'s `number` knows. */
unsigned world_key_count(struct world *world, unsigned number, unsigned other);
bool world_is_state(struct world *world, unsigned number, unsigned other,
                    enum gossip_member_state state);
/* Every running node knows the key of `of` by that value ("": it does not know the key). */
bool world_all_know(struct world *world, unsigned of, const char *key, const char *value);
/* Every running node but itself believes that of `of`. */
bool world_all_believe(struct world *world, unsigned of, enum gossip_member_state state);
/* Every running node sees exactly the running ones as alive. */
bool world_is_settled(struct world *world);
