/* trothdb-gossip-sim: thousands of nodes that gossip, in one thread, by seed. */
#include "sim/gossip/scenarios.h"
#include "tuning/tuning.h"
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    NODES_DEFAULT = 300,
    SAMPLES_DEFAULT = 30,
    HOURS_DEFAULT = 24,
    WORK_MAXIMUM_US = 1000000,
    OUTPUT_MAXIMUM = 1 << 20,
    HELP_ASKED = 256
};

/* jemalloc reads it before anything runs: memory in pages of 2 MiB. Thousands of nodes touch much
 * of it, each a little at a time: to find a page would take longer than to read what is there. */
extern const char *const malloc_conf;
const char *const malloc_conf = "thp:always";

static const char help_begin[] =
    "Lets many nodes gossip in one thread on a fake clock and network, and measures what comes of "
    "it.\n"
    "The same seed gives the same run, always.\n"
    "\n"
    "  trothdb-gossip-sim SCENARIO... [--nodes N] [--seed S | --seeds A..B] [--samples N] "
    "[--hours H]\n"
    "                                 [--set NAME=VALUE]... [--one-crowd] [--json] [--progress]\n"
    "\n"
    "  --nodes N          2 to 16000 (300)\n"
    "  --seed S           the run to make (1)\n"
    "  --seeds A..B       all of these; one line each, and the figures of those that fail\n"
    "  --samples N        deaths, changes or restarts to measure, 1 to 10000 (30)\n"
    "  --hours H          how long a \"day\" is (24); SIGTERM ends it before, and what was reached "
    "by then is measured\n"
    "  --set NAME=VALUE   a setting of all nodes, such as gossip-fan-out=3\n"
    "  --work-us N        of one processor, which all nodes share, for each step and for each "
    "datagram that it sends (0)\n"
    "  --one-crowd        all scenarios on one crowd, in turn; who was killed stays dead\n"
    "  --json             figures and curves for programs\n"
    "  --progress         says from time to time how far it is, on standard error\n"
    "\n"
    "Scenarios:\n";
static const char help_end[] =
    "\nExit code: 0 when every figure is as wanted, 1 when one is not, 2 when the command was "
    "wrong.\n";

struct command_line {
    struct scenario_run run;
    struct config config;
    uint64_t last_seed;
    bool is_series, is_json, is_one_crowd;
    char **names;
    int name_count;
};

static void print_help(void) {
    fputs(help_begin, stdout);
    for (unsigned i = 0; i < SCENARIO_COUNT; i++)
        printf("  %-14s %s\n", scenario_name((enum scenario)i), scenario_text((enum scenario)i));
    fputs(help_end, stdout);
}

static bool parse_number(const char *text, uint64_t lowest, uint64_t highest, uint64_t *value) {
    char *end;
    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0 && *value >= lowest && *value <= highest;
}

static bool parse_count(const char *text, uint64_t lowest, uint64_t highest, unsigned *value) {
    uint64_t number;
    if (!parse_number(text, lowest, highest, &number))
        return false;
    *value = (unsigned)number;
    return true;
}

static bool parse_series(char *text, struct command_line *line) {
    char *dots = strstr(text, "..");
    if (dots == NULL)
        return false;
    *dots = '\0';
    line->is_series = parse_number(text, 0, UINT64_MAX, &line->run.crowd.seed);
    *dots = '.';
    return line->is_series &&
           parse_number(dots + 2, line->run.crowd.seed, UINT64_MAX - 1, &line->last_seed);
}

static bool parse_hours(const char *text, double *hours) {
    char *end;
    *hours = strtod(text, &end);
    return *end == 0 && *hours > 0 && *hours <= 1e4;
}

/* One setting by its name in the configuration; says itself what is wrong. */
static bool parse_setting(const char *text, struct config *config) {
    const char *equals = strchr(text, '=');
    struct buffer problem;
    buffer_init(&problem, 1024);
    bool is_good =
        equals != NULL && config_set(config, bytes_of(text, (size_t)(equals - text)),
                                     bytes_of_text(equals + 1), CONFIG_SOURCE_FLAG, &problem) == 0;
    if (problem.length > 0)
        fprintf(stderr, "trothdb-gossip-sim: %.*s\n", BYTES_PRINT(buffer_bytes(&problem)));
    buffer_release(&problem);
    return is_good;
}

static void print_progress(const struct crowd *crowd) {
    double pairs = (double)crowd->running_count * crowd->running_count;
    fprintf(stderr, "%.1f s: %.4f %% of all pairs see each other as it is; %.1f M steps\n",
            (double)crowd->now_us / (double)CROWD_SECOND_US,
            100 * (1 - (double)crowd->sight.wrong_count / pairs), (double)crowd->step_count / 1e6);
}

static bool parse_option(int option, struct command_line *line) {
    switch (option) {
    case 'n':
        return parse_count(optarg, 2, CROWD_NODE_MAXIMUM, &line->run.crowd.node_count);
    case 's':
        return parse_number(optarg, 0, UINT64_MAX - 1, &line->run.crowd.seed);
    case 'S':
        return parse_series(optarg, line);
    case 'c':
        return parse_count(optarg, 1, 10000, &line->run.samples);
    case 'h':
        return parse_hours(optarg, &line->run.hours);
    case 'o':
        return parse_setting(optarg, &line->config);
    case 'w':
        return parse_number(optarg, 0, WORK_MAXIMUM_US, &line->run.crowd.work_us);
    case '1':
        line->is_one_crowd = true;
        return true;
    case 'p':
        line->run.crowd.on_progress = print_progress;
        return true;
    case 'j':
        line->is_json = true;
        return true;
    default:
        return false;
    }
}

