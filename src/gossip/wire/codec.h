/* Datagrams of gossip: a header (version, kind, sender, the sender's generation), then sections,
 * each a tag, a length and that many bytes. Sections that a release does not know are skipped, so
 * that later ones can say more.
 *
 *     | version u8 | kind u8 | sender 16 | generation varint | sections: tag u8, length u16, bytes
 *
 * Version 1 has the sender's wall clock behind the generation, and each record and entry says when
 * it was made, as the difference to that. Two nodes speak the older of their versions: each says
 * in a section WIRE of what it sends as version 0 what it would understand.
 *
 * A datagram is decoded as a whole, lists included, before anything is done with it: what is
 * malformed anywhere does nothing at all. The bytes are drawn in docs/format/gossip.md, with golden
 * vectors in tests/unit/gossip/test_codec.c. */
#pragma once
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"
#include "gossip/measure/coordinate.h"
#include "gossip/terms/member.h"
#include "gossip/terms/news.h"

enum { CODEC_SECTION_HEADER_BYTES = 3, CODEC_BUCKETS_MAXIMUM = 128 };
/* Numbers that only grow are refused above this, so that there is always a next one. */
#define CODEC_NUMBER_MAXIMUM ((uint64_t)1 << 62)

/* How the lists of a datagram are written. */
struct codec_wire {
    uint8_t version;
    uint64_t wall_us; /* version 1: the sender's wall clock when it wrote; 0: not known */
};

enum codec_kind {
#define MESSAGE(name, number, text) CODEC_##name = number,
#define SECTION(name, tag)
#include "gossip/wire/gossip_message.def"
#undef MESSAGE
#undef SECTION
};
enum codec_section {
#define MESSAGE(name, number, text)
#define SECTION(name, tag) CODEC_SECTION_##name = tag,
#include "gossip/wire/gossip_message.def"
#undef MESSAGE
#undef SECTION
};

/* What is said of one member's life. (generation, left, incarnation, state) orders records of one
 * UUID: a total order, so that all who have heard the same records, in whatever order, believe the
 * same. */
struct codec_record {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    uint64_t generation, incarnation;
    enum gossip_member_state state;
    /* Who says so, of a suspect; of the dead in version 1 only: zeros if it is not known. */
    uint8_t accuser[GOSSIP_UUID_BYTES];
    struct gossip_address address;
    char name[64];
    /* When it was said, by the wall clock of who said it: the accuser, or the member itself. 0: not
     * known, as of all that came through version 0. */
    uint64_t created_us;
};

/* The entries of one member that follow in a section ENTRIES. `floor`: removals up to this version
 * are forgotten. */
struct codec_group {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    uint64_t generation, floor;
    struct bytes entries; /* read with codec_read_entry() until cursor_left() is 0 */
};

/* One key of one member. An empty key says only that nothing lives between `previous` and
 * `version`. */
struct codec_entry {
    uint64_t version;
    uint64_t previous; /* the member's next lower version that still holds a key, or 0 */
    bool is_removed;
    struct bytes key, value;
    uint64_t created_us; /* by the member's wall clock; 0: not known */
};

/* How much somebody knows of one member. */
struct codec_digest {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    uint64_t generation, incarnation;
    enum gossip_member_state state;
    uint64_t version; /* all its entries up to this one are known */
    uint64_t floor;
};

/* A decoded datagram; borrows from its bytes. */
struct codec_message {
    struct codec_wire wire;
    unsigned newest_version; /* of the wire, that the sender says it reads */
    enum codec_kind kind;
    uint8_t sender[GOSSIP_UUID_BYTES];
    uint64_t generation;
    bool has_sequence, has_target, has_hash, has_address, has_range, has_held;
    bool is_joining; /* the sender; its own record, if it is among the records, is to be read so */
    uint64_t sequence, hash;
    bool has_life;
    uint64_t life;    /* that it was written for: codec_life() of the receiver (replay.h) */
    uint64_t count;   /* of the sender's datagrams in this life; 0: it does not say (replay.h) */
    uint64_t held_us; /* of an ACK: how long the ping waited for it */
    bool has_coordinate;
    struct coordinate coordinate; /* of the sender */
    bool has_phase;
    uint16_t phase_ms;
    uint8_t target[GOSSIP_UUID_BYTES];
    struct gossip_address address;
    uint8_t first[GOSSIP_UUID_BYTES],
        last[GOSSIP_UUID_BYTES];           /* the digest's range, both ends within */
    struct bytes records, groups, digests; /* lists, checked already */
    bool has_compare;                      /* of a PING: the buckets are wanted */
    bool has_stream; /* of a DIGEST or PULL: what is lacked can be taken by a stream; of a FILL:
                        take what is lacked of the range by one */
    struct bytes buckets;    /* read with codec_bucket_of() */
    struct bytes priorities; /* read with codec_priority_of() */
};

