/* trothdb-sim: whole clusters in one thread, by seed. */
#include "sim/check/situations.h"
#include "sim/cluster/mix.h"
#include "sim/run/planted.h"
#include "sim/run/seed_run.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PLANTED_SEEDS_DEFAULT = 60 };

static const char help[] =
    "Runs whole TrothDB clusters in one thread on a fake clock, network and disks, under faults, "
    "and checks that\n"
    "they keep their word. The same seed gives the same run, always.\n"
    "\n"
    "  trothdb-sim --seed N [--minutes M] [--nodes N] [--mix NAME] [--print] [--plant NAME]\n"
    "  trothdb-sim --seeds A..B [--minutes M] [--nodes N] [--mix NAME] [--situations]\n"
    "  trothdb-sim --find-planted [--seed FIRST] [--tries N]\n"
    "\n"
    "  --seed N        the run to make (1)\n"
    "  --seeds A..B    all of these, each in a process of its own; ends with a count\n"
    "  --minutes M     simulated minutes under faults (1)\n"
    "  --nodes N       nodes, 1 to 9; by the seed if it is not given\n"
    "  --mix NAME      of faults: everything, crashes, partitions, clocks, damage, absence, "
    "leaders, churn, membership,\n"
    "                  slowness, async, upgrade, space, loss, backup, moments, limits; by the "
    "seed if it is not given\n"
    "  --situations    count the runs that came through what may happen while voters change; fails "
    "if something\n"
    "                  never did\n"
    "  --print         print the trace\n"
    "  --plant NAME    turn on a planted fault (builds with -Dplanted=true; base/planted.def names "
    "them)\n"
    "  --find-planted  for each planted fault, try seeds until one finds it\n"
    "  --tries N       how many seeds at the most (60)\n"
    "\n"
    "Example: trothdb-sim --seeds 1..200 --minutes 0.5\n"
    "Exit code: 0 when all held, 1 when a check failed, 2 when the command was wrong.\n";

struct command_line {
    struct simulation_options options;
    uint64_t first_seed, last_seed, tries;
    bool is_series, is_find_planted, wants_situations;
};

static bool parse_number(const char *text, uint64_t *value) {
    char *end;
    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0;
}

static bool parse_series(char *text, struct command_line *line) {
    char *dots = strstr(text, "..");
    if (dots == NULL)
        return false;
    *dots = '\0';
    line->is_series =
        parse_number(text, &line->first_seed) && parse_number(dots + 2, &line->last_seed);
    *dots = '.';
    return line->is_series && line->first_seed <= line->last_seed;
}

static bool parse_nodes(const char *text, struct command_line *line) {
    uint64_t count;
    if (!parse_number(text, &count) || count < 1 || count > SIM_NODE_MAXIMUM)
        return false;
    line->options.node_count = (unsigned)count;
    return true;
}

static bool parse_minutes(const char *text, struct command_line *line) {
    char *end;
    line->options.minutes = strtod(text, &end);
    return *end == 0 && line->options.minutes > 0 && line->options.minutes <= 1e6;
}

static bool parse_plant(const char *text) {
    int fault = planted_find(text);
    planted_turn_on(fault);
    return fault != 0;
}

static bool parse_option(int option, struct command_line *line) {
    switch (option) {
    case 's':
        return parse_number(optarg, &line->options.seed);
    case 'S':
        return parse_series(optarg, line);
    case 'm':
        return parse_minutes(optarg, line);
    case 'n':
        return parse_nodes(optarg, line);
    case 'p':
        line->options.is_printed = true;
        return true;
    case 'P':
        return parse_plant(optarg);
    case 'x':
        line->options.mix = mix_find(optarg);
        return line->options.mix >= 0;
    case 'w':
        line->wants_situations = true;
        return true;
    case 'f':
        line->is_find_planted = true;
        return true;
    case 't':
        return parse_number(optarg, &line->tries);
    default:
        return false;
    }
}

