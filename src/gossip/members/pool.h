/* What many know alike, kept once: identities, entries and chains are values that never change, are
 * found again by their contents, and are freed with their last holder. A view of a member is a few
 * pointers to them, so that ten thousand views of ten thousand members fit into one simulator.
 *
 *     view A of m ---+---> identity (m, generation, address, name)
 *     view B of m ---+---> chain (all up to @7; floor 2) ---> entry @3, entry @7
 *     view C of m -------> chain (all up to @3; floor 2) ---> entry @3      (the same entry)
 *
 * An instance without a pool of its owner's makes its own. One thread. */
#pragma once
#include "gossip/wire/codec.h"

/* First in everything that is shared. */
struct shared {
    struct shared *next;
    uint64_t hash;
    uint64_t holder_count;
};

/* One key with its value, as a member said it. Every field but `shared` is a part of what it is:
 * entry_matches() compares them all. */
struct entry {
    struct shared shared;
    uint64_t version, previous, created_us; /* as struct codec_entry */
    bool is_removed;
    uint16_t key_length, value_length;
    uint8_t data[]; /* key, value */
};

struct chain_link {
    struct entry *entry;
    bool is_unconfirmed; /* since a reset; swept unless it is heard of again */
};

/* What is known of what one member says, by version, ascending. */
struct chain {
    struct shared shared;
    uint64_t version,
        floor; /* all up to `version` is known; removals up to `floor` are forgotten */
    size_t count;
    struct chain_link links[];
};

/* A chain that is being changed. */
struct draft {
    uint64_t version, floor;
    struct chain_link *links;
    size_t count, capacity;
};

struct gossip_pool;
struct gossip_pool *pool_new(void); /* returns owned */
/* After the last instance that uses it. */
void pool_free(struct gossip_pool *pool);

/* Each returns one more holder of the value, found or made. */
const struct gossip_identity *pool_identity(struct gossip_pool *pool,
                                            const struct codec_record *record);
struct entry *pool_entry(struct gossip_pool *pool, const struct codec_entry *said);
struct chain *pool_chain(struct gossip_pool *pool, const struct draft *draft); /* takes its links */
struct chain *pool_empty_chain(struct gossip_pool *pool);                      /* needs no holder */
/* The one draft there is, as a copy of the chain that holds its entries as well. */
struct draft *pool_draft(struct gossip_pool *pool, const struct chain *chain);
void pool_draft_insert(struct draft *draft, size_t position, struct chain_link link);

void identity_release(struct gossip_pool *pool, const struct gossip_identity *identity);
void entry_hold(struct entry *entry);
void entry_release(struct gossip_pool *pool, struct entry *entry);
void chain_release(struct gossip_pool *pool, struct chain *chain); /* the empty one: no effect */

static inline struct bytes entry_key(const struct entry *entry) {
    return bytes_of(entry->data, entry->key_length);
}
static inline struct bytes entry_value(const struct entry *entry) {
    return bytes_of(entry->data + entry->key_length, entry->value_length);
}
