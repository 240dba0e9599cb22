/* What the threads of a node share: statistics, in relaxed atomics (worker/statistics.h), and the
 * registries of metrics. */
#pragma once
#include "base/buffer.h"
#include "metric/metric.h"

struct node_shared;

struct node_shared *node_shared_new(unsigned worker_count);
void node_shared_free(struct node_shared *shared);
/* No more clients than so many are served, whatever `maxclients` says. Before the threads start. */
void node_shared_limit_clients(struct node_shared *shared, uint64_t maximum);
struct metrics *node_shared_metrics(struct node_shared *shared,
                                    unsigned worker); /* worker_count: the gossiper's */
/* Prometheus text of the whole node. Any thread. */
void node_shared_render_metrics(struct node_shared *shared, enum metric_format format,
                                struct buffer *out);
/* What the log of a worker waits for, as wal_wanting() has it: of one that takes no writes for it,
 * or else of any. 0: none waits. Any thread. */
int node_shared_log_wanting(const struct node_shared *shared);
/* Is every shard that has a replica here recovered, and does it know a leader? For /health/ready.
 * *reason says why not, or what a node that is ready does not do. Any thread. */
bool node_shared_is_ready(const struct node_shared *shared, struct buffer *reason);
