/* What the kinds of faults share. When which one happens is faults.h; they stand in a file for each
 * thing that they hurt:
 *
 *      fault_network.c     partitions, weather, lost streams
 *      fault_process.c     crashes, pauses, clocks
 *      fault_disk.c        failures, slowness, rot, no space
 *      fault_blobs.c       the store that backups go to
 *      fault_moments.c     at a bad moment: a lead that changes hands, a lease, a transfer
 *      fault_changes.c     in the middle of a change of voters
 *      fault_operator.c    somebody who changes replicas, settings, releases */
#pragma once
#include "sim/cluster/node.h"

enum fault_kind {
#define FAULT(name, ...) FAULT_##name,
#include "sim/fault/fault.def"
#undef FAULT
    FAULT_COUNT
};

enum {
    FAULT_DRIFT_MOST_PPM =
        80000, /* two nodes differ by less than the fifth that a lease gives up */
    FAULT_WALL_JUMP_MOST_MS = 20000,
    FAULT_WALL_JUMP_FAR_MS = 3600 * 1000,   /* seldom, as after a battery's end: an hour */
    FAULT_PAUSE_LONG_US = 30 * 1000 * 1000, /* seldom, as of a machine that is moved */
    FAULT_STALL_MOST_US = 1500000,
    FAULT_AGAIN_MOST = 8,
    FAULT_AGAIN_MOST_US = 400000
};

struct faults {
    struct simulation *simulation;
    uint64_t gap_most_us; /* between two faults */
    bool is_on;
    uint64_t partition_number; /* of the latest: an earlier one's end does not end it */
    uint64_t weather_number;
    uint64_t store_number; /* of the latest trouble of the store of backups */
    uint64_t churn_until_us, churn_term;
    uint32_t churn_shard;
    unsigned churn_turn;
    unsigned trapped_leader;
    uint32_t late_shard;
    unsigned late_follower;
    uint64_t late_until_us;
    uint64_t learner_until_us;
    uint64_t leaving_until_us, changing_until_us, losing_until_us;
    struct membership *membership;
    struct slowness *slowness;
    struct rot *rot;
    struct settings_operator *settings;
    struct rotation *rotation;
    struct visitor *visitor;
};

struct random *faults_random(struct faults *faults);
uint64_t faults_between(struct faults *faults, uint64_t low, uint64_t high);
struct sim_node *faults_node(struct faults *faults); /* any */
/* The leader of some shard, or any node where it is not known. */
struct sim_node *faults_leader(struct faults *faults);
struct settings_operator *faults_settings(struct faults *faults);
/* `run` has these faults as its context. */
struct event *faults_later(struct faults *faults, uint64_t delay_us, event_run *run);

/* One function a row of fault.def. */
#define FAULT(name, ...) void fault_##name(struct faults *faults);
#include "sim/fault/fault.def"
#undef FAULT
