#include "shard/waiting/hold.h"

#include "base/planted.h"
#include "shard/state/look.h"

bool shard_held_is_full(const struct shard *shard) {
    return shard->early.reply_bytes.length >= SHARD_HELD_REPLY_BYTES_MAXIMUM;
}

/* That asynchronous writes take their time on the way to the disk is no trouble: a read waits for
 * that, too. */
static uint64_t patience_us(const struct shard *shard, bool is_read) {
    const struct config *config = shard->io->config;
    return 1000 * (uint64_t)(is_read ? config->read_timeout_ms + config->durability_async_ms
                                     : config->write_timeout_ms);
}

void shard_reply(struct shard *shard, const struct shard_waiter *waiter, bool is_read) {
    bool may_leave = shard_has_settled(shard) || (waiter->is_async && shard_leads(shard)) ||
                     (PLANTED(SYNC_ANSWERED_EARLY) && !is_read) ||
                     (PLANTED(EARLY_STATE_READ) && is_read);
    struct bytes reply = buffer_bytes(&shard->scratch);
    if (may_leave) {
        metric_add(shard->io->cells.early_replies, !shard_has_settled(shard));
        shard->answering.reply = &shard->scratch;
        shard->io->reply(shard->io->context, shard, waiter, SHARD_DONE, reply);
        shard->answering.reply = NULL;
        return;
    }
    struct held_reply *held = queue_push(&shard->early.replies);
    shard_touch(shard);
    *held = (struct held_reply){.index = shard->applied_index,
                                .waiter = *waiter,
                                .is_read = is_read,
                                .deadline_us = shard_now_us(shard) + patience_us(shard, is_read),
                                .bytes = reply.length};
    buffer_append_bytes(&shard->early.reply_bytes, reply);
}

static void drop_front(struct shard *shard, const struct held_reply *front) {
    buffer_consume(&shard->early.reply_bytes, front->bytes);
    queue_pop(&shard->early.replies);
}

/* A read's trace is that of the entry which it waits for. */
static void answer_from_log(struct shard *shard, const struct held_reply *held) {
    shard_answers_from_log(shard, held->index, raft_term_at(shard->raft, held->index));
}

void shard_release_held(struct shard *shard) {
    struct held_reply *front;
    while ((front = queue_front(&shard->early.replies)) &&
           front->index <= raft_commit_index(shard->raft)) {
        struct held_reply held = *front;
        if (held.waiter.target) {
            answer_from_log(shard, &held);
            shard->io->reply(shard->io->context, shard, &held.waiter, SHARD_DONE,
                             bytes_of(buffer_data(&shard->early.reply_bytes), held.bytes));
            shard_answered(shard);
        }
        drop_front(shard, &held);
    }
}

static void answer_last(struct shard *shard, struct held_reply *held, enum shard_outcome outcome,
                        struct bytes reply) {
    struct shard_waiter waiter = held->waiter;
    held->waiter.target = NULL;
    if (waiter.target)
        shard->io->reply(shard->io->context, shard, &waiter, outcome, reply);
}

/* A write may be in the log of another, who may commit it yet; a read was none. */
static void give_up(struct shard *shard, struct held_reply *held) {
    answer_last(shard, held, held->is_read ? SHARD_NOT_EXECUTED : SHARD_UNKNOWN, BYTES_NONE);
}

/* This replica leads all the same. A client that were told "not executed" would be sent to look for
 * a leader, and for a cluster that is not down. */
static void time_out_read(struct shard *shard, struct held_reply *held) {
    answer_last(shard, held, SHARD_DONE,
                BYTES_LITERAL("-TRYAGAIN what this read saw is not on the disks of a majority yet; "
                              "TROTHDB WITH async reads without waiting for that\r\n"));
}

void shard_give_up_held(struct shard *shard) {
    struct held_reply *front;
    while ((front = queue_front(&shard->early.replies))) {
        give_up(shard, front);
        drop_front(shard, queue_front(&shard->early.replies));
    }
}

/* Of a replica that is out of the shard the held replies stay, told, for it hears of no commit. */
bool shard_held_is_awaited(const struct shard *shard) {
    for (size_t i = 0; i < queue_count(&shard->early.replies); i++)
        if (((struct held_reply *)queue_at(&shard->early.replies, i))->waiter.target)
            return true;
    return false;
}

void shard_time_out_held(struct shard *shard, uint64_t now_us) {
    for (size_t i = 0; i < queue_count(&shard->early.replies); i++) {
        struct held_reply *held = queue_at(&shard->early.replies, i);
        if (now_us < held->deadline_us)
            continue;
        if (!shard_leads(shard)) {
            give_up(shard, held);
            continue;
        }
        answer_from_log(shard, held);
        if (held->is_read)
            time_out_read(shard, held);
        else
            give_up(shard, held);
        shard_answered(shard);
    }
}
