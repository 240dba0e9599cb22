/* The rules by which news is merged, removals are forgotten and lives follow each other, tried out:
 * every schedule of a few steps, and many random ones of more. A failure names its seed; --seed
 * with it shows how it came about.
 *
 *   gossip_model_check [--depth N] [--schedules N] [--seed FIRST] [--print] [--plant FAULT] */
#include "base/planted.h"
#include "rules.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    STEPS_OF_A_SCHEDULE = 12,
    SCHEDULES_OF_A_WORLD = 50, /* one after the other: each begins where the last one ended */
    DEPTH_MAXIMUM = 8
};

struct arguments {
    unsigned depth;
    uint64_t schedules, seed;
    bool is_printed, is_planted;
};

static bool failed(const struct rules *rules, const char *what, uint64_t seed) {
    if (rules->broken == NULL)
        return false;
    printf("%s, seed %llu: %s (node %u shows it, of node %u)\n", what, (unsigned long long)seed,
           rules->broken, rules->broken_observer, rules->broken_subject);
    return true;
}

/* Exhaustive: every sequence of these, each time from the beginning. Two nodes and one key are
 * enough for every rule; the third node is the one who hears it from others. */
static const struct rules_step choices[] = {
    {RULES_SET, 0, 0},         {RULES_REMOVE, 0, 0},     {RULES_FORGET, 0, 0},
    {RULES_RESTART, 0, 0},     {RULES_RESTART, 1, 0},    {RULES_LEAVE, 0, 0},
    {RULES_TELL, 0, 0},        {RULES_MEET, 0, 0},       {RULES_MEET, 1, 0},
    {RULES_DELIVER_NEW, 0, 0}, {RULES_DELIVER_OLD, 0, 0}};
enum { CHOICE_COUNT = sizeof choices / sizeof *choices };

static bool run_sequence(const unsigned *sequence, unsigned depth, bool is_printed) {
    struct rules *rules = rules_new(1, is_printed);
    for (unsigned i = 0; i < depth && rules->broken == NULL; i++)
        rules_do(rules, &choices[sequence[i]]);
    if (rules->broken == NULL)
        rules_converge(rules);
    bool is_good = !failed(rules, "exhaustive", 1);
    rules_free(rules);
    return is_good;
}

static bool next_sequence(unsigned *sequence, unsigned depth) {
    unsigned place = depth;
    while (place > 0 && ++sequence[place - 1] == CHOICE_COUNT)
        sequence[--place] = 0;
    return place > 0;
}

static bool check_all(unsigned depth) {
    unsigned sequence[DEPTH_MAXIMUM] = {0};
    uint64_t count = 0;
    do {
        count++;
        if (!run_sequence(sequence, depth, false)) {
            run_sequence(sequence, depth, true);
            return false;
        }
    } while (next_sequence(sequence, depth));
    printf("%llu schedules of %u steps, all there are: the rules hold\n", (unsigned long long)count,
           depth);
    return true;
}

/* Random. */

static struct rules_step step_by_lot(struct rules *rules) {
    unsigned lot = (unsigned)random_below(&rules->random, RULES_OPERATION_COUNT + 4);
    if (lot >= RULES_OPERATION_COUNT) /* most of all, datagrams arrive */
        lot = lot % 2 ? RULES_DELIVER_ANY : RULES_DELIVER_NEW;
    return (struct rules_step){.operation = (enum rules_operation)lot,
                               .node = (unsigned)random_below(&rules->random, RULES_NODES),
                               .key = (unsigned)random_below(&rules->random, RULES_KEYS)};
}

static bool run_world(uint64_t seed, uint64_t schedules, bool is_printed) {
    struct rules *rules = rules_new(seed, is_printed);
    for (uint64_t i = 0; i < schedules && rules->broken == NULL && rules_has_room(rules); i++) {
        for (unsigned j = 0; j < STEPS_OF_A_SCHEDULE && rules->broken == NULL; j++) {
            struct rules_step step = step_by_lot(rules);
            rules_do(rules, &step);
        }
        if (rules->broken == NULL)
            rules_converge(rules);
    }
    bool is_good = !failed(rules, "random", seed);
    rules_free(rules);
    return is_good;
}

static bool check_random(const struct arguments *arguments) {
    uint64_t seed = arguments->seed;
    for (uint64_t done = 0; done < arguments->schedules; done += SCHEDULES_OF_A_WORLD, seed++)
        if (!run_world(seed, SCHEDULES_OF_A_WORLD, arguments->is_printed))
            return false;
    printf("%llu random schedules of %d steps from seed %llu: the rules hold\n",
           (unsigned long long)arguments->schedules, STEPS_OF_A_SCHEDULE,
           (unsigned long long)arguments->seed);
    return true;
}

static bool plant(const char *name) {
#ifdef TROTHDB_PLANTED_FAULTS
#define PLANTED_FAULT(fault, text)                                                                 \
    if (strcasecmp(name, #fault) == 0)                                                             \
        planted_fault_on = PLANTED_##fault;
#include "base/planted.def"
#undef PLANTED_FAULT
    return planted_fault_on != PLANTED_NOTHING;
#else
    (void)name;
    return false;
#endif
}

static bool take(const char *option, const char *value, struct arguments *arguments) {
    if (strcmp(option, "--depth") == 0)
        return (arguments->depth = (unsigned)strtoul(value, NULL, 10)) <= DEPTH_MAXIMUM;
    if (strcmp(option, "--schedules") == 0)
        return (arguments->schedules = strtoull(value, NULL, 10)) > 0;
    if (strcmp(option, "--seed") == 0)
        return (arguments->seed = strtoull(value, NULL, 10)) > 0;
    arguments->is_planted = strcmp(option, "--plant") == 0;
    return arguments->is_planted && plant(value);
}

int main(int argc, char **argv) {
    struct arguments arguments = {.depth = 3, .schedules = 10000, .seed = 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--print") == 0) {
            arguments.is_printed = true;
            continue;
        }
        if (i + 1 == argc || !take(argv[i], argv[i + 1], &arguments)) {
            fprintf(stderr, "gossip_model_check: bad option %s\n", argv[i]);
            return 2;
        }
        i++;
    }
    bool is_good = (arguments.depth == 0 || check_all(arguments.depth)) && check_random(&arguments);
    return is_good != arguments.is_planted ? 0 : 1;
}
