/* What the parts of a run share: a whole cluster, its clients and its faults in one thread, decided
 * by one seed. scene.h makes it, run.h runs it.
 *
 * Everything random is drawn from `random`, in the order of events: so a seed is a run. */
#pragma once
#include "base/buffer.h"
#include "base/log.h"
#include "config/config.h"
#include "seal/seal.h"
#include "sim/cluster/mix.h"
#include "sim/history/history.h"
#include "sim/world/event.h"
#include "sim/world/net.h"
#include "sim/world/trace.h"

enum { SIM_CLIENT_MAXIMUM = 16, SIM_FAILURE_MAXIMUM = 64 * 1024 };

struct simulation_options {
    uint64_t seed;
    double minutes;
    unsigned node_count; /* 0: by the seed */
    bool is_printed;
    unsigned shard_count; /* 0: by the seed */
    int mix;              /* enum mix; negative: by the seed */
};

struct archivist;
struct past;
struct sim_blobs;
struct sim_node;
struct client;
struct checks;
struct connection;
struct faults;
struct loss;
struct loss_account;
struct risk;
struct situations;

/* How the clients behave for a while: quiet first, then eager, all as ever, or only reading, or in
 * two camps: those of even number read at `node`, the others ask everybody else. It makes moments
 * in which a stale answer would show. */
enum mood_kind { MOOD_ANY, MOOD_READS, MOOD_CAMPS };
struct mood {
    enum mood_kind kind;
    unsigned node;
    uint64_t quiet_until_us, eager_until_us;
};

enum simulation_phase { PHASE_BOOT, PHASE_FAULTS, PHASE_HEALED, PHASE_LAST_READS, PHASE_OVER };

struct simulation_statistics {
    uint64_t operations_done, operations_void, operations_unknown;
    uint64_t crashes, restarts, leader_changes, partitions, snapshots_installed, refusals, repairs,
        mended_at_rest, /* damage that a node found by itself while it ran */
        replica_changes, answers_doubted, nodes_added, nodes_removed, recoveries, nodes_tuned,
        stops_begun, stops_drained, late_appends, visits, visits_answered, clients_thrown_out,
        halves_closed, waits, flushes, slow_readers, keys_rotated, locked_out, moments_promised,
        moments_recalled, moments_refused;
    uint64_t replicas_seen, replicas_seen_quiet; /* after every turn */
};

struct simulation {
    struct simulation_options options;
    enum mix mix;
    uint64_t faults_end_us;
    struct event_queue queue;
    struct random random;
    struct trace trace;
    struct sim_net *net;
    struct config config; /* of all nodes */
    unsigned node_count, worker_count, shard_count, replica_count;
    bool is_sealed;       /* what nodes send each other */
    bool is_key_changing; /* node by node: rotation.h */
    struct seal_key cluster_key;
    unsigned founded_count; /* of the nodes; the others are spares until they are added */
    struct sim_node *nodes[SIM_NODE_MAXIMUM];
    struct client *clients[SIM_CLIENT_MAXIMUM];
    unsigned client_count;
    struct connection *connections; /* all, linked */
    struct history history;
    struct checks *checks;
    struct risk *risk;
    struct situations *situations;
    struct loss *loss; /* NULL, both: no node is lost for good */
    struct loss_account *loss_account;
    struct sim_blobs *blobs; /* NULL, all three: no backups are made */
    struct past *past;
    struct archivist *archivist;
    struct faults *faults;
    enum simulation_phase phase;
    uint64_t think_most_us;    /* between a client's answers and its next request */
    uint64_t patience_most_us; /* of a client */
    struct mood mood;
    double async_share;   /* of operations that are asked to be answered before the disk */
    double ballast_share; /* of requests that come with a large write */
    double flush_share;   /* of requests that come with a FLUSHALL */
    double slow_share;    /* of requests whose many long answers the client does not read at once */
    double follower_share; /* of requests that only read, and that a follower may answer */
    int64_t next_value;    /* every value written is new */
    struct simulation_statistics statistics;
    struct history_verdict verdict;
    struct buffer failure; /* empty: nothing failed */
};

/* Notes what is wrong; the first one counts, and the run ends. */
void simulation_fail(struct simulation *simulation, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline bool simulation_has_failed(const struct simulation *simulation) {
    return simulation->failure.length > 0;
}
