/* Keys that gossip itself has a use for; all others are the owner's. */
#pragma once

/* The key by which a member says in which zone it is: what is told stays mostly within one. */
#define GOSSIP_KEY_ZONE "zone"
/* Where a member lies (coordinate.h): said by the core itself. Setting it does nothing, and no walk
 * of keys shows it. */
#define GOSSIP_KEY_COORDINATE "~at"
