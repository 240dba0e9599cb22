/* trothdb-gossip-sim: thousands of nodes that gossip, in one thread, by seed. */
#include "sim/gossip/scenario.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NODES_DEFAULT = 300, SAMPLES_DEFAULT = 30, HOURS_DEFAULT = 24, OUTPUT_MAXIMUM = 1 << 20 };

static const char usage[] =
    "Lets many nodes gossip in one thread on a fake clock and network, and measures what comes of "
    "it.\n"
    "The same seed gives the same run, always.\n"
    "\n"
    "  trothdb-gossip-sim SCENARIO... [--nodes N] [--seed S] [--samples N] [--hours H] [--json]\n"
    "\n"
    "  --nodes N      2 to 16000 (300)\n"
    "  --seed S       the run to make (1)\n"
    "  --samples N    deaths, changes or restarts to measure, 1 to 10000 (30)\n"
    "  --hours H      how long a \"day\" is (24)\n"
    "  --json         figures and curves for programs\n"
    "\n"
    "Scenarios:\n";
static const char usage_end[] =
    "\nExit code: 0 when every figure is as wanted, 1 when one is not, 2 when the command was "
    "wrong.\n";

struct command_line {
    struct scenario_run run;
    bool is_json;
};

static void print_help(void) {
    fputs(usage, stdout);
    for (unsigned i = 0; i < SCENARIO_COUNT; i++)
        printf("  %-14s %s\n", scenario_name((enum scenario)i), scenario_text((enum scenario)i));
    fputs(usage_end, stdout);
}

static bool parse_number(const char *text, uint64_t lowest, uint64_t highest, uint64_t *value) {
    char *end;
    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0 && *value >= lowest && *value <= highest;
}

static bool parse_hours(const char *text, double *hours) {
    char *end;
    *hours = strtod(text, &end);
    return *end == 0 && *hours > 0 && *hours <= 1e4;
}

static bool parse_option(int option, struct command_line *line) {
    uint64_t number = 0;
    bool is_good = true;
    switch (option) {
    case 'n':
        is_good = parse_number(optarg, 2, CROWD_NODE_MAXIMUM, &number);
        line->run.node_count = (unsigned)number;
        return is_good;
    case 's':
        return parse_number(optarg, 0, UINT64_MAX, &line->run.seed);
    case 'c':
        is_good = parse_number(optarg, 1, 10000, &number);
        line->run.samples = (unsigned)number;
        return is_good;
    case 'h':
        return parse_hours(optarg, &line->run.hours);
    case 'j':
        line->is_json = true;
        return true;
    default:
        return false;
    }
}

static const struct option long_options[] = {
    {"nodes", required_argument, NULL, 'n'},
    {"seed", required_argument, NULL, 's'},
    {"samples", required_argument, NULL, 'c'},
    {"hours", required_argument, NULL, 'h'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, '?' + 256},
    {NULL, 0, NULL, 0},
};

static double wall_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool run_all(int count, char **names, const struct command_line *line) {
    struct report report;
    report_init(&report, line->run.node_count, line->run.seed);
    for (int i = 0; i < count; i++) {
        struct scenario_run run = line->run;
        run.report = &report;
        double begun = wall_seconds();
        scenario_run(scenario_find(names[i]), &run);
        fprintf(stderr, "%s: took %.1f s\n", names[i], wall_seconds() - begun);
    }
    struct buffer out;
    buffer_init(&out, OUTPUT_MAXIMUM);
    if (line->is_json)
        report_print_json(&report, &out);
    else
        report_print(&report, &out);
    fwrite(buffer_data(&out), 1, out.length, stdout);
    bool is_met = report_is_all_met(&report);
    buffer_release(&out);
    report_release(&report);
    return is_met;
}

int main(int argc, char **argv) {
    struct command_line line = {.run = {.node_count = NODES_DEFAULT,
                                        .seed = 1,
                                        .samples = SAMPLES_DEFAULT,
                                        .hours = HOURS_DEFAULT}};
    int option;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == '?' + 256) {
            print_help();
            return 0;
        }
        if (!parse_option(option, &line)) {
            if (option != '?')
                fprintf(stderr, "trothdb-gossip-sim: bad value \"%s\"; see --help\n", optarg);
            return 2;
        }
    }
    for (int i = optind; i < argc; i++)
        if (scenario_find(argv[i]) == SCENARIO_COUNT) {
            fprintf(stderr, "trothdb-gossip-sim: no scenario is called \"%s\"; see --help\n",
                    argv[i]);
            return 2;
        }
    if (optind == argc) {
        fprintf(stderr, "trothdb-gossip-sim: which scenario? See --help\n");
        return 2;
    }
    return run_all(argc - optind, argv + optind, &line) ? 0 : 1;
}
