/* The power of a node, which all its disks share, and the space that is left on them.
 *
 * It counts every call that touches a disk and can fail at any of them, in the middle of a write
 * too: from then on every call fails and changes nothing, until the node's next life. */
#pragma once
#include "base/random.h"
#include "sim/world/trace.h"

struct sim_power {         /* one a node */
    struct random *random; /* borrows */
    struct trace *trace;   /* borrows */
    unsigned node;         /* for the trace */
    uint64_t call_count;
    uint64_t off_at_call;            /* 0: never */
    uint64_t off_calls_after_remove; /* the next file that is removed sets off_at_call; 0: none */
    uint64_t
        sync_failure_at_call; /* 0: never; the first sync at or after this call fails with ERR_IO */
    uint64_t write_failure_at_call; /* the same of the first call that writes */
    uint64_t writes_fail_until_us;  /* and of all that write or sync until then */
    bool is_off;
    bool has_failed;        /* any of these, in this life... */
    bool has_log_been_told; /* ...and so the log: its owner knows that it is not durable */
    uint64_t slow_us;       /* added to every job while the disk is slow */
    bool is_limited;        /* files may grow by free_bytes only */
    uint64_t free_bytes;
    void (*went_off)(void *context); /* called within a disk call; only note it */
    void *context;
};

/* Asked by every call that touches the disk. */
bool sim_power_is_on(struct sim_power *power);
/* A file was removed: faults may wait for that. */
void sim_power_note_removal(struct sim_power *power);
/* Longer files need space, of which a full disk has little; changing what is there needs none. */
bool sim_power_take_space(struct sim_power *power, uint64_t from_bytes, uint64_t to_bytes);
/* Does this call, which writes or syncs, fail? Then it is to return ERR_IO. */
bool sim_power_fails_write(struct sim_power *power);
bool sim_power_fails_sync(struct sim_power *power);
void sim_power_give_space(struct sim_power *power, uint64_t bytes);