/* 0, ERR_VERSION or ERR_MALFORMED. */
/* A PACKED one is to be unpacked before (packing.h). */
int codec_decode(struct codec_message *message, struct bytes bytes) MUST_CHECK;
/* Reads what stands before the sections, and returns how long that is. */
size_t codec_skip_header(struct cursor *in);
/* Items of a list: in one that codec_decode() has passed they cannot fail. */
void codec_read_record(struct cursor *in, const struct codec_wire *wire,
                       struct codec_record *record);
void codec_read_group(struct cursor *in, struct codec_group *group);
void codec_read_entry(struct cursor *in, const struct codec_wire *wire, struct codec_entry *entry);
void codec_read_digest(struct cursor *in, struct codec_digest *digest);
/* With which priority the datagram's group at that place is told on: GOSSIP_STATE if it does not
 * say, and never GOSSIP_URGENT. */
enum gossip_priority codec_priority_of(const struct codec_message *message, size_t group);

/* A datagram being written, never above GOSSIP_DATAGRAM_MAXIMUM; or a message of a stream, after
 * codec_widen(), up to GOSSIP_STREAM_MESSAGE_MAXIMUM. */
struct codec_writer {
    struct buffer buffer; /* its maximum may be raised while a datagram is written (packing.h) */
    struct codec_wire wire;
    enum codec_kind kind;
    size_t header_bytes;
    size_t section_at; /* of the open section's header; 0: none is open */
    size_t group_from; /* the open group's first byte */
    size_t group_at;   /* and its length's place; 0: none is open */
};

void codec_writer_init(struct codec_writer *writer);
void codec_writer_release(struct codec_writer *writer);
void codec_begin(struct codec_writer *writer, const struct codec_wire *wire, enum codec_kind kind,
                 const uint8_t sender[GOSSIP_UUID_BYTES], uint64_t generation);
/* What was begun is for a stream. */
void codec_widen(struct codec_writer *writer);
/* The short sections. The room for them is always there when they are written first. */
void codec_write_sequence(struct codec_writer *writer, uint64_t sequence);
void codec_write_target(struct codec_writer *writer, const uint8_t uuid[GOSSIP_UUID_BYTES]);
void codec_write_wire(struct codec_writer *writer, unsigned newest_version);
void codec_write_held(struct codec_writer *writer, uint64_t held_us);
void codec_write_hash(struct codec_writer *writer, uint64_t hash);
void codec_write_address(struct codec_writer *writer, const struct gossip_address *address);
/* Halves of the buckets' hashes: a power of two of them, at most CODEC_BUCKETS_MAXIMUM. */
void codec_write_compare(struct codec_writer *writer);
void codec_write_buckets(struct codec_writer *writer, const uint32_t *halves, size_t count);
size_t codec_bucket_count(const struct codec_message *message);
uint32_t codec_bucket_of(const struct codec_message *message, size_t bucket);
void codec_write_coordinate(struct codec_writer *writer, const struct coordinate *coordinate);
void codec_write_phase(struct codec_writer *writer, uint16_t phase_ms);
void codec_write_joining(struct codec_writer *writer);
void codec_write_stream(struct codec_writer *writer);
void codec_write_count(struct codec_writer *writer, uint64_t count);
void codec_write_life(struct codec_writer *writer, uint64_t life);
/* A life in 8 bytes: a hash of who it is, and in which generation. */
uint64_t codec_life(const uint8_t uuid[GOSSIP_UUID_BYTES], uint64_t generation);
void codec_write_range(struct codec_writer *writer, const uint8_t first[GOSSIP_UUID_BYTES],
                       const uint8_t last[GOSSIP_UUID_BYTES]);
/* Lists: begin, items while they return true (false: did not fit, nothing was written), end. An
 * empty list leaves no trace. Entries stand in groups; an empty group is kept, for its floor. */
bool codec_list_begin(struct codec_writer *writer, enum codec_section section);
void codec_list_end(struct codec_writer *writer);
bool codec_write_record(struct codec_writer *writer, const struct codec_record *record);
bool codec_write_digest(struct codec_writer *writer, const struct codec_digest *digest);
bool codec_group_begin(struct codec_writer *writer, const struct codec_group *group);
bool codec_write_entry(struct codec_writer *writer, const struct codec_entry *entry);
void codec_group_end(struct codec_writer *writer);
/* Of the groups written, in their order; left out if there is no room. */
void codec_write_priorities(struct codec_writer *writer, const enum gossip_priority *priorities,
                            size_t count);
/* What the writing would take, without the headers of sections. */
size_t codec_record_bytes(const struct codec_wire *wire, const struct codec_record *record);
size_t codec_group_bytes(const struct codec_group *group); /* without its entries */
size_t codec_entry_bytes(const struct codec_wire *wire, const struct codec_entry *entry);
size_t codec_priorities_bytes(size_t count);
void codec_group_cancel(struct codec_writer *writer); /* takes back the group begun */
