/* What nodes said, and what others show of it: nobody may hold a key or a life that was never said,
 * or go back to what was said before. A value says of itself which life of its node said it, as
 * which change; the changes are kept as a list, too simple to be wrong. */
#pragma once
#include "sim/gossip/crowd.h"
#include "sim/gossip/report.h"

enum { CLAIMS_KEYS = 4 };

struct claims;

/* `crowd` is watched from now on (it takes on_change); borrows both. */
struct claims *claims_new(struct crowd *crowd, struct report *report);
void claims_free(struct claims *claims);
/* A change of the node's own; it must run. */
void claims_set(struct claims *claims, unsigned node, unsigned key);
void claims_remove(struct claims *claims, unsigned node, unsigned key);
/* To be told of every start of a node. */
void claims_life_begins(struct claims *claims, unsigned node);
/* At the end: does everybody show exactly what each running node says? */
bool claims_all_equal(const struct claims *claims);
uint64_t claims_broken(const struct claims *claims);
