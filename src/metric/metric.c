#include "metric/metric.h"
#include "base/check.h"
#include "base/containers/table.h"
#include "base/memory.h"
#include "metric/metric_private.h"

static const struct metric_row rows[] = {
#define METRIC(id, kind, label, divisor, help)                                                     \
    {"trothdb_" #id, METRIC_##kind, label, divisor, help},
#include "metric/metric.def"
#undef METRIC
};

/* Upper bounds, inclusive, in the unit that is observed. */
static const uint64_t time_bounds_us[] = {
    10,    25,    50,     100,    250,    500,     1000,    2500,    5000,    10000,
    25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};
static const uint64_t size_bounds[] = {1,     4,     16,     64,      256,     1024,     4096,
                                       16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864};

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))
_Static_assert(COUNT_OF(time_bounds_us) <= METRIC_BOUND_MAXIMUM, "bounds fit a cell");
_Static_assert(COUNT_OF(size_bounds) <= METRIC_BOUND_MAXIMUM, "bounds fit a cell");

const struct metric_row *metric_row_of(enum metric_id id) {
    CHECK((size_t)id < METRIC_ID_COUNT);
    return &rows[id];
}

struct metric_bounds metric_bounds_of(enum metric_id id) {
    if (metric_row_of(id)->divisor > 1)
        return (struct metric_bounds){time_bounds_us, COUNT_OF(time_bounds_us)};
    return (struct metric_bounds){size_bounds, COUNT_OF(size_bounds)};
}

struct metrics *metrics_new(void) {
    struct metrics *metrics = memory_allocate_zeroed(1, sizeof *metrics);
    metrics->by_label = table_new();
    metric_set(metrics_cell(metrics, METRIC_build_info, TROTHDB_VERSION), 1);
    return metrics;
}

void metrics_free(struct metrics *metrics) {
    if (metrics == NULL)
        return;
    for (int id = 0; id < METRIC_ID_COUNT; id++) {
        struct metric_cell *cell = atomic_load_explicit(&metrics->cells[id], memory_order_relaxed);
        while (cell != NULL) {
            struct metric_cell *next = cell->next;
            memory_free(cell->buckets);
            memory_free(cell->exemplars);
            memory_free(cell);
            cell = next;
        }
    }
    table_free(metrics->by_label);
    memory_free(metrics);
}

/* Label values reach Prometheus as UTF-8; what is not plain text becomes '?'. */
static void cell_set_label(struct metric_cell *cell, const char *label_value) {
    size_t length = 0;
    for (; label_value[length] != '\0' && length < METRIC_LABEL_VALUE_MAXIMUM; length++) {
        char byte = label_value[length];
        cell->label_value[length] = byte >= ' ' && byte < 0x7f ? byte : '?';
    }
    cell->label_value[length] = '\0';
}

static struct metric_cell *cell_new(enum metric_id id, const char *label_value) {
    struct metric_cell *cell = memory_allocate_zeroed(1, sizeof *cell);
    cell->kind = metric_row_of(id)->kind;
    cell_set_label(cell, label_value);
    if (metric_is_histogram(cell->kind)) {
        cell->bounds = metric_bounds_of(id);
        cell->buckets = memory_allocate_zeroed(cell->bounds.count + 1, sizeof *cell->buckets);
    }
    if (cell->kind == METRIC_TRACED)
        cell->exemplars = memory_allocate_zeroed(cell->bounds.count + 1, sizeof *cell->exemplars);
    return cell;
}

/* The key of `by_label`: which metric, then which label value. */
struct cell_key {
    uint8_t text[2 + METRIC_LABEL_VALUE_MAXIMUM];
    struct bytes bytes;
};

static void cell_key_init(struct cell_key *key, enum metric_id id, const char *label_value) {
    size_t length = 0;
    while (length < METRIC_LABEL_VALUE_MAXIMUM && label_value[length] != '\0')
        length++;
    key->text[0] = (uint8_t)((unsigned)id >> 8);
    key->text[1] = (uint8_t)id;
    memcpy(key->text + 2, label_value, length);
    key->bytes = bytes_of(key->text, 2 + length);
}

struct metric_cell *metrics_cell(struct metrics *metrics, enum metric_id id,
                                 const char *label_value) {
    CHECK((label_value != NULL) == (metric_row_of(id)->label_name != NULL));
    if (label_value == NULL)
        label_value = "";
    struct cell_key key;
    cell_key_init(&key, id, label_value);
    struct metric_cell *cell = table_get(metrics->by_label, key.bytes);
    if (cell != NULL)
        return cell;
    if (metrics->cell_counts[id] >= METRIC_CELLS_PER_METRIC_MAXIMUM - 1) {
        label_value = "other";
        cell_key_init(&key, id, label_value);
        cell = table_get(metrics->by_label, key.bytes);
        if (cell != NULL)
            return cell;
    }
    cell = cell_new(id, label_value);
    cell->next = atomic_load_explicit(&metrics->cells[id], memory_order_relaxed);
    table_put(metrics->by_label, key.bytes, cell);
    metrics->cell_counts[id]++;
    /* A renderer that sees the cell sees all that was written into it before. */
    atomic_store_explicit(&metrics->cells[id], cell, memory_order_release);
    return cell;
}

/* Only the owner writes, so reading and writing apart loses nothing and costs no locked
 * instruction. */
static void number_add(_Atomic uint64_t *number, uint64_t amount) {
    uint64_t before = atomic_load_explicit(number, memory_order_relaxed);
    atomic_store_explicit(number, before + amount, memory_order_relaxed);
}

void metric_add(struct metric_cell *cell, uint64_t amount) {
    CHECK(cell->kind == METRIC_COUNTER);
    number_add(&cell->value, amount);
}

void metric_set(struct metric_cell *cell, int64_t value) {
    CHECK(cell->kind == METRIC_GAUGE || cell->kind == METRIC_INFO);
    atomic_store_explicit(&cell->value, (uint64_t)value, memory_order_relaxed);
    atomic_store_explicit(&cell->is_unset, false, memory_order_release); /* with its new value */
}

void metric_unset(struct metric_cell *cell) {
    CHECK(cell->kind == METRIC_GAUGE);
    atomic_store_explicit(&cell->is_unset, true, memory_order_relaxed);
}

/* Returns the bucket. */
static unsigned histogram_count(struct metric_cell *cell, uint64_t value) {
    unsigned bucket = 0;
    while (bucket < cell->bounds.count && value > cell->bounds.uppers[bucket])
        bucket++;
    number_add(&cell->buckets[bucket], 1);
    number_add(&cell->sum, value);
    number_add(&cell->value, 1);
    return bucket;
}

void metric_observe(struct metric_cell *cell, uint64_t value) {
    CHECK(cell->kind == METRIC_HISTOGRAM);
    histogram_count(cell, value);
}

void metric_observe_traced(struct metric_cell *cell, uint64_t value, uint32_t trace,
                           uint64_t wall_us) {
    CHECK(cell->kind == METRIC_TRACED);
    unsigned bucket = histogram_count(cell, value);
    struct exemplar fresh = {.trace = trace, .value = value, .wall_us = wall_us};
    metric_exemplar_write(&cell->exemplars[bucket], fresh);
}

uint64_t metric_value(const struct metric_cell *cell) {
    return atomic_load_explicit(&cell->value, memory_order_relaxed);
}
