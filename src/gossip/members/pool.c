#include "gossip/members/pool.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/containers/list.h"
#include "base/memory.h"
#include <assert.h>

/* Values by their hash, chained. */
struct shelf {
    struct shared **places;
    size_t place_count, count;
};

struct gossip_pool {
    struct shelf identities, entries, chains;
    struct draft draft;
    struct chain empty;
};

/* What records are compared by stands first, in one line of the processor's cache. */
struct identity {
    struct shared shared;
    struct gossip_identity shown;
};
static_assert(offsetof(struct identity, shown.said_by) <= 64, "what is compared is one line");

enum { SHELF_FEWEST_PLACES = 16 };

struct gossip_pool *pool_new(void) {
    struct gossip_pool *pool = memory_allocate_zeroed(1, sizeof *pool);
    pool->empty.shared.holder_count = 1;
    return pool;
}

void pool_free(struct gossip_pool *pool) {
    if (pool == NULL)
        return;
    CHECK(pool->identities.count == 0 && pool->entries.count == 0 && pool->chains.count == 0);
    memory_free(pool->identities.places);
    memory_free(pool->entries.places);
    memory_free(pool->chains.places);
    memory_free(pool->draft.links);
    memory_free(pool);
}

struct chain *pool_empty_chain(struct gossip_pool *pool) {
    return &pool->empty;
}

/* Shelves. */

static struct shared **shelf_place(const struct shelf *shelf, uint64_t hash) {
    return &shelf->places[hash & (shelf->place_count - 1)];
}

static void shelf_grow(struct shelf *shelf) {
    struct shelf wider = {.count = shelf->count,
                          .place_count =
                              shelf->place_count ? shelf->place_count * 2 : SHELF_FEWEST_PLACES};
    wider.places = memory_allocate_zeroed(wider.place_count, sizeof(struct shared *));
    for (size_t i = 0; i < shelf->place_count; i++)
        for (struct shared *shared = shelf->places[i], *next; shared != NULL; shared = next) {
            next = shared->next;
            struct shared **place = shelf_place(&wider, shared->hash);
            shared->next = *place;
            *place = shared;
        }
    memory_free(shelf->places);
    *shelf = wider;
}

static void shelf_add(struct shelf *shelf, struct shared *shared, uint64_t hash) {
    if (shelf->count >= shelf->place_count)
        shelf_grow(shelf);
    struct shared **place = shelf_place(shelf, hash);
    *shared = (struct shared){.next = *place, .hash = hash, .holder_count = 1};
    *place = shared;
    shelf->count++;
}

/* The first value of that hash, then the next ones. */
static struct shared *shelf_first(const struct shelf *shelf, uint64_t hash) {
    struct shared *shared = shelf->place_count > 0 ? *shelf_place(shelf, hash) : NULL;
    while (shared != NULL && shared->hash != hash)
        shared = shared->next;
    return shared;
}

static struct shared *shelf_next(const struct shared *shared) {
    struct shared *next = shared->next;
    while (next != NULL && next->hash != shared->hash)
        next = next->next;
    return next;
}

/* True if that was the last holder: the value is off its shelf and the caller frees it. */
static bool shelf_release(struct shelf *shelf, struct shared *shared) {
    CHECK(shared->holder_count > 0);
    if (--shared->holder_count > 0)
        return false;
    struct shared **link = shelf_place(shelf, shared->hash);
    while (*link != shared)
        link = &(*link)->next;
    *link = shared->next;
    shelf->count--;
    return true;
}

static uint64_t hash_numbers(uint64_t a, uint64_t b, uint64_t c) {
    uint64_t numbers[3] = {a, b, c}; /* never leaves this process: its byte order may be any */
    return checksum_xxh64(bytes_of((const uint8_t *)numbers, sizeof numbers), 0);
}

/* Identities. */

static bool identity_matches(const struct gossip_identity *shown,
                             const struct codec_record *record) {
    return memcmp(shown->uuid, record->uuid, GOSSIP_UUID_BYTES) == 0 &&
           shown->generation == record->generation && shown->incarnation == record->incarnation &&
           shown->address.port == record->address.port &&
           strcmp(shown->address.host, record->address.host) == 0 &&
           strcmp(shown->name, record->name) == 0 && shown->created_us == record->created_us &&
           memcmp(shown->said_by, record->accuser, GOSSIP_UUID_BYTES) == 0;
}

const struct gossip_identity *pool_identity(struct gossip_pool *pool,
                                            const struct codec_record *record) {
    uint64_t who = checksum_xxh64(bytes_of(record->uuid, GOSSIP_UUID_BYTES), 0);
    uint64_t hash = hash_numbers(who, record->generation + record->incarnation, record->created_us);
    for (struct shared *shared = shelf_first(&pool->identities, hash); shared != NULL;
         shared = shelf_next(shared)) {
        struct identity *known = (struct identity *)(void *)shared;
        if (identity_matches(&known->shown, record)) {
            shared->holder_count++;
            return &known->shown;
        }
    }
    struct identity *identity = memory_allocate_zeroed(1, sizeof *identity);
    memcpy(identity->shown.uuid, record->uuid, GOSSIP_UUID_BYTES);
    memcpy(identity->shown.name, record->name, sizeof identity->shown.name);
    identity->shown.generation = record->generation;
    identity->shown.incarnation = record->incarnation;
    identity->shown.address = record->address;
    identity->shown.created_us = record->created_us;
    memcpy(identity->shown.said_by, record->accuser, GOSSIP_UUID_BYTES);
    shelf_add(&pool->identities, &identity->shared, hash);
    return &identity->shown;
}

