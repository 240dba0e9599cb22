/* The topology: which nodes belong to the cluster, which shards there are, who replicates each,
 * which slots each owns. Decided by the control shard (shard 0, whose state machine this is), told
 * by gossip (the epoch) and by peers. Encoded form: docs/format/topology.md. Pure. */
#pragma once
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"
#include "slot/slot.h"
#include <assert.h>

enum {
    TOPOLOGY_VERSION = 5, /* older ones are read too: 1 has no wishes, 2 no settings, 3 nobody
                             removed, 4 no feature level; without one 4 is written */
    TOPOLOGY_VERSION_FIRST = 1,
    TOPOLOGY_VERSION_SETTINGS = 3, /* the first with settings */
    TOPOLOGY_VERSION_REMOVED = 4,  /* the first with nodes that were removed */
    TOPOLOGY_VERSION_LEVEL = 5,    /* the first with a feature level */
    TOPOLOGY_REMOVED_MAXIMUM = 4096,
    TOPOLOGY_NODE_MAXIMUM = 1024,
    TOPOLOGY_NUMBER_MAXIMUM = 1 << 20, /* of a node: some tables have a place for each */
    TOPOLOGY_SHARD_MAXIMUM =
        1024, /* data shards, numbered 1 .. shard_count; shard 0 is the control shard */
    TOPOLOGY_REPLICA_MAXIMUM = 7,
    TOPOLOGY_HOST_MAXIMUM = 64,
    TOPOLOGY_SETTING_MAXIMUM = 256,
    TOPOLOGY_SETTING_NAME_MAXIMUM = 64,
    TOPOLOGY_SETTING_VALUE_MAXIMUM = 1024,
    TOPOLOGY_BYTES_MAXIMUM = 4 << 20
};

/* By so much the epoch rises when nodes are given up: whatever those may decide among themselves
 * when they come back is older. */
#define TOPOLOGY_EPOCH_RECOVERY ((uint64_t)1 << 32)
/* Were nodes given up between these two epochs? */
static inline bool topology_was_recovery_between(uint64_t earlier, uint64_t later) {
    return earlier / TOPOLOGY_EPOCH_RECOVERY < later / TOPOLOGY_EPOCH_RECOVERY;
}

struct topology_address {
    char host[TOPOLOGY_HOST_MAXIMUM];
    uint16_t client_port, peer_port, admin_port;
};

struct topology_node {
    uint32_t number; /* 1, 2, 3...: its name in Raft; never used again */
    uint8_t uuid[16];
    struct topology_address address;
};

struct topology_shard {
    uint32_t number;
    uint32_t
        replicas[TOPOLOGY_REPLICA_MAXIMUM]; /* node numbers; the first is the preferred leader */
    unsigned replica_count;
    struct slot_set slots; /* empty for shard 0 */
    /* `replicas` is what is wanted. Who votes follows by Raft, and the shard's leader tells when
     * they are the same. */
    uint64_t wanted_epoch; /* when these replicas were asked for; 0: since the founding */
    bool is_settled;       /* they vote, and nobody else */
    /* 0, or: the majority was lost, and this replica alone makes the shard go on; until it is
     * settled it is one of those that are wanted. */
    uint32_t survivor;
};

/* Out of the cluster for ever. */
struct topology_removed {
    uint32_t number;
    uint8_t uuid[16];
};

/* A setting of all nodes (`trothdb cluster set`). */
struct topology_setting {
    char *name, *value; /* owned */
};

struct topology {
    uint8_t cluster_id[16];
    uint64_t epoch; /* raised by every change */
    unsigned level; /* of features that are on (feature.h); 0: none */
    struct topology_node *nodes;
    unsigned node_count;
    struct topology_shard *shards;     /* shards[0] is the control shard */
    unsigned shard_count;              /* with the control shard */
    struct topology_setting *settings; /* ascending by name */
    unsigned setting_count;
    struct topology_removed *removed; /* in the order of their going */
    unsigned removed_count;
    uint16_t slot_owner[SLOT_COUNT]; /* derived: shard number, 0 for nobody */
};

static_assert(TOPOLOGY_SHARD_MAXIMUM <= UINT16_MAX, "slot_owner holds any shard's number");

/* A founding topology: nodes numbered from 1 in the order given, slots dealt in equal ranges,
 * replicas dealt in turn so that leaders and replicas are spread evenly. Epoch 1. Returns owned.
 * Arguments must fit the limits above (CHECK). */
struct topology *topology_found(const uint8_t cluster_id[16], const struct topology_node *nodes,
                                unsigned node_count, unsigned data_shard_count,
                                unsigned replica_count);
/* The same shards, slots and settings as the founding of another cluster, of one node that holds
 * all of it: for a restore. Epoch 1. Returns owned. */
struct topology *topology_found_again(const struct topology *topology, const uint8_t cluster_id[16],
                                      const struct topology_node *node);
void topology_free(struct topology *topology);
struct topology *topology_copy(const struct topology *topology);
void topology_encode(const struct topology *topology, struct buffer *out);
/* Checks everything: versions, limits, that every replica is a node, that slots do not overlap.
 * Returns owned in *out. */
int topology_decode(struct bytes in, struct topology **out) MUST_CHECK;

const struct topology_node *topology_node(const struct topology *topology,
                                          uint32_t number); /* NULL if unknown */
const struct topology_node *topology_node_by_uuid(const struct topology *topology,
                                                  const uint8_t uuid[16]);
const struct topology_removed *topology_removed_by_uuid(const struct topology *topology,
                                                        const uint8_t uuid[16]);
bool topology_was_removed(const struct topology *topology, uint32_t node_number);
const struct topology_shard *topology_shard(const struct topology *topology, uint32_t number);
bool topology_shard_has_replica(const struct topology_shard *shard, uint32_t node_number);
/* The value of a setting of all nodes; NULL: none is set. Borrows. */
const char *topology_setting(const struct topology *topology, struct bytes name);

/* Do nodes other than this one hold replicas of the shard? Only if that is certain: the wish is
 * fulfilled. */
bool topology_has_peers(const struct topology *topology, uint32_t node_number, uint32_t shard);

/* The control shard's commands (topology_command.c): what its log entries hold. apply() is
 * deterministic and changes the epoch if, and only if, it changed anything. Encoded as a list of
 * arguments, first the name:
 *
 *   node.address <number> <host> <client port> <peer port> <admin port>   a node was restarted
 *                                                                         elsewhere
 *   node.add <uuid, hex> <host> <client port> <peer port> <admin port>    a spare joins
 *   shard.replicas <shard> <node number>...                               these replicas are wanted
 *   shard.settled <shard> <wanted epoch>                                  they vote by now
 *   node.remove <number>                           it holds no replica, and goes: else ERR_BUSY
 *   nodes.lost <number>,... <shard>=<number>,...   they are given up, and go; a shard that has no
 *                                                  majority without them goes on from the replica
 *                                                  on the node named, or ERR_BUSY; while a change
 *                                                  is under way that may be an old replica
 *   topology.restore <encoded>                     one of this cluster that is newer takes the
 *                                                  place of this one
 *   level.raise <level>                            all nodes know the features of this level
 *   setting.set <name> <value> [<name> <value>...]                        settings of all nodes
 *   setting.unset <name>...
 *
 * ERR_INVALID, ERR_NOT_FOUND (a node or a shard), ERR_LIMIT (no more nodes or settings). */
int topology_apply(struct topology *topology, const struct bytes *arguments,
                   size_t count) MUST_CHECK;
