#include "shard/read.h"

#include <stdio.h>

#include "base/check.h"
#include "base/planted.h"
#include "shard/propose.h"
#include "shard/state/look.h"
#include "shard/state/time.h"
#include "shard/step/step.h"
#include "shard/waiting/hold.h"
#include "shard/waiting/proposed.h"

enum run_result { RUN_DONE, RUN_UNCONFIRMED, RUN_MET_EXPIRED };

/* Not while this goes back: it has not applied all that is committed, and waits for an index. */
static bool had_lease_at(const struct shard *shard, uint64_t time_us) {
    return !shard_is_rewinding(shard) && shard->io->config->read_mode == READ_MODE_LEASE &&
           raft_has_lease(shard->raft, time_us);
}

static bool has_lease(const struct shard *shard) {
    return had_lease_at(shard, shard_now_us(shard));
}

/* Where nothing ever expires it is all the same, and the clock need not be read. */
static uint64_t read_time_ms(const struct shard *shard, bool is_on_follower) {
    if (is_on_follower || !shard_may_expire(shard))
        return shard->time_ms;
    return shard_clock_ms(shard, shard_now_us(shard));
}

/* One attempt at a read. */
struct attempt {
    const struct bytes *arguments;
    size_t count;
    const struct shard_waiter *waiter;
    bool is_confirmed, is_on_follower;
    uint64_t asked_us; /* 0: just now */
};

static void note_read(struct shard *shard, uint64_t asked_us, uint64_t now_us) {
    struct shard_answer *answering = &shard->answering;
    answering->place =
        (struct shard_place){.index = shard->applied_index, .term = shard->applied_term};
    answering->asked_us = asked_us;
    answering->ended_us = now_us;
}

static void answer(struct shard *shard, const struct attempt *attempt, uint64_t now_us) {
    shard->answering.origin = attempt->is_on_follower ? SHARD_READ_BY_FOLLOWER
                              : attempt->is_confirmed ? SHARD_READ_BY_QUORUM
                                                      : SHARD_READ_BY_LEASE;
    note_read(shard, attempt->asked_us, now_us);
    shard_reply(shard, attempt->waiter, true);
    shard_answered(shard);
}

/* What has expired is deleted in the log, and the last space of that is for terms and votes: reads
 * must not use it up, however many of them meet such keys. */
static bool has_room_to_delete(const struct shard *shard) {
    return wal_space(shard->io->wal) != WAL_SPACE_RESERVED;
}

static void refuse_for_space(struct shard *shard, const struct attempt *attempt,
                             struct reply *reply, uint64_t now_us) {
    metric_add(shard->io->cells.refused_no_space, 1);
    buffer_clear(&shard->scratch);
    char text[320];
    snprintf(
        text, sizeof text,
        "MISCONF %s: the time of a key that this reads is over, and it cannot be noted that it "
        "is gone",
        shard_wanting_text(shard));
    reply_error(reply, text);
    answer(shard, attempt, now_us);
}

static enum run_result run(struct shard *shard, const struct attempt *attempt) {
    /* No clock is read for that: it only saves reading in vain where there was no lease anyway. */
    if (!attempt->is_confirmed && !had_lease_at(shard, shard->stepped_us))
        return RUN_UNCONFIRMED;
    struct machine_call call = {.arguments = attempt->arguments,
                                .argument_count = attempt->count,
                                .applied_ms = shard->time_ms,
                                .now_ms = read_time_ms(shard, attempt->is_on_follower),
                                .seed = random_next(&shard->random)};
    struct reply reply = {.out = &shard->scratch, .protocol = attempt->waiter->protocol};
    struct buffer expired;
    buffer_init(&expired, SIZE_MAX);
    shard->machine->ops->read(shard->machine, &call, &reply, &expired);
    uint64_t now_us = shard_now_us(shard);
    enum run_result result = RUN_DONE;
    if (expired.length && !has_room_to_delete(shard)) {
        refuse_for_space(shard, attempt, &reply, now_us);
    } else if (expired.length) {
        buffer_clear(&shard->scratch); /* a full batch goes at once, and others may be answered */
        shard_expire_keys(shard, buffer_bytes(&expired));
        result = RUN_MET_EXPIRED;
    } else if (!attempt->is_confirmed && !had_lease_at(shard, now_us)) {
        result = RUN_UNCONFIRMED;
    } else {
        metric_add(attempt->is_confirmed ? shard->io->cells.reads_by_quorum
                                         : shard->io->cells.reads_by_lease,
                   1);
        answer(shard, attempt, now_us);
    }
    buffer_release(&expired);
    buffer_clear(&shard->scratch);
    return result;
}

