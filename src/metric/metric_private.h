/* The insides of the registry, for metric.c and metric_render.c.
 *
 *   struct metrics   cells[id] -> cell -> cell -> ...   a list per metric, which only grows, at
 *                                                       its head
 *                    by_label                           the owner's way to find a cell again
 *
 * A cell's next, label, bounds and kind never change once the list shows it; its numbers are
 * atomics. */
#pragma once
#include "metric/metric.h"
#include <stdatomic.h>

enum { METRIC_BOUND_MAXIMUM = 24 };

struct metric_row {
    const char *name;
    enum metric_kind kind;
    const char *label_name; /* NULL: no label */
    double divisor;
    const char *help;
};

/* Of a histogram: inclusive upper bounds in ascending order; what is larger goes into one bucket
 * more. */
struct metric_bounds {
    const uint64_t *uppers;
    unsigned count;
};

/* The newest that was observed in one bucket and can be traced. `version` is 0 before there was
 * one, and odd while the owner writes: who sees that, or sees it change, goes without. */
struct metric_exemplar {
    _Atomic uint32_t version, trace;
    _Atomic uint64_t value, wall_us;
};

/* What of it was read whole. */
struct exemplar {
    bool is_there;
    uint32_t trace;
    uint64_t value, wall_us;
};

void metric_exemplar_write(struct metric_exemplar *kept, struct exemplar fresh);
struct exemplar metric_exemplar_read(const struct metric_exemplar *kept);

struct metric_cell {
    struct metric_cell *next;
    enum metric_kind kind;
    struct metric_bounds bounds;
    _Atomic uint64_t value; /* counter, gauge (as int64_t), or how many were observed */
    _Atomic uint64_t sum;
    _Atomic bool is_unset;             /* of a gauge: it is not shown */
    _Atomic uint64_t *buckets;         /* of a histogram: bounds.count + 1 */
    struct metric_exemplar *exemplars; /* of a traced one: as many */
    char label_value[METRIC_LABEL_VALUE_MAXIMUM + 1];
};

struct metrics {
    struct metric_cell *_Atomic cells[METRIC_ID_COUNT];
    unsigned cell_counts[METRIC_ID_COUNT];
    struct table *by_label; /* id and label value -> cell; the owner's alone */
};

static inline bool metric_is_histogram(enum metric_kind kind) {
    return kind == METRIC_HISTOGRAM || kind == METRIC_TRACED;
}

const struct metric_row *metric_row_of(enum metric_id id);
struct metric_bounds metric_bounds_of(enum metric_id id);
