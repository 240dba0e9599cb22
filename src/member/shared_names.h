/* Names that more than one live member has. Names are for people: gossip goes by UUIDs, and lets
 * members be called alike; but who asks for one of them by its name may get the other. So each node
 * tells of all, and not only of its own (check_name() in gossip/detect/record.c). */
#pragma once
#include "gossip/gossip.h"

struct shared_names {
    const char **names; /* of live members, sorted; they are gossip's, and one step long */
    size_t count;
};

void shared_names_init(struct shared_names *shared, const struct gossip *gossip);
void shared_names_release(struct shared_names *shared);
/* Does the member live, under a name that another live one has as well? No name is no name. */
bool shared_names_has(const struct shared_names *shared, const struct gossip_member *member);
/* Of how many members that is true. */
size_t shared_names_count(const struct shared_names *shared);
