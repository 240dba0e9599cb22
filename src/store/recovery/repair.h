/* Repairs a log that is damaged where it was durable once: keeps what is certain, and says of each
 * shard that lost entries where its log ended, so that its replica is bound by what it acknowledged
 * and gets the rest from its peers (docs/decisions/0019-damage-is-repaired.md).
 *
 *     ... [ read ] XXXX [ read ] D ...      D: a digest, which counts each shard's records
 *
 * A shard of which D counts no more records than were read lost nothing. Of the others everything
 * behind the gap is dropped, unless a snapshot covers the gap. Term and vote are certain for all,
 * because D says them again. Where no digest reaches back over a gap nothing is repaired.
 *
 * What is kept is written to new segments (rewrite.h), of which the first takes the place of
 * all before it, at once. They are set aside as WAL_DAMAGED_PREFIX and their number. The damaged
 * log is read twice for that, a segment at a time: to know what is kept, and to copy it. So a
 * repair takes the memory of two segments, however long the log is. */
#pragma once
#include "base/log.h"
#include "base/random.h"
#include "store/recovery/replay.h"

/* What is certain of a damaged log may be kept and the rest be got from the peers, if the owner
 * says so. */
struct wal_repairer {
    /* May entries of this shard be dropped here? Only if other nodes have replicas of it. */
    bool (*may_lose)(void *context, uint32_t shard);
    uint64_t (*entry_term)(struct bytes encoded_entry); /* 0: it cannot be read */
    void (*restart)(void *context); /* what was replayed so far is void: it begins again */
    void *context;
};
struct wal_repaired {
    uint64_t gap_count;       /* places where nothing could be read; 0: the log was whole */
    uint64_t segment, offset; /* of the first gap */
    unsigned shard_count;     /* that lost entries */
};

struct wal_repair_options {
    struct disk *disk;
    const struct log *log; /* may be NULL */
    const struct wal_repairer *repairer;
    struct random *random;  /* what tells segments apart is drawn from it */
    uint64_t segment_bytes; /* of a new one */
};

/* ERR_DAMAGED: nothing was changed, and the log line says why. ERR_IO...: the disk refused. */
int wal_repair(const struct wal_repair_options *options, struct wal_repaired *out) MUST_CHECK;

/* If a segment of the listing begins the log anew, sets all before it aside and takes them off the
 * listing. What a repair that was broken off has left is put right before. */
int wal_begin_anew(struct disk *disk, struct wal_listing *listing) MUST_CHECK;
