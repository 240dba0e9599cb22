/* `trothdb chaos`: real agents on this machine, what a scenario does to them, and a report of what
 * they made of it. */
#include "cli/chaos/chaos.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/terminal/figure.h"
#include "cli/terminal/flags.h"
#include "cli/terminal/grid.h"
#include "cli/terminal/refusal.h"
#include "io/whole_file.h"

enum {
    CHAOS_SEED_DEFAULT = 1,
    CHAOS_LARGEST_DEFAULT = 1000,
    CHAOS_TABLE_BYTES = 1 << 20,
    PAGE_PROBLEM_BYTES = 8192,
};

static const char built_in[] = "# What runs where no scenario is given.\n"
                               "messages 10/s\n"
                               "at 5s kill 1\n"
                               "at 12s loss 20% for 8s\n"
                               "at 28s kill 1\n"
                               "lasts 40s\n"
                               "expect deaths within 10s\n"
                               "expect no false deaths\n";

struct wishes {
    const char *scenario, *report, *goal;
    int64_t agents, agent_maximum, seed;
    bool is_json, finds_largest;
};

/* ---- reading ---- */

static int read_file(const char *path, bool is_json, struct buffer *out) {
    FILE *file = fopen(path, "re");
    uint8_t *room = buffer_reserve(out, SCENARIO_FILE_BYTES + 1);
    size_t length = file && room ? fread(room, 1, SCENARIO_FILE_BYTES + 1, file) : 0;
    bool is_read = file && !ferror(file);
    if (!is_read)
        refusal_tell("chaos", is_json, "%s cannot be read: %s", path, strerror(errno));
    if (file)
        fclose(file);
    buffer_grew(out, length);
    return is_read ? 0 : ERR_IO;
}

static int read_scenario(const struct wishes *wishes, struct scenario *scenario) {
    char problem[SCENARIO_PROBLEM_BYTES];
    struct buffer text;
    buffer_init(&text, SCENARIO_FILE_BYTES + 2);
    int error = 0;
    if (wishes->scenario)
        error = read_file(wishes->scenario, wishes->is_json, &text);
    else
        buffer_append_text(&text, built_in);
    if (!error) {
        error = scenario_parse(scenario, wishes->scenario ? wishes->scenario : "built-in",
                               buffer_bytes(&text), problem);
        if (!error && wishes->agents) {
            scenario->agent_count = (unsigned)wishes->agents;
            error = scenario_check(scenario, problem);
        }
        if (error)
            refusal_tell("chaos", wishes->is_json, "%s", problem);
    }
    buffer_release(&text);
    return error;
}

/* ---- telling ---- */

/* As figure_duration(), and finer where it is short. */
static const char *time_of(uint64_t us, char out[FIGURE_BYTES]) {
    if (us >= 1000000)
        return figure_duration(us, out);
    snprintf(out, FIGURE_BYTES, us < 10000 ? "%.1f ms" : "%.0f ms", (double)us / 1000);
    return out;
}

static void add_times(struct grid *grid, const char *what, const struct histogram *times) {
    static const double quantiles[] = {0.5, 0.95, 0.99, 1};
    char text[FIGURE_BYTES];
    grid_cell(grid, "%s", what);
    grid_cell(grid, "%s", figure_thousands(times->count, text));
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        uint64_t us = tally_quantile_us(times, quantiles[i]);
        grid_cell(grid, "%s", times->count ? time_of(us, text) : "-");
    }
}

static void print_table(const struct chaos *chaos) {
    static const char *const least[] = {"p95", "count", NULL};
    const struct tally *tally = &chaos->tally;
    struct grid grid;
    struct buffer out;
    buffer_init(&out, CHAOS_TABLE_BYTES);
    grid_init(&grid, "lrrrrr");
    grid_row(&grid, "", "count", "p50", "p95", "p99", "longest");
    add_times(&grid, "news seen by an agent", &tally->news_views);
    add_times(&grid, "news known to all", &tally->news_known);
    add_times(&grid, "death seen by an agent", &tally->death_views);
    add_times(&grid, "death known to all", &tally->death_known);
    grid_print_in_window(&grid, &out, "", least);
    printf("%.*s\n", BYTES_PRINT(buffer_bytes(&out)));
    buffer_release(&out);
    printf("known to all: %llu of %llu messages, %llu of %llu deaths\n"
           "accusations: %llu, of which false: %llu; false deaths: %llu\n"
           "an agent sent %.2f messages and %.2f kB a second, and took %.2f %% of a core; the "
           "largest has %.2f MB resident\n",
           (unsigned long long)tally->news_known_count, (unsigned long long)tally->message_count,
           (unsigned long long)tally->death_known.count, (unsigned long long)tally->death_count,
           (unsigned long long)tally->accusations, (unsigned long long)tally->false_accusations,
           (unsigned long long)tally->false_deaths,
           (double)tally_messages_per_second_milli(tally) / 1000,
           (double)tally_bytes_per_second(tally) / 1024, (double)tally_cpu_ppm(tally) / 1e4,
           (double)tally_resident_most_bytes(tally) / 0x1p20);
}

