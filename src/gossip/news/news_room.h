/* What news/ keeps of an instance. Nobody outside of news/ looks into it. */
#pragma once
#include "base/containers/list.h"
#include "gossip/instance/instance.h"
#include "gossip/measure/adapt.h"
#include "gossip/measure/coordinate.h"

enum {
    GOSSIP_REMOVED_MAXIMUM =
        64, /* removals a member remembers; past it the oldest is forgotten, by raising the floor */
    GOSSIP_ENTRY_MAXIMUM =
        384, /* entries of one member held by others: keys, removals, and what a reset will sweep */
    GOSSIP_NEWS_MAXIMUM =
        2048, /* pieces of one priority that wait; past it, what was told most goes */
    GOSSIP_SENT_MAXIMUM = 48, /* tellings of one piece of news: 3 + 3 * log2(n) is not more */
    GOSSIP_STATE_BYTES_MAXIMUM =
        128 << 20 /* keys and values of all members; past it entries of others are not kept */
};

/* A removal of this node's own: when it may be forgotten. */
struct removal {
    uint64_t version, removed_us;
};

/* How fast news is told on: the settings, as adapt.h has changed them. */
struct pace {
    unsigned fan_out;
    uint64_t flush_us; /* news is gathered so long */
    uint64_t slow_us;  /* between the last tellings of the same news */
};

/* What every step looks at stands first. */
struct news_room {
    /* news.c, telling.c, broadcast.c, listeners.c */
    size_t count;
    uint64_t due_us, told_us, round; /* the next round, the last one, how many */
    unsigned listener_turn;

    /* nearness.c */
    struct coordinate coordinate;               /* where this node lies */
    uint64_t coordinate_samples, coordinate_us; /* looked at again then */

    /* pace.c, propagation.c */
    struct adapt adapt;
    struct pace pace;
    uint64_t slow_log_us; /* no line about slow news before this */

    /* state.c */
    uint64_t removed_check_us, state_bytes;

    /* What few steps look at, of the same files. */
    bool has_warned_of_room;
    bool has_said_coordinate;
    struct coordinate said_coordinate;
    uint64_t lists_held[GOSSIP_PRIORITY_COUNT]; /* a bit for each list that may hold something */
    size_t credit[GOSSIP_PRIORITY_COUNT];       /* bytes of its share not used yet */
    struct list lists[GOSSIP_PRIORITY_COUNT][GOSSIP_SENT_MAXIMUM]; /* by times told */
    size_t removal_count;
    struct removal removals[GOSSIP_REMOVED_MAXIMUM + 1]; /* own, by version */
};

/* Before all else of the room. Returns owned. */
struct news_room *news_room_new(void);
/* What most steps look at is asked for (expecting.h). */
void news_room_fetch(const struct news_room *room);
/* Once no member is left. */
void news_room_free(struct news_room *room);
