#include "base/containers/table.h"
#include "base/memory.h"
#include "base/planted.h"
#include "metric/metric_private.h"
#include <stdio.h>
#include <stdlib.h>

/* What several registries hold for one metric and one label value, added up. */
struct sum {
    const char *label_value; /* borrows from a cell */
    uint64_t value, sum;
    uint64_t buckets[METRIC_BOUND_MAXIMUM + 1];
    struct exemplar *exemplars; /* as many; NULL: this is no traced histogram */
};

static void sum_add_exemplars(struct sum *sum, const struct metric_cell *cell) {
    if (sum->exemplars == NULL)
        sum->exemplars = memory_allocate_zeroed(cell->bounds.count + 1, sizeof *sum->exemplars);
    for (unsigned i = 0; i <= cell->bounds.count; i++) {
        struct exemplar exemplar = metric_exemplar_read(&cell->exemplars[i]);
        struct exemplar *shown = &sum->exemplars[i];
        bool is_newer = exemplar.wall_us >= shown->wall_us || PLANTED(EXEMPLAR_STALE);
        if (exemplar.is_there && is_newer)
            *shown = exemplar;
    }
}

static void sum_add(struct sum *sum, const struct metric_cell *cell) {
    uint64_t value = atomic_load_explicit(&cell->value, memory_order_relaxed);
    if (cell->kind == METRIC_INFO)
        sum->value = 1;
    else
        sum->value += value;
    if (!metric_is_histogram(cell->kind))
        return;
    if (cell->kind == METRIC_TRACED)
        sum_add_exemplars(sum, cell); /* first, so that what they show is counted below */
    sum->sum += atomic_load_explicit(&cell->sum, memory_order_relaxed);
    for (unsigned i = 0; i <= cell->bounds.count; i++)
        sum->buckets[i] += atomic_load_explicit(&cell->buckets[i], memory_order_relaxed);
}

static void sum_free(struct sum *sum) {
    memory_free(sum->exemplars);
    memory_free(sum);
}

/* All sums of one metric, by label value. */
static struct table *sums_collect(struct metrics *const *all, size_t count, enum metric_id id) {
    struct table *sums = table_new();
    for (size_t i = 0; i < count; i++) {
        const struct metric_cell *cell =
            atomic_load_explicit(&all[i]->cells[id], memory_order_acquire);
        for (; cell != NULL; cell = cell->next) {
            if (atomic_load_explicit(&cell->is_unset, memory_order_acquire))
                continue;
            struct bytes label = bytes_of_text(cell->label_value);
            struct sum *sum = table_get(sums, label);
            if (sum == NULL) {
                sum = memory_allocate_zeroed(1, sizeof *sum);
                sum->label_value = cell->label_value;
                table_put(sums, label, sum);
            }
            sum_add(sum, cell);
        }
    }
    return sums;
}

static int sum_compare(const void *a, const void *b) {
    const struct sum *const *one = a, *const *other = b;
    return strcmp((*one)->label_value, (*other)->label_value);
}

/* The sums in the order of their label values, so that two scrapes can be compared line by line.
 * Returns owned. */
static struct sum **sums_sort(const struct table *sums) {
    struct sum **sorted = memory_allocate(table_count(sums) * sizeof(struct sum *));
    size_t position = 0, count = 0;
    struct bytes label;
    void *sum;
    while (table_walk(sums, &position, &label, &sum))
        sorted[count++] = sum;
    qsort(sorted, count, sizeof *sorted, sum_compare);
    return sorted;
}

static void append_number(struct buffer *out, uint64_t number, double divisor) {
    if (divisor > 1)
        buffer_append_format(out, "%.6f", (double)number / divisor);
    else
        buffer_append_format(out, "%llu", (unsigned long long)number);
}

