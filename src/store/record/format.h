/* The bytes of the write-ahead log (docs/format/wal.md). A segment is a file of records, one behind
 * the other:
 *
 *      +------------+--------+--------+--   --+--------+-----+----------------------------+
 *      | CHECKPOINT | record | record |  ...  | record | end | zeros, or the former life  |
 *      +------------+--------+--------+--   --+--------+-----+----------------------------+
 *
 * A record, little-endian, on an 8-byte boundary:
 *
 *      0 u32 header_crc32c   of bytes 4 .. 64
 *      4 u32 record_crc32c   the previous record's (0 at the start of a segment), continued over
 *                            bytes 8 .. end
 *      8 u32 magic           "TWAL"
 *     12 u8  version         2
 *     13 u8  kind            enum wal_kind
 *     14 u8  flags           bit 0: the last record of its round; bit 1, of a checkpoint: behind
 *                            the end stands what the file held in a former life
 *     15 u8  reserved        0
 *     16 u64 segment        \
 *     24 u64 record          > where it belongs: number of the segment, of the record (1, 2, ...),
 *     32 u64 round          /  of the round
 *     40 u32 shard
 *     44 u32 payload_bytes
 *     48 u64 index           entry: its index; truncate: from; snapshot: up to; release: the oldest
 *                            segment kept
 *     56 u64 life            drawn by lot for each segment: tells its records from what the file
 *                            held before, and from whatever an entry may hold
 *     64     payload, then zeros up to the next multiple of 8
 *
 * Behind the last record of each round stands the end, eight bytes of zero, where there is room. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "io/disk.h"

enum {
    WAL_VERSION = 2,
    WAL_HEADER_BYTES = 64,
    WAL_END_BYTES = 8,
    WAL_RECORD_ALIGNMENT_BYTES = 8,
    WAL_PAYLOAD_MAXIMUM_BYTES = 1 << 30,
    WAL_SEGMENT_MINIMUM_BYTES = 1024, /* of a file that is made to be one */
    WAL_SHARD_MAXIMUM = 65536,
    WAL_FLAG_LAST_OF_ROUND = 1,
    WAL_FLAG_RECYCLED = 2,
};

/* Segments being made; whoever finds one at start-up removes it. */
#define WAL_SPARE_NEW_NAME "wal-spare.new"
#define WAL_NEXT_NEW_NAME  "wal-next.new"
/* A segment of a log that is being repaired, behind the first one: its number follows. */
#define WAL_REPAIRED_PREFIX "wal-repaired-"
/* A zero-filled file that becomes a segment when a full disk gives none. */
#define WAL_RESERVE_NAME "wal-reserve"
/* A segment that was damaged and is not needed any more: for study. */
#define WAL_DAMAGED_PREFIX "damaged-"

enum wal_kind {
    WAL_ENTRY = 1,  /* payload: the encoded entry */
    WAL_TRUNCATE,   /* no payload */
    WAL_STATE,      /* payload: u64 term, u32 vote, u32 0 */
    WAL_SNAPSHOT,   /* payload: u64 term */
    WAL_CHECKPOINT, /* only and always the first record of a segment: see ledger.h */
    WAL_RELEASE,    /* no payload: older segments are needed by nobody */
    WAL_CUT,        /* no payload: recovery cut a torn round here */
    WAL_FORGET,     /* payload as of a snapshot: the shard's entries and snapshot are void */
    WAL_DIGEST,     /* said again at the head of a round: see digest.h */
    WAL_KIND_END
};

/* Of one shard, or of the log? */
static inline bool wal_kind_is_of_shard(enum wal_kind kind) {
    return kind == WAL_ENTRY || kind == WAL_TRUNCATE || kind == WAL_STATE || kind == WAL_SNAPSHOT ||
           kind == WAL_FORGET;
}

struct wal_header {
    enum wal_kind kind;
    bool is_last_of_round, is_recycled;
    uint32_t shard, payload_bytes, record_crc32c;
    uint64_t segment, record, round, index, life;
};

/* The last bytes of a payload, lent to the log: it writes them from where they are, and they stand
 * still until they are given back. Their checksum is of who made them or took them in, so that both
 * vouch for the same bytes; the log does not look at them again. */
