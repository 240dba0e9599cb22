/* The members of a cluster as `trothdb gossip keys` asks them: each by a connection of its own, one
 * step on all before the next. */
#pragma once
#include "cli/client/client.h"
#include "seal/keyring.h"

enum { KEYS_MEMBER_NAME_BYTES = 64, KEYS_ASK_MS = 10000 };

struct keys_member {
    char name[KEYS_MEMBER_NAME_BYTES], state[16];
    struct net_address address; /* of its client port; port 0: it has none */
    struct client client;
    bool is_open;
    char ids[SEAL_KEYS_MAXIMUM][SEAL_ID_TEXT_BYTES]; /* the sealing one first, as last listed */
    unsigned id_count;
    char problem[CLIENT_PROBLEM_BYTES]; /* of the last step; "": it was done */
};

struct keys_members {
    /* All that live, and those that died and at whose address nobody lives now; owned. */
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
/* How many are dead, or cut off, which from here looks alike. */
size_t keys_members_dead(const struct keys_members *all);
/* Leaves out the dead, and whoever had a problem in the last step: it is not asked again. */
void keys_members_leave_out(struct keys_members *all);