static void append_label(struct buffer *out, const char *name, const char *value) {
    buffer_append_format(out, "%s=\"", name);
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            buffer_append_u8(out, '\\');
        buffer_append_u8(out, (uint8_t)*value);
    }
    buffer_append_u8(out, '"');
}

/* One metric, on its way into the text. */
struct rendering {
    struct buffer *out;
    enum metric_format format;
    const struct metric_row *row;
    struct metric_bounds bounds; /* of a histogram */
};

/* name_suffix{label="value"} and a space */
static void append_series(const struct rendering *rendering, const char *suffix,
                          const struct sum *sum) {
    const struct metric_row *row = rendering->row;
    buffer_append_format(rendering->out, "%s%s", row->name, suffix);
    if (row->label_name != NULL) {
        buffer_append_u8(rendering->out, '{');
        append_label(rendering->out, row->label_name, sum->label_value);
        buffer_append_u8(rendering->out, '}');
    }
    buffer_append_u8(rendering->out, ' ');
}

/* `bound` is written as a float has to be (OpenMetrics, "Canonical Numbers"): 10.0, not 10. */
static void append_bound(const struct rendering *rendering, double bound) {
    char text[32];
    snprintf(text, sizeof text, "%.10g", bound);
    bool is_whole = strpbrk(text, ".e") == NULL;
    buffer_append_text(rendering->out, text);
    if (rendering->format == METRIC_OPENMETRICS && is_whole)
        buffer_append_text(rendering->out, ".0");
}

static void append_exemplar(const struct rendering *rendering, const struct exemplar *exemplar) {
    buffer_append_format(rendering->out, " # {trace_id=\"%08x\"} ", (unsigned)exemplar->trace);
    append_number(rendering->out, exemplar->value, rendering->row->divisor);
    buffer_append_format(rendering->out, " %.3f", (double)exemplar->wall_us / 1e6);
}

/* Bucket number `i`, and what is in those before it. */
static void append_bucket(const struct rendering *rendering, const struct sum *sum, unsigned i,
                          uint64_t cumulative) {
    const struct metric_row *row = rendering->row;
    struct buffer *out = rendering->out;
    buffer_append_format(out, "%s_bucket{", row->name);
    if (row->label_name != NULL) {
        append_label(out, row->label_name, sum->label_value);
        buffer_append_u8(out, ',');
    }
    buffer_append_text(out, "le=\"");
    if (i < rendering->bounds.count)
        append_bound(rendering, (double)rendering->bounds.uppers[i] / row->divisor);
    else
        buffer_append_text(out, "+Inf");
    buffer_append_format(out, "\"} %llu", (unsigned long long)cumulative);
    bool may_have_exemplars = rendering->format == METRIC_OPENMETRICS && sum->exemplars != NULL;
    if (may_have_exemplars && sum->exemplars[i].is_there)
        append_exemplar(rendering, &sum->exemplars[i]);
    buffer_append_u8(out, '\n');
}

/* The count is what the buckets add up to, not the cell's own, which a writer may be just about to
 * raise: the +Inf bucket and the count must agree. */
static void render_histogram(const struct rendering *rendering, const struct sum *sum) {
    uint64_t cumulative = 0;
    for (unsigned i = 0; i <= rendering->bounds.count; i++) {
        cumulative += sum->buckets[i];
        append_bucket(rendering, sum, i, cumulative);
    }
    append_series(rendering, "_sum", sum);
    append_number(rendering->out, sum->sum, rendering->row->divisor);
    buffer_append_u8(rendering->out, '\n');
    append_series(rendering, "_count", sum);
    buffer_append_format(rendering->out, "%llu\n", (unsigned long long)cumulative);
}

static void render_counter(const struct rendering *rendering, const struct sum *sum) {
    append_series(rendering, "", sum);
    append_number(rendering->out, sum->value, rendering->row->divisor);
    buffer_append_u8(rendering->out, '\n');
}