static const struct option long_options[] = {
    {"seed", required_argument, NULL, 's'},    {"seeds", required_argument, NULL, 'S'},
    {"minutes", required_argument, NULL, 'm'}, {"nodes", required_argument, NULL, 'n'},
    {"mix", required_argument, NULL, 'x'},     {"situations", no_argument, NULL, 'w'},
    {"print", no_argument, NULL, 'p'},         {"plant", required_argument, NULL, 'P'},
    {"find-planted", no_argument, NULL, 'f'},  {"tries", required_argument, NULL, 't'},
    {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
};

static const char *what_it_takes(int option) {
    switch (option) {
    case 'S':
        return "A..B, two seeds of which the first is not the larger";
    case 'm':
        return "minutes, more than 0 and at most 1000000";
    case 'n':
        return "a number from 1 to 9";
    case 'x':
        return "the name of a mix; --help lists them";
    case 'P':
        return "the name of a planted fault (base/planted.def), in a build with -Dplanted=true";
    default:
        return "a whole number";
    }
}

static double wall_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_series(uint64_t passed, uint64_t failed, double simulated, double wall) {
    printf("%llu seeds passed, %llu failed; %.2f cluster-hours in %.2f minutes: %.1f "
           "cluster-hours a minute\n",
           (unsigned long long)passed, (unsigned long long)failed, simulated / 3600, wall / 60,
           simulated / 3600 / (wall / 60));
}

/* In how many runs each was met. False: one in none. */
static bool print_situations(const uint64_t counts[SITUATION_COUNT]) {
    bool is_all_met = true;
    for (enum situation situation = 0; situation < SITUATION_COUNT; situation++) {
        printf("%5llu  %s\n", (unsigned long long)counts[situation], situation_text(situation));
        is_all_met &= counts[situation] > 0;
    }
    return is_all_met;
}

static void note_situations(uint64_t counts[SITUATION_COUNT], uint64_t met) {
    for (unsigned situation = 0; situation < SITUATION_COUNT; situation++)
        counts[situation] += met >> situation & 1;
}

static int run_series(const struct command_line *line) {
    struct simulation_options options = line->options;
    uint64_t passed = 0, failed = 0, situations[SITUATION_COUNT] = {0};
    double simulated = 0, begun = wall_seconds();
    for (uint64_t seed = line->first_seed; seed <= line->last_seed; seed++) {
        struct seed_outcome outcome;
        options.seed = seed;
        if (seed_run_apart(&options, false, &outcome))
            passed++;
        else
            failed++;
        simulated += outcome.simulated_seconds;
        note_situations(situations, outcome.situations_met);
    }
    print_series(passed, failed, simulated, wall_seconds() - begun);
    bool is_complete = !line->wants_situations || print_situations(situations);
    return failed || !is_complete ? 1 : 0;
}

int main(int argc, char **argv) {
    struct command_line line = {.options = {.seed = 1, .minutes = 1, .mix = -1},
                                .tries = PLANTED_SEEDS_DEFAULT};
    int option, place = 0;
    while ((option = getopt_long(argc, argv, "", long_options, &place)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return 0;
        }
        if (!parse_option(option, &line)) {
            if (option != '?')
                fprintf(stderr, "trothdb-sim: --%s takes %s, not '%s'\n", long_options[place].name,
                        what_it_takes(option), optarg);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "trothdb-sim: unexpected \"%s\"; see trothdb-sim --help\n", argv[optind]);
        return 2;
    }
    if (line.is_find_planted)
        return planted_find_all(&line.options, line.tries) ? 0 : 1;
    if (line.is_series)
        return run_series(&line);
    struct seed_outcome ignored;
    if (line.options.is_printed)
        return seed_run(&line.options, &ignored) ? 0 : 1;
    return seed_run_apart(&line.options, false, &ignored) ? 0 : 1;
}
