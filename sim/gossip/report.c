#include "sim/gossip/report.h"
#include "base/memory.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLD INFINITY /* a figure that nothing is wanted of */
static const struct {
    const char *scenario, *name, *unit, *text;
    double wanted;
} figures[] = {
#define SCENARIO(name, text)
#define FIGURE(scenario, name, unit, wanted, text) {#scenario, #name, unit, text, wanted},
#include "sim/gossip/scenario.def"
#undef SCENARIO
#undef FIGURE
};

void report_init(struct report *report, unsigned node_count, uint64_t seed) {
    *report = (struct report){.node_count = node_count, .seed = seed};
    report->curves = memory_allocate_zeroed(REPORT_CURVE_MAXIMUM, sizeof *report->curves);
}

void report_release(struct report *report) { memory_free(report->curves); }

void report_figure(struct report *report, enum figure figure, double measured) {
    report->has[figure] = true;
    report->measured[figure] = measured;
}

void report_note(struct report *report, const char *note) {
    if (report->note[0] == 0)
        snprintf(report->note, sizeof report->note, "%s", note);
}

struct report_curve *report_curve(struct report *report, const char *name) {
    if (report->curve_count < REPORT_CURVE_MAXIMUM)
        report->curve_count++;
    struct report_curve *curve = &report->curves[report->curve_count - 1];
    curve->count = 0;
    snprintf(curve->name, sizeof curve->name, "%s", name);
    return curve;
}

void report_point(struct report_curve *curve, double seconds, double share) {
    if (curve->count == REPORT_CURVE_POINTS_MAXIMUM)
        return;
    curve->seconds[curve->count] = seconds;
    curve->shares[curve->count++] = share;
}

static bool is_met(const struct report *report, enum figure figure) {
    return !report->has[figure] || report->measured[figure] <= figures[figure].wanted;
}

bool report_is_all_met(const struct report *report) {
    for (unsigned i = 0; i < FIGURE_COUNT; i++)
        if (!is_met(report, (enum figure)i))
            return false;
    return true;
}

/* For people. */

static void print_figure(const struct report *report, enum figure figure, struct buffer *out) {
    char what[64];
    snprintf(what, sizeof what, "%s %s", figures[figure].scenario, figures[figure].name);
    buffer_append_format(out, "%-26s%10.4g %-4s", what, report->measured[figure],
                         figures[figure].unit);
    if (isinf(figures[figure].wanted))
        buffer_append_format(out, "%20s", "");
    else
        buffer_append_format(out, "<= %-8g %-6s  ", figures[figure].wanted,
                             is_met(report, figure) ? "ok" : "MISSED");
    buffer_append_format(out, "%s\n", figures[figure].text);
}

void report_print(const struct report *report, struct buffer *out) {
    buffer_append_format(out, "%u nodes, seed %llu\n", report->node_count,
                         (unsigned long long)report->seed);
    for (unsigned i = 0; i < FIGURE_COUNT; i++)
        if (report->has[i])
            print_figure(report, (enum figure)i, out);
    if (report->note[0] != 0)
        buffer_append_format(out, "%s\n", report->note);
}

/* For programs. */

static void print_json_figures(const struct report *report, struct buffer *out) {
    const char *comma = "";
    for (unsigned i = 0; i < FIGURE_COUNT; i++) {
        if (!report->has[i])
            continue;
        buffer_append_format(out, "%s\n {\"scenario\":\"%s\",\"figure\":\"%s\",\"unit\":\"%s\",",
                             comma, figures[i].scenario, figures[i].name, figures[i].unit);
        buffer_append_format(out, "\"measured\":%.6g,", report->measured[i]);
        if (!isinf(figures[i].wanted))
            buffer_append_format(out, "\"wanted\":%g,\"is_met\":%s,", figures[i].wanted,
                                 is_met(report, (enum figure)i) ? "true" : "false");
        buffer_append_format(out, "\"text\":\"%s\"}", figures[i].text);
        comma = ",";
    }
}

static void print_json_curve(const struct report_curve *curve, struct buffer *out) {
    buffer_append_format(out, "\n {\"name\":\"%s\",\"points\":[", curve->name);
    for (unsigned i = 0; i < curve->count; i++)
        buffer_append_format(out, "%s[%.6g,%.6g]", i ? "," : "", curve->seconds[i],
                             curve->shares[i]);
    buffer_append_text(out, "]}");
}

void report_print_json(const struct report *report, struct buffer *out) {
    buffer_append_format(out, "{\"nodes\":%u,\"seed\":%llu,\"note\":\"%s\",\"figures\":[",
                         report->node_count, (unsigned long long)report->seed, report->note);
    print_json_figures(report, out);
    buffer_append_text(out, "],\n\"curves\":[");
    for (unsigned i = 0; i < report->curve_count; i++) {
        buffer_append_text(out, i ? "," : "");
        print_json_curve(&report->curves[i], out);
    }
    buffer_append_text(out, "]}\n");
}

static int compare_samples(const void *a, const void *b) {
    const double *one = a, *other = b;
    return *one < *other ? -1 : *one > *other;
}

double report_quantile(double *samples, size_t count, double quantile) {
    if (count == 0)
        return 0;
    qsort(samples, count, sizeof *samples, compare_samples);
    size_t rank = (size_t)ceil(quantile * (double)count);
    return samples[rank > 0 ? rank - 1 : 0];
}
