/* The verdict of a drill, for people and for programs. */
#include <stdio.h>

#include "base/text/json.h"
#include "cli/drill/drill.h"
#include "cli/terminal/figure.h"

enum { DRILL_REPORT_BYTES = 1 << 20 };

static uint64_t worst_gap_us(const struct drill *drill) {
    uint64_t worst_us = 0;
    for (unsigned i = 0; i < drill->step_count; i++)
        worst_us = drill->steps[i].gap_us > worst_us ? drill->steps[i].gap_us : worst_us;
    return worst_us;
}

static void print_verdict(const struct drill *drill, const struct drill_counts *counts) {
    char writes[FIGURE_BYTES], reads[FIGURE_BYTES], lost[FIGURE_BYTES], stale[FIGURE_BYTES],
        unknown[FIGURE_BYTES], gap[FIGURE_BYTES], time[FIGURE_BYTES];
    printf("\n%s writes were acknowledged, %s lost; %s reads, %s stale; of %s writes the outcome "
           "was said to be unknown\nthe worst gap in any writer's acknowledged writes: %s; the "
           "drill took %s\n",
           figure_thousands(counts->acknowledged, writes), figure_thousands(counts->lost, lost),
           figure_thousands(counts->reads, reads), figure_thousands(counts->stale, stale),
           figure_thousands(counts->unknown, unknown), figure_duration(worst_gap_us(drill), gap),
           figure_duration(figure_now_us() - drill->started_us, time));
}

static void print_json(const struct drill *drill, const struct drill_counts *counts,
                       const char *problem) {
    struct buffer out;
    buffer_init(&out, DRILL_REPORT_BYTES);
    struct json json = {.out = &out};
    json_open(&json, NULL, '{');
    json_open(&json, "timeline", '[');
    for (unsigned i = 0; i < drill->step_count; i++) {
        const struct drill_step *step = &drill->steps[i];
        json_open(&json, NULL, '{');
        json_text(&json, "what", step->what);
        json_number(&json, "at_ms", (step->begun_us - drill->started_us) / 1000);
        json_number(&json, "lasted_ms", step->lasted_us / 1000);
        json_number(&json, "gap_ms", step->gap_us / 1000);
        json_number(&json, "acknowledged", step->acknowledged);
        json_text(&json, "leaders", step->leaders);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_number(&json, "acknowledged", counts->acknowledged);
    json_number(&json, "lost", counts->lost);
    json_number(&json, "reads", counts->reads);
    json_number(&json, "stale", counts->stale);
    json_number(&json, "unknown", counts->unknown);
    json_number(&json, "invented", counts->invented);
    json_number(&json, "worst_gap_ms", worst_gap_us(drill) / 1000);
    json_number(&json, "took_ms", (figure_now_us() - drill->started_us) / 1000);
    if (drill->disk.problem[0])
        json_text(&json, "left_out", drill->disk.problem);
    if (problem[0])
        json_text(&json, "problem", problem);
    json_boolean(&json, "passed", !problem[0]);
    json_close(&json, '}');
    printf("%.*s\n", BYTES_PRINT(buffer_bytes(&out)));
    buffer_release(&out);
}

int drill_report(struct drill *drill, int error) {
    struct drill_counts counts = {0};
    const char *problem = error ? drill->nodes.problem : "";
    if (drill->load)
        drill_load_counts(drill->load, &counts);
    if (counts.lost || counts.stale || counts.invented)
        problem = drill_load_wrong(drill->load);
    if (drill->is_json) {
        print_json(drill, &counts, problem);
    } else if (drill->load) {
        print_verdict(drill, &counts);
        puts(problem[0] ? "FAILED" : "passed");
        fflush(stdout);
    }
    if (problem[0] && !drill->is_json)
        fprintf(stderr, "trothdb drill: %s\n", problem);
    return problem[0] ? EXIT_FAILED : EXIT_OK;
}
