#include "base/planted.h"
#include "metric/metric_private.h"

/* A sequence lock of one writer, without fences. Each number is stored with release after the odd
 * version and loaded with acquire before the second look at the version: a reader that gets one
 * number of a later write also sees that write's version. */

void metric_exemplar_write(struct metric_exemplar *kept, struct exemplar fresh) {
    uint32_t version = atomic_load_explicit(&kept->version, memory_order_relaxed);
    atomic_store_explicit(&kept->version, version + 1, memory_order_relaxed);
    atomic_store_explicit(&kept->trace, fresh.trace, memory_order_release);
    atomic_store_explicit(&kept->value, fresh.value, memory_order_release);
    atomic_store_explicit(&kept->wall_us, fresh.wall_us, memory_order_release);
    atomic_store_explicit(&kept->version, version + 2, memory_order_release);
}

struct exemplar metric_exemplar_read(const struct metric_exemplar *kept) {
    uint32_t before = atomic_load_explicit(&kept->version, memory_order_acquire);
    struct exemplar exemplar = {.trace = atomic_load_explicit(&kept->trace, memory_order_acquire),
                                .value = atomic_load_explicit(&kept->value, memory_order_acquire),
                                .wall_us =
                                    atomic_load_explicit(&kept->wall_us, memory_order_acquire)};
    uint32_t after = atomic_load_explicit(&kept->version, memory_order_relaxed);
    bool is_whole = (before % 2 == 0 && before == after) || PLANTED(EXEMPLAR_TORN);
    exemplar.is_there = before != 0 && is_whole;
    return exemplar;
}
