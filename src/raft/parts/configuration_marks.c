#include "raft/parts/configuration_marks.h"

#include "base/check.h"
#include "base/memory.h"

void raft_configuration_marks_init(struct raft_configuration_marks *marks, raft_index index,
                                   const struct raft_configuration *configuration) {
    *marks = (struct raft_configuration_marks){0};
    raft_configuration_marks_push(marks, index, configuration);
}

void raft_configuration_marks_release(struct raft_configuration_marks *marks) {
    memory_free(marks->marks);
}

void raft_configuration_marks_push(struct raft_configuration_marks *marks, raft_index index,
                                   const struct raft_configuration *configuration) {
    CHECK(marks->count == 0 || index > marks->marks[marks->count - 1].index);
    if (marks->count == marks->capacity) {
        marks->capacity = marks->capacity ? marks->capacity * 2 : 1;
        marks->marks = memory_resize(marks->marks, marks->capacity * sizeof *marks->marks);
    }
    marks->marks[marks->count++] =
        (struct raft_configuration_mark){.index = index, .configuration = *configuration};
}

void raft_configuration_marks_truncate(struct raft_configuration_marks *marks, raft_index from) {
    while (marks->count > 1 && marks->marks[marks->count - 1].index >= from)
        marks->count--;
    CHECK(marks->marks[marks->count - 1].index < from);
}

void raft_configuration_marks_compact(struct raft_configuration_marks *marks,
                                      raft_index base_index) {
    size_t gone = 0;
    while (gone + 1 < marks->count && marks->marks[gone + 1].index <= base_index)
        gone++;
    marks->count -= gone;
    memmove(marks->marks, marks->marks + gone, marks->count * sizeof *marks->marks);
}

void raft_configuration_marks_reset(struct raft_configuration_marks *marks, raft_index index,
                                    const struct raft_configuration *configuration) {
    marks->count = 0;
    raft_configuration_marks_push(marks, index, configuration);
}

const struct raft_configuration *
raft_configuration_marks_at(const struct raft_configuration_marks *marks, raft_index index) {
    CHECK(index >= marks->marks[0].index);
    size_t i = marks->count - 1;
    while (i > 0 && marks->marks[i].index > index)
        i--;
    return &marks->marks[i].configuration;
}
