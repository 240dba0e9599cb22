/* The keys of one shard: slots -> keys -> values. Pure: time comes with every call. Everything that
 * decides what a replica holds is deterministic; the order of a table's walk may differ between
 * replicas and decides nothing. (Seam: what shard/ and sim/ call. What commands call stands in the
 * headers beside this one.) */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "slot/slot.h"

struct keyspace;

struct keyspace *keyspace_new(uint64_t hash_seed);
void keyspace_free(struct keyspace *keyspace);
uint64_t keyspace_key_count(const struct keyspace *keyspace);
uint64_t keyspace_expiring_count(const struct keyspace *keyspace);
uint64_t
keyspace_memory_bytes(const struct keyspace *keyspace); /* keys and values with their overhead */
uint64_t keyspace_slot_key_count(const struct keyspace *keyspace, slot_number slot);
/* Up to `maximum` keys of a slot: `each` per key. */
void keyspace_slot_keys(const struct keyspace *keyspace, slot_number slot, size_t maximum,
                        void (*each)(void *context, struct bytes key), void *context);
void keyspace_clear(struct keyspace *keyspace);

/* Every key with type, value and expiry as a sequence of self-delimiting records of a versioned
 * format (docs/format/keyspace.md), in chunks of roughly 64 KiB at record boundaries. */
void keyspace_save(const struct keyspace *keyspace, void (*emit)(void *context, struct bytes chunk),
                   void *context);
/* Adds the records of one chunk (whole records). ERR_MALFORMED, ERR_VERSION. */
int keyspace_load(struct keyspace *keyspace, struct bytes chunk) MUST_CHECK;
/* The same for the same keys, values and expiries, in whatever order they came: for comparing
 * replicas. */
uint64_t keyspace_hash(const struct keyspace *keyspace);
/* Appends up to `maximum` keys whose time is at or before now_ms, length-prefixed; returns how
 * many. Cheap when there are none: expiries are indexed by time. */
size_t keyspace_collect_expired(const struct keyspace *keyspace, uint64_t now_ms, size_t maximum,
                                struct buffer *out);
