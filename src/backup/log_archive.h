/* A piece of a shard's archived log: committed entries that follow each other, as one blob
 * (docs/format/backup.md). Little-endian.
 *
 *    0 "TLAR"   4 u16 version (1)   6 u16 0   8 16 bytes cluster id   24 u32 shard   28 u32 entries
 *   32 u64 first index   40 u64 last index   48 u64 first stamp   56 u64 last stamp
 *   64 u64 raw bytes   72 u64 packed bytes   80 one zstd frame: the entries, back to back
 *   .. u64 xxh3 of everything before it
 */
#pragma once
#include "backup/backup_name.h"
#include "base/cursor.h"
#include "raft/events/entry.h"

enum {
    LOG_ARCHIVE_VERSION = 1,
    LOG_ARCHIVE_HEADER_BYTES = 80,
    /* Of entries in one blob, unless a single entry is longer. */
    LOG_ARCHIVE_RAW_BYTES = 4 << 20,
};

struct log_archive {
    struct backup_place place;
    struct backup_log log;
    uint32_t entry_count;
};

/* `entries` are encoded entries, back to back. Appends the blob to `out`, which must have room for
 * it. */
void log_archive_encode(const struct log_archive *archive, struct bytes entries,
                        struct buffer *out);
/* Verifies all of it, then calls `each` with every entry, in order; they are borrowed for the call.
 * A non-zero return stops it and is returned. ERR_MALFORMED, ERR_VERSION, ERR_DAMAGED. */
int log_archive_decode(struct bytes blob, struct log_archive *archive,
                       int (*each)(void *context, const struct raft_entry *entry),
                       void *context) MUST_CHECK;
