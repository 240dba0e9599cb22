#include "raft/read_queue.h"
#include "raft/array.h"
#include "raft/outbox.h"

void raft_read_refuse(struct raft *raft, const struct raft_waiting_read *read) {
    if (read->from == 0) {
        raft_answer_push(raft, read->id, read->index, true);
        return;
    }
    struct raft_message *reply = raft_message_push(raft, RAFT_READ_INDEX_REPLY, read->from, 0);
    reply->context = read->id;
    reply->is_rejected = true;
}

void raft_reads_refuse(struct raft *raft) {
    for (size_t i = 0; i < raft->waiting_read_count; i++)
        raft_read_refuse(raft, &raft->waiting_reads[i]);
    raft->waiting_read_count = 0;
}

void raft_read_forward(struct raft *raft, uint64_t read_id) {
    if (raft->leader == 0 || raft->forwarded_read_count == RAFT_READ_MAXIMUM) {
        raft_answer_push(raft, read_id, 0, true);
        return;
    }
    struct raft_forwarded_read read = {
        .number = raft->next_read_number++, .read_id = read_id, .sent_us = raft->now_us};
    raft->forwarded_reads = raft_array_grow(raft->forwarded_reads, raft->forwarded_read_count,
                                            &raft->forwarded_read_capacity, sizeof read);
    raft->forwarded_reads[raft->forwarded_read_count++] = read;
    raft_message_push(raft, RAFT_READ_INDEX, raft->leader, 0)->context = read.number;
}

/* The array is in order of asking. */
void raft_forwarded_refuse(struct raft *raft, uint64_t sent_before_us) {
    size_t done = 0;
    while (done < raft->forwarded_read_count &&
           raft->forwarded_reads[done].sent_us <= sent_before_us)
        raft_answer_push(raft, raft->forwarded_reads[done++].read_id, 0, true);
    raft->forwarded_read_count = raft_array_remove(
        raft->forwarded_reads, raft->forwarded_read_count, 0, done, sizeof *raft->forwarded_reads);
}
