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

/* Every key with type, value and expiry as chunks of whole records of a versioned format
 * (docs/format/keyspace.md), each of roughly 64 KiB; a keyspace without keys has no chunks. */
void keyspace_save(const struct keyspace *keyspace, void (*emit)(void *context, struct bytes chunk),
                   void *context);
/* Adds what was saved. The chunks come in order but may be cut and joined anywhere, as a snapshot's
 * frames do: what is not whole yet is kept until its rest comes, and keyspace_clear() drops it.
 * After the last call keyspace_load_is_complete() must hold. ERR_MALFORMED, ERR_VERSION: what was
 * added stays, and the caller clears. */
int keyspace_load(struct keyspace *keyspace, struct bytes saved) MUST_CHECK;
bool keyspace_load_is_complete(const struct keyspace *keyspace);
/* The same for the same keys, values and expiries, in whatever order they came: for comparing
 * replicas. */
uint64_t keyspace_hash(const struct keyspace *keyspace);
/* Appends up to `maximum` keys whose time is at or before now_ms, length-prefixed; returns how
 * many. Cheap when there are none: expiries are indexed by time. */
size_t keyspace_collect_expired(const struct keyspace *keyspace, uint64_t now_ms, size_t maximum,
                                struct buffer *out);
