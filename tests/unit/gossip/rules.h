/* A world of three nodes for the model check: the real gossip, and every datagram kept in a bag, to
 * be delivered never, at once, late, twice or in any order. Beside it a model that is too simple to
 * be wrong: what each node said in which life, as a list. Whatever a node shows must have been
 * said, and never goes back:
 *
 *   1. No ghost: a member shown has the UUID and a generation of a life that was; a key shown was
 *      said in that life, at that version, with that value.
 *   2. (generation, version) decides: neither ever goes back in anybody's eyes.
 *   3. No key comes back that was seen to go, unless it was said again.
 *   4. Who was seen to leave stays gone in that life.
 *   5. Whatever the wall clocks say (every life has another, up to a day off), and whichever
 *      version of the wire a node speaks.
 *   6. Once everything gets through, all show exactly what is true. */
#pragma once
#include "base/buffer.h"
#include "base/random.h"
#include "gossip/gossip.h"

enum {
    RULES_NODES = 3,
    RULES_KEYS = 2,
    RULES_BAG = 24,    /* datagrams; past it the oldest is lost */
    RULES_SAID = 4096, /* in one world, of each node */
    RULES_LIVES = 1024
};

/* OPERATION(name, which choices it takes) */
#define RULES_OPERATIONS                                                                           \
    OPERATION(SET)         /* node, key */                                                         \
    OPERATION(REMOVE)      /* node, key */                                                         \
    OPERATION(FORGET)      /* an hour passes, and removals are forgotten */                        \
    OPERATION(RESTART)     /* node: a new life that knows nothing */                               \
    OPERATION(LEAVE)       /* node */                                                              \
    OPERATION(TELL)        /* node: what it sends by now goes into the bag */                      \
    OPERATION(PASS)        /* two seconds in which everything goes into the bag */                 \
    OPERATION(MEET)        /* node: a probe and all that follows gets through */                   \
    OPERATION(DELIVER_NEW) /* the newest of the bag; it stays there */                             \
    OPERATION(DELIVER_OLD) /* the oldest */                                                        \
    OPERATION(DELIVER_ANY) /* some other */
enum rules_operation {
#define OPERATION(name) RULES_##name,
    RULES_OPERATIONS
#undef OPERATION
        RULES_OPERATION_COUNT
};

struct rules_step {
    enum rules_operation operation;
    unsigned node, key;
};

struct rules_letter {
    unsigned from, to;
    uint64_t posted_us;
    size_t length;
    uint8_t data[GOSSIP_DATAGRAM_MAXIMUM];
};

struct rules_said {
    unsigned key;
    unsigned number; /* the value; 0: removed */
};

/* What one node has shown of another. */
struct rules_belief {
    uint64_t generation;
    uint64_t versions[RULES_KEYS]; /* of the key as shown last */
    uint64_t gone_at[RULES_KEYS];  /* the removal that it must have heard of; 0: none */
    uint64_t left_generation, left_us;
};

struct rules_node {
    struct gossip *gossip;
    struct gossip_address address;
    uint8_t uuid[GOSSIP_UUID_BYTES];
    uint64_t generation;
    bool has_left;
    int64_t clock_ahead_us; /* of its wall clock, before that of the others */
    /* The model: all that it ever said; a life's first is at lives[generation]. */
    struct rules_said said[RULES_SAID];
    size_t said_count, lives[RULES_LIVES];
    unsigned values[RULES_KEYS]; /* now; 0: none */
    struct rules_belief beliefs[RULES_NODES];
};

struct rules {
    struct rules_node nodes[RULES_NODES];
    struct rules_letter bag[RULES_BAG];
    size_t bag_first, bag_count;
    struct random random;
    uint64_t now_us;
    unsigned last_number;
    const char *broken; /* NULL while all rules hold */
    unsigned broken_observer, broken_subject;
    bool is_printed;
};

/* Three nodes that know each other and one key of each. Returns owned. */
struct rules *rules_new(uint64_t seed, bool is_printed);
void rules_free(struct rules *rules);
/* Whether the world can go on: its lists have room. */
bool rules_has_room(const struct rules *rules);
void rules_do(struct rules *rules, const struct rules_step *step);
/* Lets everything through until all is as it should be; breaks rule 6 if that never comes. */
void rules_converge(struct rules *rules);

/* rules_claims.c */
void rules_look(struct rules *rules); /* at what everybody shows: rules 1 to 4 */
bool rules_are_all_right(const struct rules *rules);
