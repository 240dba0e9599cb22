#include "shard/waiting/reads.h"

/* Raft answers in the order of the asking, which is the order of the queue but for its front: a
 * read that had trusted in a lease asks when it has come there. Some that asked timed out since. */
static struct pending_read *find_asked(struct shard *shard, uint64_t read_id, size_t *position) {
    struct pending_read *front = queue_front(&shard->reads.pending);
    if (!front || front->read_id == read_id)
        return front;
    for (; *position < queue_count(&shard->reads.pending); ++*position) {
        struct pending_read *read = queue_at(&shard->reads.pending, *position);
        if (read->read_id >= read_id)
            return read->read_id == read_id ? read : NULL;
    }
    return NULL;
}

void shard_answer_reads(struct shard *shard, const struct raft_read_answer *answers, size_t count) {
    size_t position = 1;
    for (size_t i = 0; i < count; i++) {
        struct pending_read *read = find_asked(shard, answers[i].read_id, &position);
        if (read) {
            read->is_confirmed = !answers[i].is_refused;
            read->is_refused = read->is_refused || answers[i].is_refused;
            read->index = answers[i].index > read->index ? answers[i].index : read->index;
        }
    }
}

void shard_refuse_reads(struct shard *shard) {
    for (size_t i = 0; i < queue_count(&shard->reads.pending); i++) {
        struct pending_read *read = queue_at(&shard->reads.pending, i);
        read->is_refused = read->is_refused || !read->is_on_follower;
    }
}

void shard_refuse_late_reads(struct shard *shard, uint64_t now_us) {
    for (size_t i = 0; i < queue_count(&shard->reads.pending); i++) {
        struct pending_read *read = queue_at(&shard->reads.pending, i);
        if (now_us < read->begun_us + (uint64_t)shard->io->config->read_timeout_ms * 1000)
            break;
        read->is_refused = true;
    }
}