static bool print_verdicts(const struct report *report, bool is_printed) {
    bool is_met = true;
    for (unsigned i = 0; i < report->scenario->expectation_count; i++) {
        const struct scenario_expectation *expectation = &report->scenario->expectations[i];
        const struct verdict *verdict = &report->verdicts[i];
        is_met &= verdict->is_met;
        if (is_printed) {
            const char *word = verdict->is_met     ? "met    "
                               : verdict->is_known ? "NOT MET"
                                                   : "unknown";
            bool is_cut_short = report->problem && !verdict->is_known;
            printf("%s: expect %s (%s%s)\n", word, expectation->text,
                   is_cut_short ? "until the run ended, before its time: " : "", verdict->said);
        }
    }
    return is_met;
}

/* Before minutes are spent. What stands there stays until the new page takes its place. */
static int try_page(const struct wishes *wishes) {
    FILE *file = fopen(wishes->report, "ae");
    if (!file) {
        refusal_tell("chaos", wishes->is_json, "the report cannot be written to %s: %s",
                     wishes->report, strerror(errno));
        return ERR_IO;
    }
    fclose(file);
    return 0;
}

/* To a terminal or a pipe: there is nothing to keep whole. */
static int write_through(const char *path, struct bytes page, struct buffer *problem) {
    FILE *file = fopen(path, "we");
    bool is_written = file && fwrite(page.data, 1, page.length, file) == page.length;
    if (file && fclose(file) != 0)
        is_written = false;
    if (!is_written)
        buffer_append_format(problem, "cannot write '%s': %s", path, strerror(errno));
    return is_written ? 0 : ERR_IO;
}

/* What try_page() made. */
static void remove_empty(const char *path) {
    struct stat status;
    if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0)
        unlink(path);
}

/* A page that stands there is replaced as a whole. */
static int write_page(const struct report *report, const char *path) {
    struct buffer page, problem;
    buffer_init(&page, REPORT_BYTES_MAXIMUM);
    report_append_page(report, &page);
    buffer_init(&problem, PAGE_PROBLEM_BYTES);
    struct stat status;
    bool is_special = stat(path, &status) == 0 && !S_ISREG(status.st_mode);
    int error = page.is_overflowed ? ERR_LIMIT
                : is_special       ? write_through(path, buffer_bytes(&page), &problem)
                                   : whole_file_replace(path, buffer_bytes(&page), 07777, &problem);
    if (error == ERR_LIMIT)
        buffer_append_text(&problem, "it is too long for a page");
    if (error) {
        fprintf(stderr, "trothdb chaos: the report: %.*s\n", BYTES_PRINT(buffer_bytes(&problem)));
        remove_empty(path);
    }
    buffer_release(&problem);
    buffer_release(&page);
    return error;
}

static void print_json(const struct report *report) {
    struct buffer json;
    buffer_init(&json, REPORT_BYTES_MAXIMUM);
    report_append_json(report, &json);
    printf("%.*s\n", BYTES_PRINT(buffer_bytes(&json)));
    buffer_release(&json);
}

/* A step that did less than it says: what came of the run is not what one reads in the scenario. */
static void print_short_steps(const struct report *report) {
    for (unsigned i = 0; i < report->scenario->step_count; i++) {
        const struct scenario_step *step = &report->scenario->steps[i];
        if (report_is_short(report, i))
            printf("short  : %s (line %u; it fell on %u of %u agents)\n", step->text, step->line,
                   report->fell_on[i], scenario_step_wanted(step));
    }
}

/* Whatever became of the run, what was measured is told. */
static int tell(const struct chaos *chaos, const struct wishes *wishes, int error) {
    struct verdict verdicts[SCENARIO_EXPECTATION_MAXIMUM];
    unsigned fell_on[SCENARIO_STEP_MAXIMUM];
    for (unsigned i = 0; i < chaos->scenario->step_count; i++)
        fell_on[i] = chaos->concerns[i].fewest;
    const struct report report = {.scenario = chaos->scenario,
                                  .tally = &chaos->tally,
                                  .verdicts = verdicts,
                                  .fell_on = fell_on,
                                  .version = TROTHDB_VERSION,
                                  .begun_unix_ms = chaos->begun_unix_ms,
                                  .seed = chaos->seed,
                                  .problem = error ? chaos->problem : NULL};
    for (unsigned i = 0; i < chaos->scenario->expectation_count; i++) {
        const struct scenario_expectation *expectation = &chaos->scenario->expectations[i];
        verdict_of(expectation, chaos->scenario, &chaos->tally, &verdicts[i]);
        if (error)
            verdict_cut_short(expectation, &verdicts[i]);
    }
    if (wishes->is_json)
        print_json(&report);
    else if (chaos->has_begun)
        print_table(chaos);
    if (!wishes->is_json)
        print_short_steps(&report);
    bool is_met = print_verdicts(&report, !wishes->is_json && chaos->has_begun);
    if (error)
        fprintf(stderr, "trothdb chaos: %s\n", chaos->problem);
    int write_error = wishes->report ? write_page(&report, wishes->report) : 0;
    if (wishes->report && !write_error && !wishes->is_json)
        printf("report: %s\n", wishes->report);
    return error || write_error || !is_met ? EXIT_FAILED : EXIT_OK;
}

