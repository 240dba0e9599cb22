#include "directory/shard_check.h"

#include "base/memory.h"
#include "raft/raft.h"
#include "shard/machine/payload.h"
#include "shard/shard.h"

void shard_check_release(struct shard_check *check) {
    memory_free(check->runs);
    *check = (struct shard_check){0};
}

static bool has_entries(const struct shard_check *check) { return check->run_count > 0; }

static void forget_entries(struct shard_check *check) {
    check->run_count = 0;
    check->first_index = check->last_index = 0;
}

static uint64_t term_at(const struct shard_check *check, uint64_t index) {
    size_t at = check->run_count;
    while (at > 0 && check->runs[at - 1].first_index > index)
        at--;
    return at > 0 ? check->runs[at - 1].term : 0;
}

/* ---- entries ---- */

static void append(struct shard_check *check, uint64_t index, uint64_t term) {
    if (!has_entries(check))
        check->first_index = index;
    check->last_index = index;
    if (has_entries(check) && check->runs[check->run_count - 1].term == term)
        return;
    if (check->run_count == check->run_capacity) {
        check->run_capacity = check->run_capacity ? check->run_capacity * 2 : 8;
        check->runs = memory_resize(check->runs, check->run_capacity * sizeof *check->runs);
    }
    check->runs[check->run_count++] = (struct shard_check_run){.first_index = index, .term = term};
}

static const char *check_payload(const struct raft_entry *entry) {
    struct raft_configuration configuration;
    switch (entry->kind) {
    case RAFT_ENTRY_NOTHING:
        return NULL;
    case RAFT_ENTRY_COMMANDS:
        return payload_check(raft_entry_payload(entry)) ? "an entry's commands cannot be decoded"
                                                        : NULL;
    case RAFT_ENTRY_CONFIGURATION:
        return raft_configuration_decode(&configuration, raft_entry_payload(entry))
                   ? "an entry's configuration cannot be decoded"
                   : NULL;
    }
    return "an entry is of a kind that this release does not know";
}

/* Behind a damage nothing can be said of what came before: a truncation may be lost with it. */
static void continue_behind_gap(struct shard_check *check, uint64_t index,
                                struct shard_check_gap *gap) {
    uint64_t expected = check->last_index + 1;
    if (has_entries(check) && index > expected)
        *gap = (struct shard_check_gap){.first_index = expected, .last_index = index - 1};
    if (has_entries(check) && index != expected)
        forget_entries(check);
    check->is_gap_known = false;
}

static const char *place_entry(struct shard_check *check, const struct raft_entry *entry,
                               struct shard_check_gap *gap) {
    check->entry_count++;
    if (entry->index <= check->snapshot_index)
        return NULL;
    if (check->is_gap_known)
        continue_behind_gap(check, entry->index, gap);
    if (has_entries(check) && entry->index != check->last_index + 1)
        return "an entry does not follow the one before it";
    if (has_entries(check) && entry->term < term_at(check, check->last_index))
        return "an entry is of an older term than the one before it";
    append(check, entry->index, entry->term);
    return check_payload(entry);
}

const char *shard_check_entry(struct shard_check *check, struct bytes encoded,
                              struct shard_check_gap *gap) {
    *gap = (struct shard_check_gap){0};
    check->is_seen = true;
    struct raft_entry *entry;
    int error = raft_entry_decode(&encoded, &entry);
    if (error) {
        check->is_gap_known = true;
        return error == ERR_DAMAGED   ? "an entry's own checksum does not match"
               : error == ERR_VERSION ? "an entry was written by a later release"
                                      : "an entry is malformed";
    }
    const char *wrong = place_entry(check, entry, gap);
    raft_entry_drop(entry);
    return wrong ? wrong : encoded.length ? "bytes follow an entry within its record" : NULL;
}

void shard_check_unreadable_entry(struct shard_check *check, uint64_t index) {
    check->is_seen = true;
    if (index > check->snapshot_index && (!has_entries(check) || index == check->last_index + 1))
        append(check, index, has_entries(check) ? term_at(check, check->last_index) : 0);
}

void shard_check_truncate(struct shard_check *check, uint64_t from_index) {
    check->is_seen = true;
    if (!has_entries(check) || from_index > check->last_index)
        return;
    if (from_index <= check->first_index) {
        forget_entries(check);
        return;
    }
    check->last_index = from_index - 1;
    while (check->runs[check->run_count - 1].first_index >= from_index)
        check->run_count--;
}

/* ---- promises and marks ---- */

const char *shard_check_state(struct shard_check *check, uint64_t term, uint32_t vote) {
    bool is_vote_changed = term == check->term && check->vote != 0 && vote != check->vote;
    bool is_term_lower = term < check->term;
    check->is_seen = true;
    check->term = term;
    check->vote = vote;
    if (is_term_lower)
        return "the term falls: a promise was taken back";
    return is_vote_changed ? "two votes in one term" : NULL;
}

static void drop_to(struct shard_check *check, uint64_t index) {
    uint64_t term = term_at(check, index + 1);
    size_t dropped = 0;
    while (dropped + 1 < check->run_count && check->runs[dropped + 1].first_index <= index + 1)
        dropped++;
    check->run_count -= dropped;
    memmove(check->runs, check->runs + dropped, check->run_count * sizeof *check->runs);
    check->runs[0] = (struct shard_check_run){.first_index = index + 1, .term = term};
    check->first_index = index + 1;
}

/* What follows an entry that the snapshot holds too is kept, else nothing is: as in recovery. */
void shard_check_snapshot(struct shard_check *check, uint64_t index, uint64_t term) {
    check->is_seen = true;
    if (index <= check->snapshot_index)
        return;
    check->snapshot_index = index;
    check->snapshot_term = term;
    bool is_behind = has_entries(check) && check->first_index > index;
    if (!has_entries(check) ||
        (is_behind && shard_log_goes_on(term_at(check, check->first_index), term)))
        return;
    bool is_held = check->first_index <= index && check->last_index > index;
    if (is_held && term_at(check, index) == term)
        drop_to(check, index);
    else
        forget_entries(check);
}

void shard_check_forget(struct shard_check *check) {
    struct shard_check_run *runs = check->runs;
    size_t run_capacity = check->run_capacity;
    *check = (struct shard_check){.term = check->term,
                                  .vote = check->vote,
                                  .entry_count = check->entry_count,
                                  .runs = runs,
                                  .run_capacity = run_capacity,
                                  .is_gap_known = check->is_gap_known};
}

const char *shard_check_end(const struct shard_check *check) {
    bool begins_late = has_entries(check) && check->first_index != check->snapshot_index + 1;
    return begins_late ? "the log does not begin where the snapshot ends" : NULL;
}