static void ask_raft(struct shard *shard, struct pending_read *read) {
    if (read->is_on_follower && PLANTED(FOLLOWER_READ_UNASKED)) {
        read->is_confirmed = true;
        return;
    }
    read->read_id = ++shard->reads.next_id;
    struct raft_event event = {.kind = RAFT_READ, .read_id = read->read_id};
    shard_step(shard, &event); /* may answer at once */
}

static struct pending_read *enqueue(struct shard *shard, const struct bytes *arguments,
                                    size_t count, struct shard_waiter waiter, unsigned flags) {
    struct pending_read *read = queue_push(&shard->reads.pending);
    shard_touch(shard);
    read->waiter = waiter;
    read->begun_us = shard_now_us(shard);
    read->is_on_follower = !shard_is_leader(shard);
    read->index =
        flags & SHARD_READ_AFTER_WRITES && !read->is_on_follower ? shard_next_index(shard) : 0;
    buffer_init(&read->arguments, SIZE_MAX);
    payload_encode_command(&read->arguments, arguments, count);
    return read;
}

int read_begin(struct shard *shard, const struct bytes *arguments, size_t count,
               struct shard_waiter waiter, unsigned flags) {
    bool is_leader = shard_is_leader(shard);
    if (!is_leader && !(flags & SHARD_READ_ON_FOLLOWER))
        return ERR_NOT_LEADER;
    if (raft_is_handing_over(shard->raft) || shard_held_is_full(shard) ||
        queue_count(&shard->reads.pending) + queue_count(&shard->early.replies) >=
            SHARD_PENDING_READ_MAXIMUM)
        return ERR_BUSY;
    bool must_queue =
        flags & SHARD_READ_AFTER_WRITES &&
        (queue_count(&shard->reads.pending) || shard_next_index(shard) > shard->applied_index);
    enum run_result result = RUN_UNCONFIRMED;
    if (is_leader && !must_queue) {
        result = run(shard,
                     &(struct attempt){.arguments = arguments, .count = count, .waiter = &waiter});
        if (result == RUN_DONE)
            return 0;
    }
    struct pending_read *read = enqueue(shard, arguments, count, waiter, flags);
    if (result == RUN_MET_EXPIRED)
        read->index = shard->expiry_index;
    if (!is_leader || !has_lease(shard))
        ask_raft(shard, read);
    return 0;
}

static void drop_front(struct shard *shard, uint64_t now_us) {
    struct pending_read *front = queue_front(&shard->reads.pending);
    metric_observe(shard->io->cells.read_wait, now_us - front->begun_us);
    buffer_release(&front->arguments);
    queue_pop(&shard->reads.pending);
}

static void refuse_front(struct shard *shard) {
    const struct pending_read *front = queue_front(&shard->reads.pending);
    struct shard_waiter waiter = front->waiter;
    uint64_t now_us = shard_now_us(shard);
    shard->answering.origin = SHARD_READ_TOO_LATE;
    note_read(shard, front->begun_us, now_us);
    drop_front(shard, now_us);
    shard->io->reply(shard->io->context, shard, &waiter, SHARD_NOT_EXECUTED, BYTES_NONE);
    shard_answered(shard);
}

/* True if there is more to do: the front read is out of the way, or was confirmed just now. */
static bool run_front(struct shard *shard) {
    struct pending_read *front = queue_front(&shard->reads.pending);
    if (front->is_refused || (!front->is_on_follower && !shard_is_leader(shard))) {
        refuse_front(shard);
        return true;
    }
    if (front->index > shard->applied_index || (front->read_id && !front->is_confirmed) ||
        shard_is_hollow(shard))
        return false;
    struct cursor in = cursor_of(buffer_bytes(&front->arguments));
    int error = payload_decode_command(&in, &shard->arguments);
    CHECK(error == 0);
    struct attempt attempt = {.arguments = shard->arguments.items,
                              .count = shard->arguments.count,
                              .waiter = &front->waiter,
                              .is_confirmed = front->is_confirmed,
                              .is_on_follower = front->is_on_follower,
                              .asked_us = front->begun_us};
    enum run_result result = run(shard, &attempt);
    if (result == RUN_DONE) {
        drop_front(shard, shard->answering.ended_us);
        return true;
    }
    if (result == RUN_MET_EXPIRED) {
        /* Not after the proposal was refused: expiry_index is then applied already, and the read
         * tries again. */
        front->index = shard->expiry_index > shard->applied_index ? shard->expiry_index
                                                                  : shard->applied_index + 1;
        return false;
    }
    ask_raft(shard, front);
    front = queue_front(&shard->reads.pending);
    return front->is_confirmed || front->is_refused; /* a sole voter answers within the asking */
}

void shard_run_reads(struct shard *shard) {
    if (shard->reads.is_running)
        return;
    shard->reads.is_running = true;
    while (queue_count(&shard->reads.pending) && run_front(shard)) {
    }
    shard->reads.is_running = false;
}
