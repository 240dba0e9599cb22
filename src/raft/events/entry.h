/* One log entry. Its encoded bytes are the same in memory, in the WAL and on the wire
 * (docs/format/entry.md):
 *
 *   0 u32 length     of the whole encoded entry, header and payload
 *   4 u32 crc32c     of bytes 8 .. length
 *   8 u64 term
 *  16 u64 index
 *  24 u8  kind       (enum raft_entry_kind)
 *  25 u8  version    (1)
 *  26 u16 reserved   (0)
 *  28 u32 reserved   (0)
 *  32     payload    opaque to raft for RAFT_ENTRY_COMMANDS
 *
 * An entry is immutable and counted by reference; one thread owns all references. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include <stddef.h>

typedef uint64_t raft_index;
typedef uint64_t raft_term;
typedef uint32_t raft_node_number; /* the node's number in the cluster's topology; 0 is nobody */

enum raft_entry_kind { RAFT_ENTRY_NOTHING, RAFT_ENTRY_COMMANDS, RAFT_ENTRY_CONFIGURATION };
enum { RAFT_ENTRY_HEADER_BYTES = 32, RAFT_ENTRY_VERSION = 1, RAFT_ENTRY_CHECKED_FROM = 8 };

struct raft_entry {
    uint32_t reference_count;
    uint32_t length; /* of bytes[] */
    raft_term term;
    raft_index index;
    enum raft_entry_kind kind;
    /* What the leader that proposes it was asked for; no part of its bytes, so the entry is a
     * common one everywhere else. Early: somebody is answered once a majority has received it. */
    bool is_early;
    uint32_t patience_us; /* its sync may wait for so long; 0: not at all */
    uint8_t bytes[];
};

/* Returns owned, one reference, with room for the payload that the caller writes at
 * raft_entry_payload_room(); raft_entry_seal() then fills in the header and the checksum. */
struct raft_entry *raft_entry_new(size_t payload_bytes);
uint8_t *raft_entry_payload_room(struct raft_entry *entry);
/* The same of a buffer that holds RAFT_ENTRY_ROOM_BYTES, whatever they are, and then the payload:
 * its memory becomes the entry, and it is empty. */
enum { RAFT_ENTRY_ROOM_BYTES = offsetof(struct raft_entry, bytes) + RAFT_ENTRY_HEADER_BYTES };
struct raft_entry *raft_entry_take(struct buffer *gathered);
void raft_entry_seal(struct raft_entry *entry, raft_term term, raft_index index,
                     enum raft_entry_kind kind);
/* Decodes and verifies one entry at the front of `in` and moves `in` past it. Returns owned in
 * *out. ERR_MALFORMED, ERR_DAMAGED (checksum), ERR_VERSION. */
int raft_entry_decode(struct bytes *in, struct raft_entry **out) MUST_CHECK;
/* As sealed or verified, of all its bytes from RAFT_ENTRY_CHECKED_FROM on. */
uint32_t raft_entry_checksum(const struct raft_entry *entry);
struct raft_entry *raft_entry_keep(struct raft_entry *entry); /* one more reference */
void raft_entry_drop(struct raft_entry *entry);               /* one less; the last frees */
static inline struct bytes raft_entry_payload(const struct raft_entry *entry) {
    return bytes_of(entry->bytes + RAFT_ENTRY_HEADER_BYTES,
                    entry->length - RAFT_ENTRY_HEADER_BYTES);
}
static inline struct bytes raft_entry_bytes(const struct raft_entry *entry) {
    return bytes_of(entry->bytes, entry->length);
}
