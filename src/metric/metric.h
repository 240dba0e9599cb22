/* The registry behind metric.def. One `struct metrics` belongs to one thread (a worker, the gossip
 * thread): only its owner writes, with plain relaxed atomic stores; any thread may render all of
 * them together as Prometheus text. A row of metric.def: METRIC(id, kind, label_name or NULL, unit
 * divisor, help); the exposed name is "trothdb_" + id. Times are given in microseconds and exposed
 * in seconds (divisor 1e6). INFO is a gauge that says something by its label and is always 1.
 * Histograms count into fixed bounds: 10 us to 10 s for times, 1 to 64 Mi for everything else.
 * TRACED is a histogram that keeps an exemplar of each bucket: the trace id, value and time of the
 * newest that it counted there. */
#pragma once
#include "base/buffer.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_TRACED, METRIC_INFO };
enum metric_id {
#define METRIC(id, kind, label, divisor, help) METRIC_##id,
#include "metric/metric.def"
#undef METRIC
    METRIC_ID_COUNT
};

struct metrics;
struct metric_cell; /* one metric with one label value: found once, then counted into */

enum { METRIC_LABEL_VALUE_MAXIMUM = 64, METRIC_CELLS_PER_METRIC_MAXIMUM = 4096 };

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);
/* `label_value` is NULL for a metric without a label, and cut at METRIC_LABEL_VALUE_MAXIMUM bytes.
 * Never NULL; past the cap the cell of label "other" is returned. Borrowed; lives as long as the
 * registry. Owner's thread only. */
struct metric_cell *metrics_cell(struct metrics *metrics, enum metric_id id,
                                 const char *label_value);
void metric_add(struct metric_cell *cell, uint64_t amount); /* counters */
void metric_set(struct metric_cell *cell, int64_t value);   /* gauges */
void metric_unset(
    struct metric_cell *cell); /* a gauge of what is gone: not shown until it is set */
void metric_observe(struct metric_cell *cell, uint64_t value); /* histograms */
/* Of a TRACED histogram: `trace` is shown as 8 hex digits, and is in log lines; `wall_us` is now,
 * Unix microseconds. */
void metric_observe_traced(struct metric_cell *cell, uint64_t value, uint32_t trace,
                           uint64_t wall_us);
uint64_t metric_value(const struct metric_cell *cell); /* counter or gauge value, histogram count */

enum metric_format {
    METRIC_PROMETHEUS, /* text format 0.0.4 */
    METRIC_OPENMETRICS /* text format 1.0.0, which alone can show exemplars */
};

/* The text of `count` registries: counters, gauges and histograms added up by label value; of their
 * exemplars, the newest. Safe while the owners go on writing and adding cells. */
void metrics_render(struct metrics *const *all, size_t count, enum metric_format format,
                    struct buffer *out);

/* What `count` registries hold of one metric under one label value, added up: a counter's or a
 * gauge's value, or how often a histogram observed, and the sum of that. Of its buckets each counts
 * what is at most its upper bound and above the one before; one more, the last, has no bound. */
struct metric_sum {
    const char *label_value;
    uint64_t value, sum;
    const uint64_t *buckets, *uppers;
    unsigned bound_count;
};
/* Each label value of a metric, in their order. As safe as metrics_render. */
void metrics_visit(struct metrics *const *all, size_t count, enum metric_id id,
                   void (*visit)(void *context, const struct metric_sum *sum), void *context);
