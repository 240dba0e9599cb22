#include "sim/run/planted.h"
#include "base/planted.h"
#include "sim/cluster/mix.h"
#include "sim/run/seed_run.h"
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef TROTHDB_PLANTED_FAULTS

static const struct {
    const char *name, *text;
} planted_faults[] = {
    {"NOTHING", "nothing"},
#define PLANTED_FAULT(name, text) {#name, text},
#include "base/planted.def"
#undef PLANTED_FAULT
};
enum { PLANTED_COUNT = sizeof planted_faults / sizeof *planted_faults };

int planted_find(const char *name) {
    for (int i = 1; i < PLANTED_COUNT; i++)
        if (strcasecmp(planted_faults[i].name, name) == 0)
            return i;
    return 0;
}

void planted_turn_on(int fault) { planted_fault_on = (enum planted_fault)fault; }

/* A failure counts only where the same seed passes without the fault. */
static bool fails_by_the_fault(int fault, const struct simulation_options *run) {
    planted_turn_on(fault);
    struct seed_outcome ignored;
    bool is_failed = !seed_run_apart(run, true, &ignored);
    planted_turn_on(0);
    return is_failed && seed_run_apart(run, true, &ignored);
}

/* Some show only under the faults that they are about; looking among those saves time. For the
 * others any mix will do. */
static const struct {
    enum planted_fault fault;
    const char *mix;
} planted_mixes[] = {
    {PLANTED_COMMIT_EARLIER_TERM_BY_COUNT, "churn"},
    {PLANTED_FORGET_VOTE, "crashes"},
    {PLANTED_SNAPSHOT_OLDER_THAN_LOG, "crashes"},
    {PLANTED_REPLY_BEFORE_DURABLE, "crashes"},
    {PLANTED_LOG_CUT_AT_BAD_CHECKSUM, "damage"},
    {PLANTED_STALE_RECORDS_BELIEVED, "crashes"},
    {PLANTED_CHUNK_REMOVED_EARLY, "crashes"},
    {PLANTED_DAMAGE_WITHOUT_FLOOR, "damage"},
    {PLANTED_WRITE_ERROR_IGNORED, "crashes"},
    {PLANTED_FULL_DISK_IS_FATAL, "space"},
    {PLANTED_FULL_DISK_IS_FORGOTTEN, "space"},
    {PLANTED_STICKINESS_LOST_AT_RESTART, "leaders"},
    {PLANTED_OWN_VOTE_BREAKS_PROMISE, "leaders"},
    {PLANTED_EXPIRED_READ_WITHOUT_DELETION, "clocks"},
    {PLANTED_RELUCTANT_LEADER_STAYS, "slowness"},
    {PLANTED_SETTINGS_FORGOTTEN_AT_START, "membership"},
    {PLANTED_SETTINGS_OF_ONE_THREAD, "membership"},
    {PLANTED_CHANGE_BEFORE_COMMIT, "membership"},
    {PLANTED_TRACE_UNGATED, "upgrade"},
    {PLANTED_PARTS_UNGATED, "upgrade"},
    {PLANTED_JOINT_BY_NEW_VOTERS, "membership"},
    {PLANTED_NUMBER_GIVEN_TWICE, "membership"},
    {PLANTED_REMOVED_NODE_STAYS, "loss"},
    {PLANTED_RECOVERY_DROPS_UNCONFIRMED, "loss"},
    {PLANTED_RECEIPT_COUNTS_AS_DURABLE, "async"},
    {PLANTED_SYNC_ANSWERED_EARLY, "async"},
    {PLANTED_EARLY_STATE_READ, "async"},
    {PLANTED_REWIND_FORGOTTEN, "async"},
    {PLANTED_CONNECTION_STAYS_ASYNC, "async"},
    {PLANTED_BACKUP_MANIFEST_FIRST, "backup"},
    {PLANTED_BACKUP_KEEPS_TOO_LITTLE, "backup"},
    {PLANTED_RESTORE_GOES_FURTHER, "backup"},
    {PLANTED_FORMER_PROMISE_FORGOTTEN, "moments"},
    {PLANTED_OLD_APPEND_CUTS_LOG, "moments"},
};