struct wal_lent {
    struct bytes bytes;
    uint32_t crc32c;
    void (*give_back)(void *owner);
    void *owner;
};

/* Whole record: header, payload, padding. */
size_t wal_record_bytes(uint32_t payload_bytes);
/* Appends an unsealed record: kind, shard, index and payload are in, where it will lie is not. */
void wal_record_append(struct buffer *out, enum wal_kind kind, uint32_t shard, uint64_t index,
                       struct bytes payload);
/* The same, of a payload that is `front` and then what is lent, which is left out: the record is
 * shorter by that, and until it is sealed it says so. */
void wal_record_append_front(struct buffer *out, enum wal_kind kind, uint32_t shard, uint64_t index,
                             struct bytes front, const struct wal_lent *lent);
/* Kind, shard, index, payload_bytes of an unsealed record; the rest of *header is zero. */
void wal_record_peek(const uint8_t *record, struct wal_header *header);
size_t wal_record_bytes_at(const uint8_t *record); /* whole */
/* How many of them, of its payload, are left out. */
uint32_t wal_record_lent_bytes(const uint8_t *record);
#define WAL_CUT_SHORT "the file was cut short: it ends within what was written"
/* Does the file end within a record that begins at `offset`, or before a first one could? Its
 * length is durable before anything is written to it, so no crash leaves it so. `header` is what
 * verifies there and is of this life, or NULL. */
bool wal_is_cut_short(struct bytes segment, size_t offset, bool is_recycled,
                      const struct wal_header *header);
/* Fills in segment, record, round, life and the flags from *header, and both checksums. `chain` is
 * the previous record's record_crc32c, 0 at the start of a segment; it becomes this one's. */
void wal_record_seal(uint8_t *record, const struct wal_header *header, uint32_t *chain);
/* The same of a record as it was appended, which may lack what is lent. */
void wal_record_seal_appended(uint8_t *record, const struct wal_header *header, uint32_t *chain);

/* Reads the header at the front of `bytes`. ERR_MALFORMED: no header whose checksum verifies stands
 * here. ERR_VERSION: one of another release does. ERR_DAMAGED: it verifies and holds what no
 * release wrote. */
int wal_header_decode(struct bytes bytes, struct wal_header *header) MUST_CHECK;
/* Is the record at the front of `bytes` whole, and does it follow a record whose record_crc32c is
 * `chain`? */
bool wal_record_verify(struct bytes bytes, const struct wal_header *header, uint32_t chain);
static inline struct bytes wal_record_payload(const uint8_t *record,
                                              const struct wal_header *header) {
    return bytes_of(record + WAL_HEADER_BYTES, header->payload_bytes);
}

struct wal_state {
    uint64_t term;
    uint32_t vote;
};
enum { WAL_STATE_PAYLOAD_BYTES = 16, WAL_SNAPSHOT_PAYLOAD_BYTES = 8 };
void wal_state_encode(uint8_t out[WAL_STATE_PAYLOAD_BYTES], const struct wal_state *state);
int wal_state_decode(struct wal_state *state, struct bytes payload) MUST_CHECK;
void wal_snapshot_encode(uint8_t out[WAL_SNAPSHOT_PAYLOAD_BYTES], uint64_t term);
int wal_snapshot_decode(uint64_t *term, struct bytes payload) MUST_CHECK;

/* "wal-0000000001" */
void wal_segment_name(uint64_t segment, char out[DISK_NAME_MAXIMUM]);
bool wal_segment_name_parse(const char *name, uint64_t *segment);
/* "wal-spare-0000000001": a whole file that waits to become a segment. */
void wal_spare_name(uint64_t spare, char out[DISK_NAME_MAXIMUM]);
bool wal_spare_name_parse(const char *name, uint64_t *spare);
/* "wal-repaired-0000000001": WAL_REPAIRED_PREFIX and the segment that it becomes. */
void wal_repaired_name(uint64_t segment, char out[DISK_NAME_MAXIMUM]);
bool wal_repaired_name_parse(const char *name, uint64_t *segment);