void identity_release(struct gossip_pool *pool, const struct gossip_identity *shown) {
    struct identity *identity = LIST_ELEMENT((void *)(uintptr_t)shown, struct identity, shown);
    if (shelf_release(&pool->identities, &identity->shared))
        memory_free(identity);
}

/* Entries. */

static bool entry_matches(const struct entry *entry, const struct codec_entry *said) {
    return entry->version == said->version && entry->previous == said->previous &&
           entry->is_removed == said->is_removed && entry->created_us == said->created_us &&
           bytes_equal(entry_key(entry), said->key) && bytes_equal(entry_value(entry), said->value);
}

struct entry *pool_entry(struct gossip_pool *pool, const struct codec_entry *said) {
    uint64_t hash = hash_numbers(checksum_xxh64(said->key, said->version),
                                 checksum_xxh64(said->value, said->previous), said->is_removed);
    for (struct shared *shared = shelf_first(&pool->entries, hash); shared != NULL;
         shared = shelf_next(shared)) {
        struct entry *known = (struct entry *)(void *)shared;
        if (entry_matches(known, said)) {
            shared->holder_count++;
            return known;
        }
    }
    struct entry *entry =
        memory_allocate_zeroed(1, sizeof *entry + said->key.length + said->value.length);
    entry->version = said->version;
    entry->previous = said->previous;
    entry->is_removed = said->is_removed;
    entry->created_us = said->created_us;
    entry->key_length = (uint16_t)said->key.length;
    entry->value_length = (uint16_t)said->value.length;
    memcpy(entry->data, said->key.data, said->key.length);
    if (said->value.length)
        memcpy(entry->data + said->key.length, said->value.data, said->value.length);
    shelf_add(&pool->entries, &entry->shared, hash);
    return entry;
}

void entry_hold(struct entry *entry) { entry->shared.holder_count++; }

void entry_release(struct gossip_pool *pool, struct entry *entry) {
    if (shelf_release(&pool->entries, &entry->shared))
        memory_free(entry);
}

/* Chains. */

struct draft *pool_draft(struct gossip_pool *pool, const struct chain *chain) {
    struct draft *draft = &pool->draft;
    draft->version = chain->version;
    draft->floor = chain->floor;
    draft->count = 0;
    for (size_t i = 0; i < chain->count; i++) {
        entry_hold(chain->links[i].entry);
        pool_draft_insert(draft, i, chain->links[i]);
    }
    return draft;
}

void pool_draft_insert(struct draft *draft, size_t position, struct chain_link link) {
    if (draft->count == draft->capacity) {
        draft->capacity = draft->capacity ? draft->capacity * 2 : 8;
        draft->links = memory_resize(draft->links, draft->capacity * sizeof *draft->links);
    }
    memmove(draft->links + position + 1, draft->links + position,
            (draft->count - position) * sizeof *draft->links);
    draft->links[position] = link;
    draft->count++;
}

static bool chain_matches(const struct chain *chain, const struct draft *draft) {
    if (chain->version != draft->version || chain->floor != draft->floor ||
        chain->count != draft->count)
        return false;
    for (size_t i = 0; i < chain->count; i++)
        if (chain->links[i].entry != draft->links[i].entry ||
            chain->links[i].is_unconfirmed != draft->links[i].is_unconfirmed)
            return false;
    return true;
}

static uint64_t draft_hash(const struct draft *draft) {
    uint64_t hash = hash_numbers(draft->version, draft->floor, draft->count);
    for (size_t i = 0; i < draft->count; i++)
        hash =
            hash_numbers(hash, draft->links[i].entry->shared.hash, draft->links[i].is_unconfirmed);
    return hash;
}

static void links_release(struct gossip_pool *pool, const struct chain_link *links, size_t count) {
    for (size_t i = 0; i < count; i++)
        entry_release(pool, links[i].entry);
}

struct chain *pool_chain(struct gossip_pool *pool, const struct draft *draft) {
    if (chain_matches(&pool->empty, draft))
        return &pool->empty;
    uint64_t hash = draft_hash(draft);
    for (struct shared *shared = shelf_first(&pool->chains, hash); shared != NULL;
         shared = shelf_next(shared)) {
        struct chain *known = (struct chain *)(void *)shared;
        if (chain_matches(known, draft)) {
            shared->holder_count++;
            links_release(pool, draft->links, draft->count); /* the chain found holds them */
            return known;
        }
    }
    size_t link_bytes = draft->count * sizeof *draft->links;
    struct chain *chain = memory_allocate(sizeof *chain + link_bytes);
    chain->version = draft->version;
    chain->floor = draft->floor;
    chain->count = draft->count;
    if (draft->count > 0)
        memcpy(chain->links, draft->links, link_bytes);
    shelf_add(&pool->chains, &chain->shared, hash);
    return chain;
}

void chain_release(struct gossip_pool *pool, struct chain *chain) {
    if (chain == &pool->empty || !shelf_release(&pool->chains, &chain->shared))
        return;
    links_release(pool, chain->links, chain->count);
    memory_free(chain);
}