static int mix_for(int fault) {
    for (size_t i = 0; i < sizeof planted_mixes / sizeof *planted_mixes; i++)
        if ((int)planted_mixes[i].fault == fault)
            return mix_find(planted_mixes[i].mix);
    return -1;
}

static bool planted_is_found(int fault, const struct simulation_options *options,
                             uint64_t seed_count) {
    struct simulation_options run = *options;
    if (run.mix < 0)
        run.mix = mix_for(fault);
    for (uint64_t i = 0; i < seed_count; i++) {
        run.seed = options->seed + i;
        if (fails_by_the_fault(fault, &run)) {
            printf("found      %-32s by seed %llu%s%s\n", planted_faults[fault].name,
                   (unsigned long long)run.seed, run.mix < 0 ? "" : " of mix ",
                   run.mix < 0 ? "" : mix_name((enum mix)run.mix));
            return true;
        }
    }
    printf("NOT FOUND  %-32s in %llu seeds: %s\n", planted_faults[fault].name,
           (unsigned long long)seed_count, planted_faults[fault].text);
    return false;
}

static bool begins_with(const char *name, const char *prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Faults of gossip's own rules, and of what a metric tells of it: tests/unit/gossip/model_check.c
 * and its neighbours, and those of tests/unit/metric, find them. */
static bool is_of_gossip(int fault) {
    const char *name = planted_faults[fault].name;
    return begins_with(name, "GOSSIP_") || begins_with(name, "EXEMPLAR_");
}

/* These need moments that tests/unit/raft/random.c makes far more often, and finds there, or the
 * script of the rule, tests/script/raft: a replica that comes back without its promises did harm
 * in one of forty seeds, some of the others in one of hundreds. Two are the log's: what a repair
 * says of terms tests/unit/store/test_survivor.c finds; and of a segment that is recycled too early
 * a cluster sees nothing, because the repair finds that nothing was lost, but
 * tests/unit/store/test_disk_errors.c does, on a log that nobody repairs. And slots of so few keys
 * are seldom divided since large values have chunks of their own: tests/unit/slot. */
static bool is_out_of_reach(int fault) {
    return fault == PLANTED_CHANGE_BEFORE_COMMIT || fault == PLANTED_JOINT_BY_NEW_VOTERS ||
           fault == PLANTED_UNEQUAL_PAIR_COUNTED || fault == PLANTED_QUIET_PROMISE_FORGOTTEN ||
           fault == PLANTED_GIVEN_UP_PAST_TRUSTED ||
           fault == PLANTED_LEASE_KEPT_IN_TRANSFER || fault == PLANTED_RELUCTANT_PROMISES_SHORTER ||
           fault == PLANTED_REMOVED_REPLICA_FORGETS || fault == PLANTED_DAMAGE_IN_OLD_TERM ||
           fault == PLANTED_RECYCLED_BEFORE_RELEASED || fault == PLANTED_SNAPSHOT_MISSES_PART;
}

/* In a process of its own, which ends with 0 if it is found. */
static bool look_for_apart(int fault, const struct simulation_options *options,
                           uint64_t seed_count) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        bool is_found = planted_is_found(fault, options, seed_count);
        fflush(stdout);
        _exit(is_found ? 0 : 1);
    }
    return child > 0;
}

static bool next_is_found(void) {
    int status;
    return wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* As many at once as there are processors. */
bool planted_find_all(const struct simulation_options *options, uint64_t seed_count) {
    int found = 0, wanted = 0, looking = 0;
    long at_once = sysconf(_SC_NPROCESSORS_ONLN);
    for (int fault = 1; fault < PLANTED_COUNT; fault++) {
        if (is_out_of_reach(fault) || is_of_gossip(fault))
            continue;
        wanted++;
        if (looking > 0 && looking >= at_once) {
            found += next_is_found();
            looking--;
        }
        looking += look_for_apart(fault, options, seed_count);
    }
    for (; looking > 0; looking--)
        found += next_is_found();
    printf("%d of %d planted faults found\n", found, wanted);
    return found == wanted;
}

#else

int planted_find(const char *name) {
    (void)name;
    return 0;
}

void planted_turn_on(int fault) { (void)fault; }

bool planted_find_all(const struct simulation_options *options, uint64_t seed_count) {
    (void)options, (void)seed_count;
    printf("this build has no planted faults: set it up with -Dplanted=true\n");
    return false;
}

#endif
