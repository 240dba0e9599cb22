/* A store of blobs (io/blob.h), as backups go to: in memory, reached by all nodes, outliving each.
 *
 *   sim_blobs          what is in it, and what was
 *     blob_door        one that a thread opened: its jobs, one after the other
 *
 * All that a job does is done at one moment, at its end; but what it looks at (get, list) it sees
 * as it was at moments that follow each other from the job's beginning on. So what others did to
 * the store meanwhile comes in between its calls. What it changes is changed now.
 *
 * As the door promises, a blob is there as a whole or not at all. A call that fails may have done
 * its work all the same, as where the answer is lost; a listing may break off in the middle. */
#pragma once
#include "base/random.h"
#include "io/blob.h"
#include "sim/world/event.h"
#include "sim/world/trace.h"

struct sim_blob_trouble { /* of the whole store; faults turn it on */
    bool is_away;         /* every call fails */
    double failing;       /* share of calls that do */
    uint64_t most_us;     /* that a job takes; 0: as ever */
};

struct sim_blobs_owner {
    /* May done() run now? (else it is asked again at *again_us). A dead one is ready, and is told
     * nothing: sim_blobs_end_life() will. */
    bool (*is_ready)(void *context, uint64_t *again_us);
    bool (*is_up)(void *context);
    uint64_t (*now_us)(void *context); /* its own idea of the world's time: jobs begin then */
    void (*ran)(void *context);
    unsigned node; /* for the trace */
    void *context; /* names the owner, too */
};

struct sim_blobs;
struct sim_blobs *sim_blobs_new(struct event_queue *queue, struct random *random,
                                struct trace *trace); /* borrows all */
void sim_blobs_free(struct sim_blobs *blobs);         /* no job may be left; NULL is allowed */
struct sim_blob_trouble *sim_blobs_trouble(struct sim_blobs *blobs);
/* Another door, until it is closed or its owner's life ends. */
struct blob_store *sim_blobs_open(struct sim_blobs *blobs, const struct sim_blobs_owner *owner);
/* The owner died: what was under way may have been done, or some of it; all of its jobs fail. */
void sim_blobs_end_life(struct sim_blobs *blobs, const void *owner_context);
/* One without jobs, whose calls never fail: for who looks at the store from outside. Borrowed. */
struct blob_store *sim_blobs_sound_door(struct sim_blobs *blobs);
uint64_t sim_blobs_count(const struct sim_blobs *blobs); /* that are there */