/* ---- the command ---- */

static void take_settings(struct chaos *chaos, char names[SCENARIO_SETTING_MAXIMUM][80]) {
    const struct scenario *scenario = chaos->scenario;
    for (unsigned i = 0; i < scenario->setting_count; i++) {
        snprintf(names[i], 80, "--%s", scenario->settings[i].name);
        chaos->setting_flags[chaos->setting_flag_count++] = names[i];
        chaos->setting_flags[chaos->setting_flag_count++] = scenario->settings[i].value;
    }
}

static int run_scenario(const struct wishes *wishes) {
    struct scenario *scenario = memory_allocate(sizeof *scenario);
    struct chaos *chaos = memory_allocate_zeroed(1, sizeof *chaos);
    char names[SCENARIO_SETTING_MAXIMUM][80];
    int code = EXIT_USAGE;
    if (!read_scenario(wishes, scenario) && !(wishes->report && try_page(wishes))) {
        chaos->scenario = scenario;
        chaos->seed = (uint64_t)wishes->seed;
        chaos->is_quiet = wishes->is_json;
        take_settings(chaos, names);
        if (!wishes->is_json) {
            char length[FIGURE_BYTES];
            printf("%s: %u agents, %s\n", scenario->file, scenario->agent_count,
                   figure_duration(scenario->length_us, length));
            fflush(stdout);
        }
        int error = chaos_perform(chaos);
        code = tell(chaos, wishes, error);
        chaos_release(chaos);
    }
    memory_free(chaos);
    memory_free(scenario);
    return code;
}

/* "95% of news within 10s" */
static int parse_goal(const char *text, bool is_json, struct chaos_goal *goal) {
    char line[SCENARIO_LINE_BYTES], problem[SCENARIO_PROBLEM_BYTES];
    struct scenario *scenario = memory_allocate(sizeof *scenario);
    snprintf(line, sizeof line, "expect %s", text);
    int error = scenario_parse(scenario, "--goal", bytes_of_text(line), problem);
    const struct scenario_expectation *expectation = &scenario->expectations[0];
    if (!error && (scenario->expectation_count != 1 || expectation->subject != SCENARIO_NEWS)) {
        snprintf(problem, sizeof problem,
                 "--goal: '%s' is no goal: write one such as '95%% of "
                 "news within 10s'",
                 text);
        error = ERR_INVALID;
    }
    goal->share = expectation->share;
    goal->within_us = expectation->within_us;
    memory_free(scenario);
    if (error)
        refusal_tell("chaos", is_json, "%s", problem);
    return error;
}

static int find_largest(const struct wishes *wishes) {
    struct chaos_goal goal = {.agent_maximum = (unsigned)wishes->agent_maximum,
                              .is_json = wishes->is_json};
    if (wishes->scenario || wishes->report || wishes->agents) {
        refusal_tell("chaos", wishes->is_json,
                     "--find-largest takes --goal, --agents-max, --seed and --json only");
        return EXIT_USAGE;
    }
    if (parse_goal(wishes->goal ? wishes->goal : "95% of news within 10s", wishes->is_json, &goal))
        return EXIT_USAGE;
    return chaos_find_largest(&goal, (uint64_t)wishes->seed);
}

int chaos_run(int argc, char **argv) {
    struct wishes wishes = {.seed = CHAOS_SEED_DEFAULT, .agent_maximum = CHAOS_LARGEST_DEFAULT};
    int operands;
    const struct flag flags[] = {
        {.name = "agents",
         .number = &wishes.agents,
         .minimum = 2,
         .maximum = SCENARIO_AGENT_MAXIMUM},
        {.name = "scenario", .text = &wishes.scenario},
        {.name = "report", .text = &wishes.report},
        {.name = "seed", .number = &wishes.seed, .minimum = 0, .maximum = INT64_MAX},
        {.name = "json", .is_set = &wishes.is_json},
        {.name = "find-largest", .is_set = &wishes.finds_largest},
        {.name = "goal", .text = &wishes.goal},
        {.name = "agents-max",
         .number = &wishes.agent_maximum,
         .minimum = 2,
         .maximum = SCENARIO_AGENT_MAXIMUM},
        {0},
    };
    if (flags_read(flags, "chaos", argc, argv, &operands))
        return EXIT_USAGE;
    if (operands) {
        refusal_tell("chaos", wishes.is_json,
                     "'%s' is too much; a scenario is given by --scenario FILE", argv[0]);
        return EXIT_USAGE;
    }
    if (wishes.goal && !wishes.finds_largest) {
        refusal_tell("chaos", wishes.is_json,
                     "--goal goes with --find-largest; a scenario has `expect` lines");
        return EXIT_USAGE;
    }
    return wishes.finds_largest ? find_largest(&wishes) : run_scenario(&wishes);
}
