#include "raft/state/save.h"
#include "base/check.h"
#include "base/planted.h"
#include "raft/parts/array.h"
#include "raft/state/quiet.h"

static uint64_t step_sequence(struct raft *raft) {
    if (raft->step.save_sequence == 0)
        raft->step.save_sequence = ++raft->saves.sequence;
    return raft->step.save_sequence;
}

void raft_state_save(struct raft *raft) {
    if (PLANTED(FORGET_VOTE))
        return;
    raft->step.is_state_saved = true;
    raft->saves.state_sequence = step_sequence(raft);
}

void raft_entry_append(struct raft *raft, struct raft_entry *entry) {
    raft_quiet_end(raft);
    raft_log_append(&raft->log, entry);
    raft->uncommitted_bytes += entry->length;
    step_sequence(raft);
    if (raft->step.save_from == 0)
        raft->step.save_from = entry->index;
    if (entry->kind != RAFT_ENTRY_CONFIGURATION)
        return;
    struct raft_configuration configuration;
    int error = raft_configuration_decode(&configuration, raft_entry_payload(entry));
    CHECK(error == 0); /* what a peer sent was looked at before */
    raft_configuration_marks_push(&raft->configurations, entry->index, &configuration);
}

/* Entries from `from` on are gone, so no earlier save makes them durable any more. */
static void saves_clamp(struct raft *raft, raft_index from) {
    for (size_t i = raft->saves.count; i > 0 && raft->saves.pending[i - 1].last_index >= from; i--)
        raft->saves.pending[i - 1].last_index = from - 1;
    if (raft->saves.durable_index >= from)
        raft->saves.durable_index = from - 1;
}

void raft_suffix_truncate(struct raft *raft, raft_index from) {
    CHECK(from > raft->commit_index); /* I5 */
    CHECK(raft->step.save_from == 0);
    for (raft_index index = from; index <= raft_last(raft); index++)
        raft->uncommitted_bytes -= (*raft_log_at(&raft->log, index))->length;
    raft_log_truncate(&raft->log, from);
    raft_configuration_marks_truncate(&raft->configurations, from);
    saves_clamp(raft, from);
    step_sequence(raft);
    raft->step.truncate_from = from;
}

/* The whole log makes way for a durable snapshot; the disk must forget what stands after it as
 * well. */
void raft_history_replace(struct raft *raft, raft_index base_index, raft_term base_term) {
    bool is_longer = raft_last(raft) > base_index;
    raft_log_reset(&raft->log, base_index, base_term);
    raft->uncommitted_bytes = 0;
    saves_clamp(raft, base_index + 1);
    raft->saves.durable_index = base_index;
    if (!is_longer)
        return;
    step_sequence(raft);
    raft->step.truncate_from = base_index + 1;
}

void raft_commit_set(struct raft *raft, raft_index index) {
    while (raft->commit_index < index) {
        raft->commit_index++;
        raft->uncommitted_bytes -= (*raft_log_at(&raft->log, raft->commit_index))->length;
    }
}

void raft_saves_finish(struct raft *raft) {
    if (raft->step.save_sequence == 0)
        return;
    raft->saves.pending = raft_array_grow(raft->saves.pending, raft->saves.count,
                                          &raft->saves.capacity, sizeof *raft->saves.pending);
    raft->saves.pending[raft->saves.count++] = (struct raft_pending_save){
        .sequence = raft->step.save_sequence, .last_index = raft_last(raft)};
}

void raft_durable(struct raft *raft, uint64_t save_sequence) {
    CHECK(save_sequence <= raft->saves.sequence);
    size_t done = 0;
    for (; done < raft->saves.count && raft->saves.pending[done].sequence <= save_sequence; done++)
        if (raft->saves.pending[done].last_index > raft->saves.durable_index)
            raft->saves.durable_index = raft->saves.pending[done].last_index;
    raft->saves.count = raft_array_remove(raft->saves.pending, raft->saves.count, 0, done,
                                          sizeof *raft->saves.pending);
    if (save_sequence > raft->saves.durable_sequence)
        raft->saves.durable_sequence = save_sequence;
}

uint64_t raft_save_of_index(const struct raft *raft, raft_index index) {
    if (index <= raft->saves.durable_index)
        return 0;
    uint64_t sequence = raft->step.save_sequence;
    for (size_t i = raft->saves.count; i > 0 && raft->saves.pending[i - 1].last_index >= index; i--)
        sequence = raft->saves.pending[i - 1].sequence;
    CHECK(sequence > 0);
    return sequence;
}