static const struct option long_options[] = {
    {"nodes", required_argument, NULL, 'n'},   {"seed", required_argument, NULL, 's'},
    {"seeds", required_argument, NULL, 'S'},   {"samples", required_argument, NULL, 'c'},
    {"hours", required_argument, NULL, 'h'},   {"set", required_argument, NULL, 'o'},
    {"work-us", required_argument, NULL, 'w'}, {"one-crowd", no_argument, NULL, '1'},
    {"json", no_argument, NULL, 'j'},          {"progress", no_argument, NULL, 'p'},
    {"help", no_argument, NULL, HELP_ASKED},   {NULL, 0, NULL, 0},
};

static const char *what_it_takes(int option) {
    switch (option) {
    case 'n':
        return "a number from 2 to 16000";
    case 'S':
        return "A..B, two seeds of which the first is not the larger";
    case 'c':
        return "a number from 1 to 10000";
    case 'h':
        return "hours, more than 0 and at most 10000";
    case 'o':
        return "NAME=VALUE, a setting of gossip";
    case 'w':
        return "a number from 0 to 1000000";
    default:
        return "a whole number";
    }
}

static double processor_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static double peak_gib(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)used.ru_maxrss / (1 << 20); /* it is in KiB */
}

static void print_report(const struct report *report, bool is_json, FILE *file) {
    struct buffer out;
    buffer_init(&out, OUTPUT_MAXIMUM);
    if (is_json)
        report_print_json(report, &out);
    else
        report_print(report, &out);
    fwrite(buffer_data(&out), 1, out.length, file);
    fflush(file);
    buffer_release(&out);
}

/* With its figures, so that hours are not for nothing if a later scenario is broken off. */
static void print_done(const struct command_line *line, const char *name, double seconds,
                       const struct report *report) {
    fprintf(stderr, "%s: took %.1f s of one processor; %.2f GiB of memory so far\n", name, seconds,
            peak_gib());
    if (line->run.crowd.on_progress != NULL)
        print_report(report, line->is_json, stderr);
}

static bool is_enough(void) {
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1;
}

/* A day ends early by SIGTERM, which is never taken, only seen to wait. What lasts no day ends at
 * once, as any program does. */
static void hold_the_end(struct command_line *line) {
    bool has_day = false;
    for (int i = 0; i < line->name_count; i++)
        has_day |= scenario_is_day(scenario_find(line->names[i]));
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    if (has_day && sigprocmask(SIG_BLOCK, &held, NULL) == 0)
        line->run.is_enough = is_enough;
}

/* All scenarios asked for, of one seed. */
static bool run_seed(const struct command_line *line, uint64_t seed) {
    struct report report;
    report_init(&report, line->run.crowd.node_count, seed);
    struct scenario_run run = line->run;
    run.crowd.seed = seed;
    run.report = &report;
    struct crowd *kept = NULL;
    run.kept = line->is_one_crowd ? &kept : NULL;
    for (int i = 0; i < line->name_count && !is_enough(); i++) {
        double begun = processor_seconds();
        scenario_run(scenario_find(line->names[i]), &run);
        if (!line->is_series)
            print_done(line, line->names[i], processor_seconds() - begun, &report);
    }
    if (kept != NULL)
        crowd_free(kept);
    bool is_met = report_is_all_met(&report);
    if (!line->is_series || !is_met)
        print_report(&report, line->is_json, stdout);
    if (line->is_series)
        printf("seed %llu: %s\n", (unsigned long long)seed, is_met ? "ok" : "FAILED");
    report_release(&report);
    return is_met;
}

static bool run_all(struct command_line *line) {
    bool is_met = true;
    line->run.crowd.timing = tuning_timing(&line->config);
    hold_the_end(line);
    if (!line->is_series)
        return run_seed(line, line->run.crowd.seed);
    for (uint64_t seed = line->run.crowd.seed; seed <= line->last_seed && !is_enough(); seed++)
        is_met &= run_seed(line, seed);
    return is_met;
}

/* 0 to go on, 1 when all is said (help), 2 when the command was wrong. */
static int parse(int argc, char **argv, struct command_line *line) {
    int option, place = 0;
    while ((option = getopt_long(argc, argv, "", long_options, &place)) != -1) {
        if (option == HELP_ASKED) {
            print_help();
            return 1;
        }
        if (!parse_option(option, line)) {
            if (option != '?')
                fprintf(stderr, "trothdb-gossip-sim: --%s takes %s, not '%s'\n",
                        long_options[place].name, what_it_takes(option), optarg);
            return 2;
        }
    }
    line->names = argv + optind;
    line->name_count = argc - optind;
    for (int i = 0; i < line->name_count; i++)
        if (scenario_find(line->names[i]) == SCENARIO_COUNT) {
            fprintf(stderr, "trothdb-gossip-sim: no scenario is called \"%s\"; see --help\n",
                    line->names[i]);
            return 2;
        }
    if (line->name_count == 0)
        fprintf(stderr, "trothdb-gossip-sim: which scenario? See --help\n");
    return line->name_count == 0 ? 2 : 0;
}

int main(int argc, char **argv) {
    struct command_line line = {.run = {.crowd = {.seed = 1, .node_count = NODES_DEFAULT},
                                        .samples = SAMPLES_DEFAULT,
                                        .hours = HOURS_DEFAULT}};
    config_init(&line.config);
    int status = parse(argc, argv, &line);
    if (status == 0)
        status = run_all(&line) ? 0 : 1;
    else if (status == 1)
        status = 0;
    config_release(&line.config);
    return status;
}