/* It may be below zero. */
static void render_gauge(const struct rendering *rendering, const struct sum *sum) {
    double divisor = rendering->row->divisor;
    append_series(rendering, "", sum);
    if (divisor > 1)
        buffer_append_format(rendering->out, "%.6f\n", (double)(int64_t)sum->value / divisor);
    else
        buffer_append_format(rendering->out, "%lld\n", (long long)sum->value);
}

static void render_sum(const struct rendering *rendering, const struct sum *sum) {
    switch (rendering->row->kind) {
    case METRIC_HISTOGRAM:
    case METRIC_TRACED:
        render_histogram(rendering, sum);
        return;
    case METRIC_COUNTER:
        render_counter(rendering, sum);
        return;
    case METRIC_GAUGE:
    case METRIC_INFO:
        render_gauge(rendering, sum);
        return;
    }
}

static const char *kind_name(enum metric_kind kind, enum metric_format format) {
    switch (kind) {
    case METRIC_COUNTER:
        return "counter";
    case METRIC_GAUGE:
        return "gauge";
    case METRIC_INFO:
        return format == METRIC_OPENMETRICS ? "info" : "gauge";
    case METRIC_HISTOGRAM:
    case METRIC_TRACED:
        return "histogram";
    }
    return "untyped";
}

/* How much of a name is its family's: in OpenMetrics a counter's samples end in _total and an
 * info's in _info, their families do not. */
static int family_length(const struct rendering *rendering) {
    const struct metric_row *row = rendering->row;
    size_t length = strlen(row->name);
    if (rendering->format == METRIC_OPENMETRICS && row->kind == METRIC_COUNTER)
        length -= strlen("_total");
    if (rendering->format == METRIC_OPENMETRICS && row->kind == METRIC_INFO)
        length -= strlen("_info");
    return (int)length;
}

static void append_family(const struct rendering *rendering) {
    const struct metric_row *row = rendering->row;
    int length = family_length(rendering);
    buffer_append_format(rendering->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", length, row->name,
                         row->help, length, row->name, kind_name(row->kind, rendering->format));
}

static void render_metric(struct buffer *out, enum metric_format format, struct metrics *const *all,
                          size_t count, enum metric_id id) {
    struct table *sums = sums_collect(all, count, id);
    size_t sum_count = table_count(sums);
    if (sum_count > 0) {
        struct rendering rendering = {
            .out = out, .format = format, .row = metric_row_of(id), .bounds = metric_bounds_of(id)};
        append_family(&rendering);
        struct sum **sorted = sums_sort(sums);
        for (size_t i = 0; i < sum_count; i++) {
            render_sum(&rendering, sorted[i]);
            sum_free(sorted[i]);
        }
        memory_free(sorted);
    }
    table_free(sums);
}

void metrics_render(struct metrics *const *all, size_t count, enum metric_format format,
                    struct buffer *out) {
    for (int id = 0; id < METRIC_ID_COUNT; id++)
        render_metric(out, format, all, count, (enum metric_id)id);
    if (format == METRIC_OPENMETRICS)
        buffer_append_text(out, "# EOF\n");
}

/* ---- for others than Prometheus ---- */

void metrics_visit(struct metrics *const *all, size_t count, enum metric_id id,
                   void (*visit)(void *context, const struct metric_sum *sum), void *context) {
    struct table *sums = sums_collect(all, count, id);
    size_t sum_count = table_count(sums);
    struct sum **sorted = sums_sort(sums);
    struct metric_bounds bounds = metric_bounds_of(id);
    for (size_t i = 0; i < sum_count; i++) {
        visit(context, &(struct metric_sum){.label_value = sorted[i]->label_value,
                                            .value = sorted[i]->value,
                                            .sum = sorted[i]->sum,
                                            .buckets = sorted[i]->buckets,
                                            .uppers = bounds.uppers,
                                            .bound_count = bounds.count});
        sum_free(sorted[i]);
    }
    memory_free(sorted);
    table_free(sums);
}
