/* Reading what is known of what a member says: its entries, by version (drawn in state.h). */
#pragma once
#include "gossip/members/pool.h"

/* The first entry above a version: its position. */
size_t chain_position(const struct chain *chain, uint64_t version);
/* Removals too; NULL if there is none. Borrows. */
const struct entry *chain_find(const struct chain *chain, struct bytes key);
/* The version before the entry, which is one of the chain: below its own, also where two that are
 * one member by mistake have each said something at that version. */
uint64_t chain_previous(const struct chain *chain, const struct entry *entry);
/* May others be told from it? Not within a reset. */
static inline bool chain_is_whole(const struct chain *chain) {
    return chain->version >= chain->floor;
}
