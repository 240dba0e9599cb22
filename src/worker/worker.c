/* What every room asks of its worker: the time, a counter, mail to the other threads, and
 * the end of the node. */
#include "worker/worker.h"

#include <stdio.h>

#include "base/memory.h"

uint64_t worker_now_us(const struct worker *worker) {
    return worker->io.clock->monotonic_us(worker->io.clock);
}

uint64_t worker_wall_ms(const struct worker *worker) {
    return worker->io.clock->wall_ms(worker->io.clock);
}

uint64_t worker_client_maximum(const struct worker *worker) {
    uint64_t maximum = (uint64_t)worker->config.maxclients;
    return maximum < worker->shared->client_maximum ? maximum : worker->shared->client_maximum;
}

void worker_fatal(struct worker *worker, const char *what) {
    if (!worker->is_failed) {
        worker->is_failed = true;
        worker->io.fatal(worker->io.context, what);
    }
}

void worker_count(struct worker *worker, enum metric_id id, uint64_t amount) {
    struct metric_cell **cell = &worker->counting.plain[id];
    if (!*cell)
        *cell = metrics_cell(worker->metrics, id, NULL);
    metric_add(*cell, amount);
}

struct shard *worker_shard(struct worker *worker, uint32_t number) {
    return number < WORKER_SHARD_MAXIMUM ? worker->shards[number] : NULL;
}

void worker_make_trace_id(struct worker *worker, char id[TRACE_ID_BYTES]) {
    snprintf(id, TRACE_ID_BYTES, "%016llx", (unsigned long long)random_next(&worker->random));
}

/* ---- mail ---- */

void worker_post(struct worker *worker, unsigned receiver, struct mail *mail) {
    worker->io.post(worker->io.context, receiver, mail);
}

void worker_post_others(struct worker *worker, struct mail *mail) {
    for (unsigned i = 0; i < worker->count; i++)
        if (i != worker->index)
            worker_post(worker, i, mail_copy(mail));
    mail_free(mail);
}

bool worker_list_add(struct buffer *list, uint32_t shard, uint64_t number) {
    char item[40];
    int length = snprintf(item, sizeof item, "%s%u:%llu", list->length ? "," : "", shard,
                          (unsigned long long)number);
    bool has_room = list->length + (size_t)length <= GOSSIP_VALUE_MAXIMUM;
    if (has_room)
        buffer_append(list, item, (size_t)length);
    return has_room;
}

void worker_say(struct worker *worker, const char *key, const char *value) {
    struct mail *mail = mail_new(MAIL_GOSSIP_SET, worker->index);
    mail->key = memory_copy_text(key);
    buffer_append_text(&mail->bytes, value);
    worker_post(worker, MAIL_TO_GOSSIPER, mail);
}
