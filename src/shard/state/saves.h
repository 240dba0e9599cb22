/* What raft asked to be saved and is not durable yet, and the messages that wait for it (step.c,
 * events.c). */
#pragma once
#include "base/containers/queue.h"
#include "raft/raft.h"

/* A raft message that waits for a save to be durable. Never one with entries. */
struct held_message {
    uint64_t after_save;
    struct raft_message message;
};

/* Raft's save number `save_sequence` is on disk when the WAL's `wal_sequence` is. */
struct pending_save {
    uint64_t wal_sequence, save_sequence;
    raft_index last_index; /* of the log, as it was then */
};

struct shard_saves {
    struct queue messages; /* struct held_message */
    struct queue pending;  /* struct pending_save */
    uint64_t durable;      /* number of the last save that is */
};
