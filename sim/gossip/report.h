/* What a run found: figures, and curves for plots. */
#pragma once
#include "base/buffer.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum figure {
#define SCENARIO(name, text)
#define FIGURE(scenario, name, unit, wanted, text) FIGURE_##scenario##_##name,
#include "sim/gossip/scenario.def"
#undef SCENARIO
#undef FIGURE
    FIGURE_COUNT
};
enum { REPORT_CURVE_POINTS_MAXIMUM = 200, REPORT_CURVE_MAXIMUM = 64 };

/* A share (0 to 1) over time, in seconds from where the scenario begins to count. */
struct report_curve {
    char name[40];
    double seconds[REPORT_CURVE_POINTS_MAXIMUM], shares[REPORT_CURVE_POINTS_MAXIMUM];
    unsigned count;
};

struct report {
    unsigned node_count;
    uint64_t seed;
    bool has[FIGURE_COUNT];
    double measured[FIGURE_COUNT];
    char note[120]; /* what was wrong first; empty if nothing was */
    struct report_curve *curves;
    unsigned curve_count;
};

void report_init(struct report *report, unsigned node_count, uint64_t seed);
void report_release(struct report *report);
void report_figure(struct report *report, enum figure figure, double measured);
/* Only the first is kept. */
void report_note(struct report *report, const char *note);
/* The next curve, named; past REPORT_CURVE_MAXIMUM the last one again. Borrows until the next. */
struct report_curve *report_curve(struct report *report, const char *name);
/* Points past REPORT_CURVE_POINTS_MAXIMUM are not kept. */
void report_point(struct report_curve *curve, double seconds, double share);
/* Every figure that was measured met what is wanted of it. */
bool report_is_all_met(const struct report *report);
void report_print(const struct report *report, struct buffer *out);
void report_print_json(const struct report *report, struct buffer *out);

/* The quantile of samples, which are sorted for it; 0 of none. */
double report_quantile(double *samples, size_t count, double quantile);
