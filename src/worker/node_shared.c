#include "worker/node_shared.h"

#include "base/memory.h"
#include "store/wal/wal.h"
#include "worker/statistics.h"

struct node_shared *node_shared_new(unsigned worker_count) {
    struct node_shared *shared = memory_allocate_zeroed(1, sizeof *shared);
    shared->worker_count = worker_count;
    shared->client_maximum = UINT64_MAX;
    shared->workers = memory_allocate_zeroed(worker_count, sizeof *shared->workers);
    shared->metrics = memory_allocate_zeroed(worker_count + 1, sizeof(struct metrics *));
    for (unsigned i = 0; i <= worker_count; i++)
        shared->metrics[i] = metrics_new();
    return shared;
}

void node_shared_free(struct node_shared *shared) {
    if (!shared)
        return;
    for (unsigned i = 0; i <= shared->worker_count; i++)
        metrics_free(shared->metrics[i]);
    memory_free(shared->metrics);
    memory_free(shared->workers);
    memory_free(shared);
}

void node_shared_limit_clients(struct node_shared *shared, uint64_t maximum) {
    shared->client_maximum = maximum;
}

struct metrics *node_shared_metrics(struct node_shared *shared, unsigned worker) {
    return shared->metrics[worker];
}

void node_shared_render_metrics(struct node_shared *shared, enum metric_format format,
                                struct buffer *out) {
    metrics_render(shared->metrics, shared->worker_count + 1, format, out);
}

uint64_t node_shared_sum(const struct node_shared *shared, size_t offset) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < shared->worker_count; i++) {
        const void *statistic = (const char *)&shared->workers[i] + offset;
        sum += statistic_of(statistic);
    }
    return sum;
}

int node_shared_log_wanting(const struct node_shared *shared) {
    int wanting = 0;
    bool is_refusing = false;
    for (unsigned i = 0; i < shared->worker_count && !is_refusing; i++) {
        int of_this = -(int)statistic_of(&shared->workers[i].log_wanting);
        is_refusing = of_this && statistic_of(&shared->workers[i].is_disk_full);
        wanting = is_refusing || !wanting ? of_this : wanting;
    }
    return wanting;
}

/* What a node that is ready does not do, or may soon not do any more. */
static void tell_wanting(const struct node_shared *shared, struct buffer *reason) {
    const char *what = wal_wanting_text(node_shared_log_wanting(shared));
    if (node_shared_sum(shared, offsetof(struct worker_statistics, is_disk_full)) > 0)
        buffer_append_format(reason, "ready for reads; %s, so writes are refused\n", what);
    else if (node_shared_log_wanting(shared))
        buffer_append_format(
            reason,
            "ready; %s, so writes are refused once the segment of the log at hand is full\n", what);
}

bool node_shared_is_ready(const struct node_shared *shared, struct buffer *reason) {
    uint64_t serving = node_shared_sum(shared, offsetof(struct worker_statistics, is_serving));
    uint64_t leaderless =
        node_shared_sum(shared, offsetof(struct worker_statistics, shards_without_leader));
    if (serving < shared->worker_count) {
        bool is_removed =
            node_shared_sum(shared, offsetof(struct worker_statistics, is_removed_spare));
        buffer_append_text(reason, is_removed
                                       ? "a spare that was removed before it heard that it was "
                                         "taken: stop it, remove its directory, start it again\n"
                                       : "not a member of a cluster yet: a spare that waits to "
                                         "be adopted\n");
        return false;
    }
    if (leaderless > 0) {
        buffer_append_format(reason, "%llu of this node's shards know no leader\n",
                             (unsigned long long)leaderless);
        return false;
    }
    tell_wanting(shared, reason);
    if (node_shared_sum(shared, offsetof(struct worker_statistics, is_memory_full)) > 0)
        buffer_append_text(reason,
                           "ready for what needs no memory; maxmemory is reached, so writes "
                           "that do are refused\n");
    return true;
}
