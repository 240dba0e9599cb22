#include "raft/parts/log.h"

#include "base/check.h"
#include "base/memory.h"

enum {
    FIRST_CAPACITY = 16,
    SHRUNK_CAPACITY_LEAST = 1024, /* below that there is nothing to be won */
    SHRINKS_BELOW_SHARE = 8
};

void raft_log_init(struct raft_log *log, raft_index base_index, raft_term base_term) {
    *log = (struct raft_log){.base_index = base_index,
                             .base_term = base_term,
                             .newest_from = base_index,
                             .newest_term = base_term};
}

void raft_log_release(struct raft_log *log) {
    for (size_t i = 0; i < log->count; i++)
        raft_entry_drop(log->memory[log->start + i]);
    memory_free(log->memory);
}

/* Sliding down costs as much as the entries that were compacted away, so appending stays cheap on
 * the whole. */
static void log_make_room(struct raft_log *log) {
    if (log->start > log->count) {
        memmove(log->memory, log->memory + log->start, log->count * sizeof(struct raft_entry *));
        log->start = 0;
        return;
    }
    log->capacity = log->capacity ? log->capacity * 2 : FIRST_CAPACITY;
    log->memory = memory_resize(log->memory, log->capacity * sizeof(struct raft_entry *));
}

/* What a long log took is given back once it is short again, as after a start. There is room for as
 * many more, so that it does not grow at once. */
static void log_give_back(struct raft_log *log) {
    if (log->capacity <= SHRUNK_CAPACITY_LEAST || log->count > log->capacity / SHRINKS_BELOW_SHARE)
        return;
    memmove(log->memory, log->memory + log->start, log->count * sizeof(struct raft_entry *));
    log->start = 0;
    while (log->capacity > SHRUNK_CAPACITY_LEAST && log->capacity / 4 >= log->count)
        log->capacity /= 2;
    log->memory = memory_resize(log->memory, log->capacity * sizeof(struct raft_entry *));
}

void raft_log_append(struct raft_log *log, struct raft_entry *entry) {
    CHECK(entry->index == raft_log_last_index(log) + 1);
    CHECK(entry->term >= log->newest_term);
    if (log->start + log->count == log->capacity)
        log_make_room(log);
    log->memory[log->start + log->count++] = entry;
    log->bytes += entry->length;
    if (entry->term > log->newest_term) {
        log->newest_term = entry->term;
        log->newest_from = entry->index;
    }
}

static raft_term term_of(const struct raft_log *log, raft_index index) {
    if (raft_log_holds(log, index))
        return (*raft_log_at(log, index))->term;
    return index == log->base_index ? log->base_term : 0;
}

void raft_log_truncate(struct raft_log *log, raft_index from) {
    CHECK(from > log->base_index);
    while (raft_log_last_index(log) >= from) {
        struct raft_entry *entry = log->memory[log->start + --log->count];
        log->bytes -= entry->length;
        raft_entry_drop(entry);
    }
    if (raft_log_last_index(log) < log->newest_from) {
        log->newest_from = raft_log_last_index(log);
        log->newest_term = term_of(log, log->newest_from);
    }
}

void raft_log_compact(struct raft_log *log, raft_index base_index) {
    CHECK(base_index >= log->base_index);
    CHECK(base_index <= raft_log_last_index(log));
    log->base_term = raft_log_term(log, base_index);
    for (; log->base_index < base_index; log->base_index++, log->start++, log->count--) {
        struct raft_entry *entry = log->memory[log->start];
        log->bytes -= entry->length;
        raft_entry_drop(entry);
    }
    log_give_back(log);
}

void raft_log_reset(struct raft_log *log, raft_index base_index, raft_term base_term) {
    raft_log_truncate(log, log->base_index + 1);
    log->start = 0;
    log->base_index = log->newest_from = base_index;
    log->base_term = log->newest_term = base_term;
}

raft_term raft_log_term(const struct raft_log *log, raft_index index) {
    bool is_of_newest =
        index >= log->newest_from && index >= log->base_index && index <= raft_log_last_index(log);
    return is_of_newest ? log->newest_term : term_of(log, index);
}

raft_index raft_log_first_of_term(const struct raft_log *log, raft_index low, raft_index high,
                                  raft_term term) {
    raft_index end = high + 1;
    while (low < end) {
        raft_index middle = low + (end - low) / 2;
        if (raft_log_term(log, middle) >= term)
            end = middle;
        else
            low = middle + 1;
    }
    return end;
}
