/* The largest cluster of agents at default settings that meets a goal on this machine: twice as
 * many until they do not, then halfway between, each time a cluster of its own. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text/json.h"
#include "cli/chaos/chaos.h"
#include "cli/terminal/figure.h"
#include "cli/terminal/refusal.h"

enum {
    LARGEST_FIRST = 8,
    LARGEST_TRIALS = 24,
    LARGEST_FINE = 16, /* ends where the bounds are closer than this part of the lower */
    LARGEST_PROBLEM_BYTES = 512,
    LARGEST_JSON_BYTES = 1 << 20,
    LARGEST_TEXT_BYTES = 256
};
static const double PROCESSOR_FULL = 0.95; /* share of the machine's processors */

enum limit {
    LIMIT_NONE,
    LIMIT_GOAL,
    LIMIT_PROCESSOR,
    LIMIT_MEMORY,
    LIMIT_DESCRIPTORS,
    LIMIT_START
};
static const char *const limit_names[] = {[LIMIT_NONE] = "none",
                                          [LIMIT_GOAL] = "goal",
                                          [LIMIT_PROCESSOR] = "processor",
                                          [LIMIT_MEMORY] = "memory",
                                          [LIMIT_DESCRIPTORS] = "file descriptors",
                                          [LIMIT_START] = "start"};

struct trial {
    unsigned agents;
    bool is_met;
    enum limit limit;
    double share, processor;
    uint64_t known_us; /* at the goal's share */
    uint64_t resident_most_bytes;
    char problem[LARGEST_PROBLEM_BYTES];
};

struct search {
    const struct chaos_goal *goal;
    uint64_t seed;
    struct trial trials[LARGEST_TRIALS];
    unsigned trial_count;
};

/* ---- one trial ---- */

static uint64_t memory_available_bytes(void) {
    char line[LARGEST_TEXT_BYTES];
    unsigned long long kilobytes = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file && fgets(line, sizeof line, file) &&
           sscanf(line, "MemAvailable: %llu kB", &kilobytes) != 1) {
    }
    if (file)
        fclose(file);
    return kilobytes * 1024;
}

/* Long enough that the goal's time could be seen to pass. */
static int make_scenario(struct scenario *scenario, const struct trial *trial,
                         const struct chaos_goal *goal) {
    char text[LARGEST_TEXT_BYTES], problem[SCENARIO_PROBLEM_BYTES];
    uint64_t tail_ms = goal->within_us / 1000;
    snprintf(text, sizeof text, "agents %u\nat 2s messages 5/s for 10s\nlasts %llums\n",
             trial->agents, 12500 + (unsigned long long)tail_ms);
    return scenario_parse(scenario, "--find-largest", bytes_of_text(text), problem);
}

static bool lacks_memory(struct trial *trial, const struct trial *before) {
    uint64_t wanted = before ? before->resident_most_bytes * trial->agents : 0;
    uint64_t available = memory_available_bytes();
    if (wanted == 0 || wanted < available / 10 * 9)
        return false;
    trial->limit = LIMIT_MEMORY;
    snprintf(trial->problem, sizeof trial->problem,
             "%u agents would take %llu MB, and %llu MB are available", trial->agents,
             (unsigned long long)(wanted >> 20), (unsigned long long)(available >> 20));
    return true;
}

static void judge(struct trial *trial, const struct chaos *chaos, const struct chaos_goal *goal,
                  int error) {
    bool is_processor_full = trial->processor >= PROCESSOR_FULL;
    trial->share = tally_share_value(tally_share_of_news(&chaos->tally, goal->within_us));
    trial->known_us = tally_quantile_us(&chaos->tally.news_known, goal->share);
    trial->resident_most_bytes = tally_resident_most_bytes(&chaos->tally);
    trial->is_met = !error && trial->share >= goal->share;
    if (error) {
        snprintf(trial->problem, sizeof trial->problem, "%.*s", LARGEST_PROBLEM_BYTES - 1,
                 chaos->problem);
        bool is_descriptors = strstr(chaos->problem, "file descriptors") != NULL;
        trial->limit = is_descriptors ? LIMIT_DESCRIPTORS : LIMIT_START;
    } else if (!trial->is_met) {
        trial->limit = LIMIT_GOAL;
    }
    if (!trial->is_met && is_processor_full && trial->limit != LIMIT_DESCRIPTORS)
        trial->limit = LIMIT_PROCESSOR;
}

/* ERR_REFUSED where the search is to end: this process was told to stop. */
static int run_trial(struct search *search, struct trial *trial) {
    struct scenario *scenario = memory_allocate(sizeof *scenario);
    struct chaos *chaos = memory_allocate_zeroed(1, sizeof *chaos);
    struct chaos_processor processor = {0};
    int error = make_scenario(scenario, trial, search->goal);
    chaos->scenario = scenario;
    chaos->seed = search->seed;
    chaos->is_quiet = true;
    (void)chaos_processor_share(&processor);
    error = error ? error : chaos_perform(chaos);
    trial->processor = chaos_processor_share(&processor);
    judge(trial, chaos, search->goal, error);
    bool is_stopped = strncmp(chaos->problem, "stopped by", 10) == 0;
    chaos_release(chaos);
    memory_free(chaos);
    memory_free(scenario);
    return is_stopped ? ERR_REFUSED : 0;
}

