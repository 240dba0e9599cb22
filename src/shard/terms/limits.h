/* The limits of a shard: of what waits, of an entry, of a snapshot on its way. */
#pragma once
#include "io/net.h"
#include <stddef.h>
#include <stdint.h>

enum {
    SHARD_PENDING_READ_MAXIMUM = 1 << 20,
    SHARD_SNAPSHOT_PIECE_BYTES = 256 << 10,
    SHARD_SNAPSHOT_PIECES_IN_FLIGHT = 4,
    SHARD_WAIT_MAXIMUM = 65536,
    SHARD_WAIT_LONGEST_MS = 3600 * 1000,
    SHARD_HELD_REPLY_BYTES_MAXIMUM = 64 << 20, /* past it nothing is applied before its commit */
    SHARD_SNAPSHOT_WISHES_MAXIMUM = 2 * SHARD_SNAPSHOT_PIECES_IN_FLIGHT,
    SHARD_SNAPSHOT_VERSION = 3,       /* the newest that is spoken, of the messages of a transfer */
    SHARD_SNAPSHOT_VERSION_WHOLE = 1, /* the same, of snapshots with one chunk a slot at most */
    SHARD_SNAPSHOT_HASTE = 4, /* a turn grows by so many times for each further eighth held twice */
    SHARD_SNAPSHOT_JOBS_MAXIMUM = 2, /* chunks of one snapshot on their way to the disk */
    SHARD_EXPIRE_BATCH_MAXIMUM = 512,
    SHARD_EXPIRE_KEYS_PER_COMMAND = 256,
    SHARD_ELECTION_DELAYS = 8,
    SHARD_ELECTION_STRETCH_MAXIMUM = 5,   /* times the setting, however slow everything is */
    SHARD_EXPIRE_COMMAND_BYTES = 1 << 20, /* of keys; a longer one goes alone */
    SHARD_TRACE_MAXIMUM = 256,       /* traced commands under way; more are run and not followed */
    SHARD_TRACE_AWAITED_MAXIMUM = 32 /* slow entries that have not come here yet; the newest */
};
/* An entry travels in one message between nodes, beside what that says of itself. */
#define SHARD_ENTRY_BYTES_MAXIMUM ((size_t)NET_PEER_MESSAGE_MAXIMUM - (64 << 10))
/* Of one command, encoded. The rest of an entry is its header, and room to delete any key that such
 * a command holds. */
#define SHARD_COMMAND_BYTES_MAXIMUM (SHARD_ENTRY_BYTES_MAXIMUM - 1024)
#define SHARD_LOG_KEPT_US           ((uint64_t)60 * 1000 * 1000) /* after the last early answer */
#define SHARD_CHANGE_PAUSE_US       ((uint64_t)5 * 1000 * 1000)  /* after a change was given up */
/* A transfer in which the follower has neither received nor loaded one byte more is broken off,
 * though it answers. */
#define SHARD_SNAPSHOT_STANDSTILL_US ((uint64_t)600 * 1000 * 1000)
