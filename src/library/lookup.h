/* Names among the members to look for: looked up again and again, for what they stand for changes
 * (a container that was restarted, a service of Kubernetes). Each round is a thread of its own that
 * lives as long as the system takes to answer, so that a member never waits for it:
 *
 *     lookup_run()   a round is due -----> thread: all names, one after the other
 *     lookup_run()   what was found <----- ends
 *
 * Nor does who closes: a round is freed by whichever of the two lets it go last. */
#pragma once
#include "library/seeds.h"

enum {
    LOOKUP_FIRST_MS = 500, /* until the first round; doubled from one to the next */
    LOOKUP_LAST_MS = 10000,
    LOOKUP_LISTEN_MS = 100 /* between two looks whether a round is over */
};

struct lookup_round;
struct lookup {          /* zeros: no names */
    struct buffer names; /* with commas between them */
    unsigned count;
    uint64_t due_us, pause_us;
    struct lookup_round *round; /* NULL: none is under way */
};

/* Those of `join` that are no addresses, if they are not there yet; `join` was understood before.
 * They are looked up soon. ERR_LIMIT, with a sentence: more than UDP_SEEDS_MAXIMUM; none of them is
 * there then. */
int lookup_add(struct lookup *lookup, const char *join, uint64_t now_us,
               struct buffer *problem) MUST_CHECK;
/* Begins a round when it is due. True: one is over; `found` has its addresses, and `problem` a
 * sentence if a name cannot be looked up. */
bool lookup_run(struct lookup *lookup, uint64_t now_us, struct udp_seeds *found,
                struct buffer *problem);
uint64_t lookup_deadline_us(const struct lookup *lookup, uint64_t now_us);
void lookup_release(struct lookup *lookup); /* and nothing is looked up any more */