/* ---- the search ---- */

static void print_trial(const struct trial *trial) {
    char time[FIGURE_BYTES];
    if (trial->limit == LIMIT_MEMORY || trial->limit == LIMIT_START ||
        trial->limit == LIMIT_DESCRIPTORS) {
        printf("%6u agents   not met: %s\n", trial->agents, trial->problem);
    } else {
        printf("%6u agents   %s: %.1f %% in time (%s); processors %.0f %% busy, the largest agent "
               "%.1f MB\n",
               trial->agents, trial->is_met ? "met" : "not met", trial->share * 100,
               figure_duration(trial->known_us, time), trial->processor * 100,
               (double)trial->resident_most_bytes / 0x1p20);
    }
    fflush(stdout);
}

static int try_with(struct search *search, unsigned agents, const struct trial *before,
                    struct trial **made) {
    struct trial *trial = &search->trials[search->trial_count++];
    *trial = (struct trial){.agents = agents};
    *made = trial;
    int error = lacks_memory(trial, before) ? 0 : run_trial(search, trial);
    if (!search->goal->is_json && !error)
        print_trial(trial);
    return error;
}

static unsigned lesser(unsigned a, unsigned b) { return a < b ? a : b; }

/* Between the most that met the goal and the fewest that did not (0: none yet); 0: these are close
 * enough. */
static unsigned next_agents(unsigned met, unsigned missed, unsigned maximum) {
    if (missed == 0)
        return met < maximum ? lesser(2 * met, maximum) : 0;
    bool is_close = missed - met <= 1 + met / LARGEST_FINE;
    return is_close ? 0 : met + (missed - met) / 2;
}

static int search_all(struct search *search, const struct trial **best,
                      const struct trial **worst) {
    unsigned maximum = search->goal->agent_maximum, agents = lesser(LARGEST_FIRST, maximum);
    int error = 0;
    *best = *worst = NULL;
    while (!error && agents > 0 && search->trial_count < LARGEST_TRIALS) {
        struct trial *trial;
        error = try_with(search, agents, *best, &trial);
        *(trial->is_met ? best : worst) = trial;
        agents = next_agents(*best ? (*best)->agents : 1, *worst ? (*worst)->agents : 0, maximum);
    }
    return error;
}

static void append_trial(struct json *json, const struct trial *trial) {
    json_open(json, NULL, '{');
    json_number(json, "agents", trial->agents);
    json_boolean(json, "is_met", trial->is_met);
    json_text(json, "limit", limit_names[trial->limit]);
    json_number(json, "share_ppm", (uint64_t)(trial->share * 1e6));
    json_number(json, "known_us", trial->known_us);
    json_number(json, "processor_ppm", (uint64_t)(trial->processor * 1e6));
    json_number(json, "resident_most_bytes", trial->resident_most_bytes);
    if (trial->problem[0])
        json_text(json, "problem", trial->problem);
    json_close(json, '}');
}

static void tell_json(const struct search *search, const struct trial *best,
                      const struct trial *worst) {
    struct buffer out;
    struct json json = {.out = &out};
    buffer_init(&out, LARGEST_JSON_BYTES);
    json_open(&json, NULL, '{');
    json_number(&json, "largest", best ? best->agents : 0);
    json_text(&json, "limit", worst ? limit_names[worst->limit] : "agents-max");
    json_number(&json, "goal_share_ppm", (uint64_t)(search->goal->share * 1e6));
    json_number(&json, "goal_us", search->goal->within_us);
    json_open(&json, "trials", '[');
    for (unsigned i = 0; i < search->trial_count; i++)
        append_trial(&json, &search->trials[i]);
    json_close(&json, ']');
    json_close(&json, '}');
    printf("%.*s\n", BYTES_PRINT(buffer_bytes(&out)));
    buffer_release(&out);
}

static void tell_words(const struct trial *best, const struct trial *worst) {
    static const char *const reasons[] = {
        [LIMIT_NONE] = "nothing",
        [LIMIT_GOAL] = "the goal itself: the processors had time left",
        [LIMIT_PROCESSOR] = "the processors, which were busy",
        [LIMIT_MEMORY] = "the memory",
        [LIMIT_DESCRIPTORS] = "the file descriptors",
        [LIMIT_START] = "the start: they did not come up, or did not all know each other in time"};
    printf("the largest cluster that meets the goal has %u agents; the limit met first: %s\n",
           best ? best->agents : 0, worst ? reasons[worst->limit] : "--agents-max");
}

int chaos_find_largest(const struct chaos_goal *goal, uint64_t seed) {
    struct search *search = memory_allocate_zeroed(1, sizeof *search);
    const struct trial *best, *worst;
    search->goal = goal;
    search->seed = seed;
    int error = search_all(search, &best, &worst);
    if (error)
        refusal_tell("chaos", goal->is_json, "stopped before the largest was found");
    else if (goal->is_json)
        tell_json(search, best, worst);
    else
        tell_words(best, worst);
    int code = error || !best ? EXIT_FAILED : EXIT_OK;
    memory_free(search);
    return code;
}
