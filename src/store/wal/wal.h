/* The write-ahead log: one per worker, shared by all its shards, in preallocated segments that are
 * used again once nobody needs what they hold.
 *
 *     wal_append_*() ... wal_append_*() --> [ batch being gathered ]      <- one fdatasync a round:
 * what came during [ batch on the disk's thread ]   the last round is the next batch
 *
 * wal_flush() starts a round if none is running. When a round is durable, on_durable(sequence) is
 * called on the owner's loop: every record appended with a sequence up to that one is safe.
 *
 * Every record is checksummed, chained to the one before it and numbered by round
 * (docs/format/wal.md). At recovery only the last, unsynced round may be cut (a torn tail); a bad
 * record that anything synced later than it proves to have been durable is damage, and the log is
 * refused with segment, offset and what to do. Each segment begins with a checkpoint (term, vote
 * and snapshot mark of every shard), so an old segment may go as soon as no shard needs its
 * entries. A failed write or sync is never retried: on_failure is called and the process must end
 * (fsyncgate). */
#pragma once
#include "base/buffer.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/disk.h"
#include "store/record/format.h"
#include "store/recovery/repair.h"
#include "store/recovery/visitor.h"

struct wal;

/* What may change while the log is in use; it takes effect at the next round, or at the next
 * segment that is made. */
struct wal_tuning {
    uint64_t segment_bytes; /* at least 1024 */
    uint64_t round_bytes;   /* more than one record are written at once only up to this */
    unsigned spare_count;   /* of released segments kept to be used again; at most 64 */
    uint64_t reserve_bytes; /* kept back for a full disk: see enum wal_space; 0: nothing */
    uint64_t slow_disk_us;  /* rounds faster than this are never slow: disk_score.h */
};

struct wal_options {
    struct disk *disk; /* borrows */
    struct wal_tuning tuning;
    uint64_t seed; /* of the lots that segments are told apart by */
    /* Each round begins with what is known of the shards that changed lately, so that damage can be
     * repaired (record/digest.h). */
    bool has_digests;
    const struct wal_repairer *repairer; /* borrows, until wal_open() returns; NULL: damage is
                                            refused */
    const struct log *log;               /* borrows; may be NULL */
    struct clock *clock;                 /* borrows; may be NULL: then no round is measured */
    void (*on_durable)(void *context, uint64_t sequence);
    void (*on_failure)(void *context, int error, const char *what);
    void *context;
};

/* Recovers: replays everything, cuts a torn tail, then is ready to append. Synchronous, for
 * start-up. ERR_DAMAGED, ERR_VERSION, ERR_IO... with `problem` filled. */
int wal_open(const struct wal_options *options, const struct wal_visitor *visitor, struct wal **out,
             struct wal_problem *problem) MUST_CHECK;
/* What opening it had to repair. */
const struct wal_repaired *wal_repaired(const struct wal *wal);
/* Was there no log here before it was opened? */
bool wal_is_new(const struct wal *wal);
void wal_free(struct wal *wal); /* none of its jobs may be under way: it is idle, or the disk has
                                   dropped them */

/* Each returns the sequence (1, 2, 3... in order of the calls) that on_durable will cover. Bytes
 * are copied. `index` is the entry's Raft index: the WAL must know it to release segments. */
uint64_t wal_append_entry(struct wal *wal, uint32_t shard, uint64_t index,
                          struct bytes encoded_entry);
/* The same, of an entry that is `front` and then what is lent, which is not copied. Takes what is
 * lent: it is given back when it is durable, or in wal_free(). To lend fewer than WAL_LENT_BYTES
 * takes longer than to copy them. */
enum { WAL_LENT_BYTES = 16 << 10 };
uint64_t wal_append_lent_entry(struct wal *wal, uint32_t shard, uint64_t index, struct bytes front,
                               const struct wal_lent *lent);
uint64_t wal_append_truncate(struct wal *wal, uint32_t shard, uint64_t from_index);
uint64_t wal_append_state(struct wal *wal, uint32_t shard, uint64_t term, uint32_t vote);
uint64_t wal_append_snapshot(struct wal *wal, uint32_t shard, uint64_t index, uint64_t term);
/* The replica is gone from here, with its entries and its snapshot mark; what is kept is its term
 * and vote, and where its log ended: one that is made later is bound by that. */
uint64_t wal_append_forget(struct wal *wal, uint32_t shard, uint64_t index, uint64_t term);
/* What is appended from now on may wait until then for a round (durability async); 0, as at first:
 * it does not wait. It goes with any earlier round that is begun for others. */
