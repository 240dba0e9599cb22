/* The members of a cluster as `trothdb gossip keys` asks them: for their keys all at once, for a
 * change one after the other; one step on all before the next. */
#pragma once
#include "cli/client/client.h"
#include "seal/keyring.h"

enum {
    KEYS_MEMBER_NAME_BYTES = 64,
    KEYS_MEMBER_ID_BYTES = 33, /* 32 hex digits: its UUID */
    KEYS_ASK_MS = 10000        /* for one change, or all lists */
};
#define KEYS_STATE_AWAY "away" /* of a node that gossip does not know, or to have left */

struct keys_member {
    char id[KEYS_MEMBER_ID_BYTES];
    char name[KEYS_MEMBER_NAME_BYTES], state[16];
    bool is_agent;
    struct net_address address;                      /* of its client port; port 0: it has none */
    char ids[SEAL_KEYS_MAXIMUM][SEAL_ID_TEXT_BYTES]; /* the sealing one first, as last listed */
    unsigned id_count;
    char problem[CLIENT_PROBLEM_BYTES]; /* of the last step; "": it was done */
};

struct keys_members {
    /* All that live, those that died and at whose address nobody lives now, and the nodes of the
     * topology that are neither; owned. */
    struct keys_member *members;
    size_t count;
};

/* Asks the member at `at` who is there. ERR_IO, ERR_REFUSED, ERR_INVALID, with a sentence in
 * `problem` (CLIENT_PROBLEM_BYTES). */
int keys_members_find(struct keys_members *all, const char *at, char *problem) MUST_CHECK;
void keys_members_release(struct keys_members *all);
bool keys_member_lives(const struct keys_member *member);

/* One step on every member that lives: GOSSIP KEYS `action` [`argument`]. Those that were not done
 * have their `problem`; how many. */
size_t keys_members_step(struct keys_members *all, const char *action, const char *argument);
/* GOSSIP KEYS LIST on every member that lives: fills the ids. How many did not answer. */
size_t keys_members_list(struct keys_members *all);
/* How many are away: dead, or cut off, which from here looks alike, or stopped. */
size_t keys_members_away(const struct keys_members *all);
/* Leaves out those that are away, and whoever had a problem in the last step: it is asked no more.
 */
void keys_members_leave_out(struct keys_members *all);
