/* Snapshots under way: to a follower (send.c), from the leader (receive.c, install.c),
 * of this replica (take.c, taken.c); and the way back to one (rewind.c). */
#pragma once
#include "base/buffer.h"
#include "raft/raft.h"
#include "shard/machine/cut.h"
#include "shard/terms/transfer.h"
#include "store/snapshot/manifest.h"

/* A snapshot on its way to a follower, which asks for what it lacks. */
struct outgoing_snapshot {
    raft_node_number peer;              /* 0: free */
    uint64_t number;                    /* of the transfer: a job of an older one is dropped */
    struct snapshot_manifest *manifest; /* held on the shelf */
    struct shard_snapshot_wish wishes[SHARD_SNAPSHOT_WISHES_MAXIMUM]; /* oldest first */
    unsigned wish_count;
    struct buffer image; /* of the chunk that is being sent */
    uint32_t image_ordinal;
    bool has_image, is_loading;
    uint64_t sent_bytes, received_bytes; /* the latter as the follower tells */
    uint64_t heard_us, offered_us;
    uint64_t advanced_us; /* the follower had more */
    uint64_t admitted_us; /* the rate allows the next piece from then on */
};

/*   NONE -- offer --> LOOKING for what is here already --> RECEIVING what is not
 *        --> LOADING all into a second machine --> NAMING: the manifest made durable
 *        --> MARKING: the log's mark of it made durable --> in place, NONE */
enum incoming_stage {
    INCOMING_NONE,
    INCOMING_LOOKING,
    INCOMING_RECEIVING,
    INCOMING_LOADING,
    INCOMING_NAMING,
    INCOMING_MARKING
};
enum chunk_state { CHUNK_LACKING, CHUNK_STORING, CHUNK_REUSED, CHUNK_STORED };
struct incoming_snapshot {
    enum incoming_stage stage;
    uint64_t number; /* of the transfer: a job of an older one is dropped */
    raft_node_number from;
    uint32_t version; /* the offer's */
    raft_term leader_term;
    raft_index index;
    struct raft_configuration configuration;
    struct snapshot_manifest *offer;    /* as the leader has it */
    struct snapshot_manifest *manifest; /* as it will be here */
    enum chunk_state *chunks;           /* by ordinal */
    uint32_t fetching;                  /* the first chunk that is lacking; chunk_count: none */
    struct buffer image;                /* what came of it */
    struct shard_snapshot_wish next_wish;
    unsigned asked_count;    /* pieces that were asked for and have not come */
    uint64_t received_bytes; /* and then loaded: the leader sees by it that this goes on */
    unsigned storing_count;
    uint64_t heard_us, asked_us;
    uint64_t mark_sequence; /* of the WAL */
    struct machine *machine;
    uint32_t loading; /* ordinal of the chunk that `raw` is, or will be */
    struct buffer raw;
    uint64_t next_load_us;
};

enum own_stage { OWN_NONE, OWN_SAVING, OWN_NAMING, OWN_MARKING };
struct own_snapshot {
    enum own_stage stage;
    uint64_t number; /* of the snapshot: a job of one that was given up is dropped */
    uint64_t begun_us, next_save_us;
    struct snapshot_meta meta;
    struct plan plan;
    struct cut *cut;
    bool is_ending;      /* one that was given up: the machine goes through what it had for it */
    uint32_t next_chunk; /* to be saved or verified */
    unsigned job_count;
    bool is_log_wanted;                 /* in memory, all of it behind this */
    int error;                          /* the first of its jobs */
    struct part_set changed;            /* before it began; noted again if it fails */
    struct snapshot_manifest *manifest; /* from NAMING on */
    uint64_t mark_sequence;
    uint64_t log_bytes; /* of shard->applied_bytes, when it was taken */
};

/* Until when a snapshot that is wanted waits for those of other replicas (stagger.c). */
enum { STAGGER_NOT_WANTED = 0, STAGGER_HAS_COME = 1 };
struct stagger {
    uint64_t due_us;     /* or one of the above */
    uint64_t most_bytes; /* of shard->applied_bytes: it waits no longer then */
};

/* Going back, and catching up: rewind.c. */
enum rewind_stage { REWIND_NONE, REWIND_LOADING, REWIND_APPLYING };
struct rewind {
    enum rewind_stage stage;
    uint64_t number;                    /* a job of an older one is dropped */
    struct snapshot_manifest *manifest; /* held on the shelf; NULL: there is no snapshot */
    uint32_t loading;                   /* ordinal of the chunk that `raw` is, or will be */
    bool is_put_off;                    /* it could not be read just then */
    struct buffer raw;
    raft_index apply_to;
    bool is_catching_up; /* it did not go back */
    raft_index seen;     /* of what is committed then: its bytes were counted */
    uint64_t next_us;
};
