#include "sim/run/seed_run.h"
#include "base/planted.h"
#include "sim/check/situations.h"
#include "sim/run/run.h"
#include "sim/run/scene.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SEED_SECONDS_MAXIMUM = 300 };

/* Of the processor, so that the figure means the same on a busy machine. */
static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const char *planted_name(void) {
#ifdef TROTHDB_PLANTED_FAULTS
    static const char *const names[] = {
        "",
#define PLANTED_FAULT(name, text) #name,
#include "base/planted.def"
#undef PLANTED_FAULT
    };
    return names[planted_fault_on];
#else
    return "";
#endif
}

static void print_replay(const struct simulation_options *options) {
    const char *plant = planted_name();
    printf("  replay: trothdb-sim --seed %llu --minutes %g", (unsigned long long)options->seed,
           options->minutes);
    if (options->node_count)
        printf(" --nodes %u", options->node_count);
    if (options->mix >= 0)
        printf(" --mix %s", mix_name((enum mix)options->mix));
    if (plant[0])
        printf(" --plant %s", plant);
    printf(" --print\n");
}

static void print_some(uint64_t count, const char *what) {
    if (count)
        printf(", %llu %s", (unsigned long long)count, what);
}

static void print_some_of(uint64_t count, const char *what, uint64_t part, const char *which) {
    print_some(count, what);
    if (count)
        printf(" (%llu %s)", (unsigned long long)part, which);
}

/* What comes in some runs only. */
static void print_rarities(const struct simulation *simulation) {
    const struct simulation_statistics *statistics = &simulation->statistics;
    print_some(statistics->mended_at_rest, "mended at rest");
    print_some_of(statistics->stops_begun, "stops", statistics->stops_drained, "drained");
    print_some(statistics->nodes_tuned, "nodes tuned");
    print_some(statistics->late_appends, "late appends");
    print_some_of(statistics->visits, "questions of a visitor", statistics->visits_answered,
                  "answered");
    print_some(statistics->clients_thrown_out, "times clients thrown out");
    print_some(statistics->halves_closed, "half-closed");
    print_some(statistics->waits, "waits");
    print_some(statistics->flushes, "flushes");
    print_some(statistics->slow_readers, "slow readers");
    print_some(statistics->keys_rotated, "keys rotated");
    print_some(statistics->locked_out, "comebacks with a former key");
    print_some_of(statistics->moments_recalled, "moments recalled from backups",
                  statistics->moments_refused, "not to be had");
    print_some(statistics->nodes_added, "nodes added");
    print_some(statistics->nodes_removed, "nodes taken out");
    print_some_of(statistics->recoveries, "recoveries of a lost majority",
                  statistics->answers_doubted, "answers in doubt");
    print_some(simulation->verdict.keys_undecided, "keys undecided");
}

static void print_summary(const struct simulation *simulation, double seconds) {
    const struct simulation_statistics *statistics = &simulation->statistics;
    double simulated = (double)simulation->queue.now_us / 1e6;
    printf(
        "seed %llu: %s, trace hash %016llx, %.0f s simulated in %.2f s (%.0fx), %u nodes, mix %s, "
        "%llu operations (%llu refused, %llu unknown), %llu leader changes, %llu crashes, %llu "
        "partitions, "
        "%llu refusals, %llu repairs, %llu changes of replicas, %llu%% quiet, %llu events",
        (unsigned long long)simulation->options.seed,
        simulation_has_failed(simulation) ? "FAILED" : "ok",
        (unsigned long long)simulation->trace.hash, simulated, seconds, simulated / seconds,
        simulation->node_count, mix_name(simulation->mix),
        (unsigned long long)statistics->operations_done,
        (unsigned long long)statistics->operations_void,
        (unsigned long long)statistics->operations_unknown,
        (unsigned long long)statistics->leader_changes, (unsigned long long)statistics->crashes,
        (unsigned long long)statistics->partitions, (unsigned long long)statistics->refusals,
        (unsigned long long)statistics->repairs, (unsigned long long)statistics->replica_changes,
        (unsigned long long)(statistics->replicas_seen
                                 ? 100 * statistics->replicas_seen_quiet / statistics->replicas_seen
                                 : 0),
        (unsigned long long)simulation->queue.executed_count);
    print_rarities(simulation);
    printf("\n");
    if (simulation_has_failed(simulation)) {
        printf("  %.*s\n", BYTES_PRINT(buffer_bytes(&simulation->failure)));
        print_replay(&simulation->options);
    }
    fflush(stdout);
}

bool seed_run(const struct simulation_options *options, struct seed_outcome *outcome) {
    double start = seconds_now();
    struct simulation *simulation = simulation_new(options);
    bool is_right = simulation_run(simulation);
    print_summary(simulation, seconds_now() - start);
    *outcome = (struct seed_outcome){.simulated_seconds = (double)simulation->queue.now_us / 1e6,
                                     .situations_met = situations_met(simulation)};
    simulation_free(simulation);
    return is_right;
}

static void be_quiet(void) {
    int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
    }
}

_Noreturn static void run_as_child(const struct simulation_options *options, bool is_quiet,
                                   int told_to) {
    struct seed_outcome outcome;
    if (is_quiet)
        be_quiet();
    alarm(SEED_SECONDS_MAXIMUM);
    bool is_right = seed_run(options, &outcome);
    fflush(stdout);
    ssize_t written = write(told_to, &outcome, sizeof outcome);
    _exit(is_right && written == sizeof outcome ? 0 : 1);
}

static void print_abort(const struct simulation_options *options, int status) {
    printf("seed %llu: FAILED, %s\n", (unsigned long long)options->seed,
           WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "the process ended");
    print_replay(options);
}

bool seed_run_apart(const struct simulation_options *options, bool is_quiet,
                    struct seed_outcome *outcome) {
    int told[2], status;
    *outcome = (struct seed_outcome){0};
    if (pipe(told) != 0)
        return false;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        run_as_child(options, is_quiet, told[1]);
    close(told[1]);
    if (read(told[0], outcome, sizeof *outcome) != sizeof *outcome)
        *outcome = (struct seed_outcome){0};
    close(told[0]);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return false;
    if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
        return WEXITSTATUS(status) == 0;
    if (!is_quiet)
        print_abort(options, status);
    return false;
}
