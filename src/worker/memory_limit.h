/* maxmemory: past it, a command that needs memory is refused where its shard is led, before it is
 * proposed. What followers are sent they take: the log has been agreed on. Workers know of each
 * other what they published (every 100 ms), and of themselves also what they let in since. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;

/* Of the node: keys and values with their overhead, deleted ones until they are freed. */
uint64_t memory_limit_used(const struct worker *worker);
bool memory_limit_is_reached(const struct worker *worker);

/* A command of so many bytes was let in. */
void memory_limit_let_in(struct worker *worker, size_t bytes);

/* What was let in counts by what it has become now, and whoever operates the node is told. */
void memory_limit_published(struct worker *worker);
