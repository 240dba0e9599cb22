/* The configurations of one log: the one it began with, then one mark for each configuration entry
 * held.
 *
 *      marks[0]            marks[1]         marks[2] = in force
 *      as of the base      entry at 17      entry at 40
 *
 * A configuration takes effect when its entry is appended and is taken back when the entry is
 * truncated (CBTR 4.1). Invariants: there is always at least one mark; their indexes rise. */
#pragma once
#include "raft/events/configuration.h"

struct raft_configuration_mark {
    raft_index index;
    struct raft_configuration configuration;
};
struct raft_configuration_marks {
    struct raft_configuration_mark *marks;
    size_t count, capacity;
};

void raft_configuration_marks_init(struct raft_configuration_marks *marks, raft_index index,
                                   const struct raft_configuration *configuration);
void raft_configuration_marks_release(struct raft_configuration_marks *marks);
void raft_configuration_marks_push(struct raft_configuration_marks *marks, raft_index index,
                                   const struct raft_configuration *configuration);
void raft_configuration_marks_truncate(struct raft_configuration_marks *marks, raft_index from);
/* Forgets what was in force only before `base_index`. */
void raft_configuration_marks_compact(struct raft_configuration_marks *marks,
                                      raft_index base_index);
void raft_configuration_marks_reset(struct raft_configuration_marks *marks, raft_index index,
                                    const struct raft_configuration *configuration);
/* In force as of `index`, which is not before the first mark. */
const struct raft_configuration *
raft_configuration_marks_at(const struct raft_configuration_marks *marks, raft_index index);
static inline const struct raft_configuration *
raft_configuration_marks_newest(const struct raft_configuration_marks *marks) {
    return &marks->marks[marks->count - 1].configuration;
}
/* Where the configuration in force stands in the log. */
static inline raft_index
raft_configuration_marks_newest_index(const struct raft_configuration_marks *marks) {
    return marks->marks[marks->count - 1].index;
}