void wal_may_wait(struct wal *wal, uint64_t until_us);
/* Begins a round if anything of what was gathered may not wait any longer. */
void wal_flush_due(struct wal *wal, uint64_t now_us);
uint64_t wal_due_us(const struct wal *wal); /* UINT64_MAX: nothing waits */
void wal_flush(struct wal *wal);            /* begins a round with all that was gathered */
/* Begins a mark, if the newest round is followed by nothing: a round that says no more than that
 * the one before it was durable, so that damage there is no torn tail. Idle logs write one by
 * themselves (wal_due_us(), wal_flush_due()); this is for one that is about to be closed. */
void wal_mark(struct wal *wal);
/* Said before a flush: its owner has nothing else to do until the round is durable, so a small one
 * on a fast disk may be written on its own thread, within the flush. */
void wal_owner_idles(struct wal *wal, bool is_owner_idle);
void wal_tune(struct wal *wal, const struct wal_tuning *tuning);
bool wal_is_writing(const struct wal *wal); /* a round is on its way to the disk */
/* Which round was begun last: what is appended now goes with a later one. */
uint64_t wal_round_begun(const struct wal *wal);
bool wal_is_idle(const struct wal *wal); /* nothing gathered, none of its jobs under way */
/* The shard needs no entry up to index any more (its snapshot mark is durable): frees segments that
 * nobody needs. */
void wal_release(struct wal *wal, uint32_t shard, uint64_t index);
/* What is durable of a segment, and must not change any more. */
struct wal_at_rest {
    uint64_t number, end_record; /* its last record, */
    uint32_t end_crc32c;         /* and the checksum that this has */
    /* In the newest segment no byte from here on may be looked at: the next round may be writing
     * the rest of its block. UINT64_MAX: another segment follows. */
    uint64_t end_bytes;
};
/* Of the oldest segment above `number`; false: there is none. */
bool wal_at_rest_after(const struct wal *wal, uint64_t number, struct wal_at_rest *out);
/* A segment was found damaged at rest, though what it holds is known here. Nothing more is written
 * to it, it is not used again, and it goes as soon as nobody needs it: wal_shed_damage(). */
void wal_note_damage(struct wal *wal, uint64_t segment);
/* Lets damaged segments go. True: this shard still needs an entry of one, or of an older one, and
 * should take a snapshot. */
bool wal_shed_damage(struct wal *wal, uint32_t *shard);
/* The shard whose entries hold the oldest segment when more than `segments` are in use; false if
 * there is none. */
bool wal_oldest_holder(const struct wal *wal, unsigned segments, uint32_t *shard);

/* What the disk still gives. Nothing fails on a full disk, nor where the system has no file or no
 * memory left for a segment: rounds wait until there is some again, which wal_tick() finds out. So
 * that terms and votes seldom have to wait, the last of the space is for them. */
enum wal_space {
    WAL_SPACE_ENOUGH,
    WAL_SPACE_SHORT,    /* nothing new should be proposed */
    WAL_SPACE_RESERVED, /* nor entries be taken from a leader: only terms and votes */
};
enum wal_space wal_space(const struct wal *wal);
/* A round waits for space: nothing becomes durable until there is some. */
bool wal_is_stalled(const struct wal *wal);
/* For what: ERR_NO_SPACE, or what else of the system's may come back; 0: no round waits. */
int wal_stalled_for(const struct wal *wal);
/* What was wanting when a file for the log was asked for last, by the same words; 0: nothing.
 * Writes go on all the same while wal_space() says that there is room. */
int wal_wanting(const struct wal *wal);
/* For people: what is wrong, and what to do. No sentence, but the beginning of one. */
const char *wal_wanting_text(int error);
/* To be called several times a second: makes the reserve, and asks a full disk again. */
void wal_tick(struct wal *wal);

struct wal_statistics {
    uint64_t bytes_written, rounds, segments, spares, bytes_pending;
    uint64_t segments_recycled; /* begun in a file that was a segment before */
    uint64_t last_round_us;     /* from submit to done, by the owner's clock */
};
void wal_statistics(const struct wal *wal, struct wal_statistics *out);

/* How long the disk takes to make a round durable: smoothed, or, if that is longer, how long the
 * one under way has taken already. 0 before the first, and without a clock. */
uint64_t wal_sync_us(const struct wal *wal);
/* Is that slow, for this disk (disk_score.h)? */
bool wal_is_slow(const struct wal *wal);
