/* The last question of a run: which keys are there at all? Every node says with DBSIZE and KEYS
 * what it leads. Together they name all that the last reads found, nothing that those did not
 * find, and nothing twice; and they count as many as they name. */
#pragma once
#include "sim/cluster/simulation.h"

struct census;
struct census *census_new(struct simulation *simulation); /* after the last reads */
void census_free(struct census *census);
/* To be asked again until it is true: what the nodes said last is right. A lead may be on its way
 * from node to node still. */
bool census_is_right(struct census *census);
struct bytes census_problem(const struct census *census); /* why not; borrowed */
