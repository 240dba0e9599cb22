#include "worker/memory_limit.h"

#include "worker/statistics.h"
#include "worker/worker.h"

uint64_t memory_limit_used(const struct worker *worker) {
    return node_shared_sum(worker->shared, offsetof(struct worker_statistics, memory_bytes)) +
           node_shared_sum(worker->shared, offsetof(struct worker_statistics, unfreed_bytes));
}

static bool is_past(const struct worker *worker, uint64_t bytes) {
    return worker->config.maxmemory > 0 && bytes > (uint64_t)worker->config.maxmemory;
}

bool memory_limit_is_reached(const struct worker *worker) {
    return worker->config.maxmemory > 0 &&
           is_past(worker, memory_limit_used(worker) + worker->let_in_bytes);
}

void memory_limit_let_in(struct worker *worker, size_t bytes) { worker->let_in_bytes += bytes; }

/* One worker speaks for the node. */
static void tell(struct worker *worker, bool is_full) {
    const struct log *log = worker->io.log;
    uint64_t used = memory_limit_used(worker);
    if (is_full) {
        log_line(log, LOG_WARN,
                 "maxmemory is reached: writes that need memory are refused, until there is some",
                 LOG_F("used_bytes", used), LOG_F("maxmemory", worker->config.maxmemory));
    } else {
        log_line(log, LOG_INFO, "there is memory again: writes go on", LOG_F("used_bytes", used));
    }
}

void memory_limit_published(struct worker *worker) {
    worker->let_in_bytes = 0;
    metric_set(metrics_cell(worker->metrics, METRIC_memory_bytes, NULL),
               (int64_t)(statistic_of(&statistics_of(worker)->memory_bytes) +
                         statistic_of(&statistics_of(worker)->unfreed_bytes)));
    if (worker->index != 0)
        return;
    metric_set(metrics_cell(worker->metrics, METRIC_memory_limit_bytes, NULL),
               (int64_t)worker->config.maxmemory);
    _Atomic uint64_t *told = &statistics_of(worker)->is_memory_full;
    bool is_full = is_past(worker, memory_limit_used(worker));
    if (is_full != (statistic_of(told) != 0))
        tell(worker, is_full);
    atomic_store_explicit(told, is_full, memory_order_relaxed);
}
