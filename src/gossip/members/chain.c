#include "gossip/members/chain.h"

size_t chain_position(const struct chain *chain, uint64_t version) {
    size_t position = chain->count;
    while (position > 0 && chain->links[position - 1].entry->version > version)
        position--;
    return position;
}

const struct entry *chain_find(const struct chain *chain, struct bytes key) {
    for (size_t i = 0; i < chain->count; i++)
        if (bytes_equal(entry_key(chain->links[i].entry), key))
            return chain->links[i].entry;
    return NULL;
}

uint64_t chain_previous(const struct chain *chain, const struct entry *entry) {
    if (chain->version < entry->version)
        return entry
            ->previous; /* what lies between is not known here, but was where it came from */
    size_t position = chain_position(chain, entry->version - 1);
    return position > 0 ? chain->links[position - 1].entry->version : 0;
}
