#include "raft/state/read_queue.h"
#include "raft/parts/array.h"
#include "raft/state/outbox.h"

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
    for (size_t i = 0; i < raft->reads.waiting_count; i++)
        raft_read_refuse(raft, &raft->reads.waiting[i]);
    raft->reads.waiting_count = 0;
}

void raft_read_forward(struct raft *raft, uint64_t read_id) {
    if (raft->leader == 0 || raft->forwarded.count == RAFT_READ_MAXIMUM) {
        raft_answer_push(raft, read_id, 0, true);
        return;
    }
    struct raft_forwarded_read read = {
        .number = raft->forwarded.next_number++, .read_id = read_id, .sent_us = raft->now_us};
    raft->forwarded.reads = raft_array_grow(raft->forwarded.reads, raft->forwarded.count,
                                            &raft->forwarded.capacity, sizeof read);
    raft->forwarded.reads[raft->forwarded.count++] = read;
    raft_message_push(raft, RAFT_READ_INDEX, raft->leader, 0)->context = read.number;
}

/* The array is in order of asking. */
void raft_forwarded_refuse(struct raft *raft, uint64_t sent_before_us) {
    size_t done = 0;
    while (done < raft->forwarded.count && raft->forwarded.reads[done].sent_us <= sent_before_us)
        raft_answer_push(raft, raft->forwarded.reads[done++].read_id, 0, true);
    raft->forwarded.count = raft_array_remove(raft->forwarded.reads, raft->forwarded.count, 0, done,
                                              sizeof *raft->forwarded.reads);
}
