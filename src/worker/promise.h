/* For how long the replicas of a worker promise a leader to vote for nobody else
 * (raft/state/lease.h), as far as it outlives the process: the longest promise that may still be
 * out stands in the file `promise` of the worker's directory (docs/format/promise.md).
 *
 *      lease-ms is made longer    the file says so first, the replicas promise it then
 *      lease-ms is made shorter   they promise less at once; the file says so once the last of the
 *                                 longer promises has run off
 *      start                      no replica votes before what the file says has run off
 *
 * So a life that begins by other settings keeps what the one before it promised (CBTR 6.4.1). */
#pragma once
#include "io/disk.h"

#define PROMISE_FILE "promise"
/* The longest that lease-ms can be: what was promised if the file cannot tell. */
#define PROMISE_LONGEST_US ((uint64_t)60 * 1000 * 1000)

struct promise {
    struct disk *disk;   /* borrowed */
    uint64_t most_us;    /* durable: nothing longer is promised, or was, and is out */
    uint64_t wanted_us;  /* by the settings */
    uint64_t run_off_us; /* what is longer than that is out until then at the most */
    bool is_guessed;     /* the file could not be read at the start, or was missing where replicas
                            had lived */
};

/* What the file says. ERR_NOT_FOUND: there is none, as in the directory of a release before it.
 * ERR_DAMAGED, ERR_VERSION. */
int promise_read(struct disk *disk, uint64_t *promise_us) MUST_CHECK;
/* In a directory that is written, and in which no replica has lived: nothing is promised. */
int promise_write_none(struct disk *disk) MUST_CHECK;
/* At a start: what the file says, or the longest if that cannot be read, and at least what is
 * wanted, durably. Where there is none, nothing was promised, unless the log tells of replicas
 * (`had_replicas`): then they were of a release before it, by settings that nobody knows, and it
 * is the longest as well. ERR_NO_SPACE, ERR_IO: no replica may be made. */
int promise_open(struct promise *promise, struct disk *disk, bool had_replicas, uint64_t wanted_us,
                 uint64_t now_us) MUST_CHECK;
/* The settings are others. On error replicas go on promising no more than most_us, and
 * promise_tick() tries again. */
int promise_want(struct promise *promise, uint64_t wanted_us, uint64_t now_us) MUST_CHECK;
/* To be called now and then: brings the file to what is wanted, once it may say so. */
int promise_tick(struct promise *promise, uint64_t now_us) MUST_CHECK;
