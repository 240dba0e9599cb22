#include "shard/propose.h"

#include "base/check.h"
#include "shard/state/time.h"
#include "shard/state/trace.h"
#include "shard/step/compare.h"
#include "shard/step/early.h"
#include "shard/step/step.h"
#include "shard/waiting/proposed.h"

enum { SHARD_TRACE_EXTRA_BYTES = 7 /* of a trace beside its id: position, length, count */ };

size_t shard_command_bytes(const struct bytes *arguments, size_t count) {
    return payload_command_bytes(arguments, count);
}

/* A batch is gathered in memory that becomes the entry: this much stands before its commands. */
enum { BATCH_ROOM_BYTES = RAFT_ENTRY_ROOM_BYTES + PAYLOAD_HEADER_BYTES };

size_t shard_batch_bytes(const struct shard *shard) {
    return shard->batch.commands.length ? shard->batch.commands.length - BATCH_ROOM_BYTES : 0;
}

/* A busy shard's batches are of one size, turn after turn: room for the next is asked for at once.
 */
static void batch_begin(struct shard *shard) {
    shard->batch.begun_us = shard_now_us(shard);
    (void)buffer_reserve(&shard->batch.commands, BATCH_ROOM_BYTES + shard->batch.expected_bytes);
    buffer_grew(&shard->batch.commands, BATCH_ROOM_BYTES);
}

static uint64_t unfinished_bytes(const struct shard *shard) {
    return raft_uncommitted_bytes(shard->raft) + shard_batch_bytes(shard);
}

/* Room for a few only would go to whoever happens to ask next, so there is none before there is
 * room for many, and then those who wait are asked first. */
void shard_admit(struct shard *shard) {
    uint64_t limit = (uint64_t)shard->io->config->uncommitted_bytes;
    if (unfinished_bytes(shard) < limit - limit / 4)
        shard->proposed.is_crowded = false;
}

static int check_admitted(struct shard *shard) {
    if (!shard_is_leader(shard)) {
        metric_add(shard->io->cells.refused_not_leader, 1);
        return ERR_NOT_LEADER;
    }
    if (raft_is_handing_over(shard->raft))
        return ERR_BUSY;
    uint64_t limit = (uint64_t)shard->io->config->uncommitted_bytes;
    if (shard->proposed.is_crowded || unfinished_bytes(shard) >= limit) {
        shard->proposed.is_crowded = true;
        metric_add(shard->io->cells.refused_busy, 1);
        return ERR_BUSY;
    }
    return 0;
}

/* May the command go into the same entry as those that are gathered? */
static bool fits_batch(const struct shard *shard, const struct bytes *arguments, size_t count,
                       struct bytes trace) {
    if (trace.length && shard->batch.trace_count == PAYLOAD_TRACE_MAXIMUM)
        return false;
    size_t entry_bytes = RAFT_ENTRY_HEADER_BYTES + PAYLOAD_HEADER_BYTES +
                         shard->batch.traces.length + trace.length + SHARD_TRACE_EXTRA_BYTES +
                         shard_batch_bytes(shard);
    return entry_bytes + payload_command_bytes(arguments, count) <= SHARD_ENTRY_BYTES_MAXIMUM;
}

static void gather(struct shard *shard, const struct bytes *arguments, size_t count,
                   struct shard_waiter waiter) {
    payload_encode_command(&shard->batch.commands, arguments, count);
    shard->batch.count++;
    shard->batch.async_count += waiter.is_async;
    shard->batch.sync_count += waiter.target && !waiter.is_async;
    *(struct shard_waiter *)queue_push(&shard->proposed.waiters) = waiter;
    shard->proposed.asked_count += waiter.target != NULL;
}

/* The first command of a batch takes it along, and nobody waits for it. */
static void compare_along(struct shard *shard) {
    struct compare_words words;
    bool is_first = shard->batch.count == 1 && shard->io->config->entry_commands > 1;
    if (!is_first || !compare_is_due(shard, shard->batch.begun_us))
        return;
    compare_begin(shard, &words);
    if (fits_batch(shard, words.arguments, words.count, BYTES_NONE))
        gather(shard, words.arguments, words.count, (struct shard_waiter){0});
}

int propose_command(struct shard *shard, const struct bytes *arguments, size_t count,
                    struct bytes trace, struct shard_waiter waiter) {
    int error = check_admitted(shard);
    if (error)
        return error;
    const struct config *config = shard->io->config;
    if (!fits_batch(shard, arguments, count, trace))
        propose_batch(shard);
    shard_touch(shard);
    if (trace.length)
        shard_trace_gather(shard, trace);
    if (shard->batch.count == 0)
        batch_begin(shard);
    gather(shard, arguments, count, waiter);
    compare_along(shard);
    if (shard_batch_bytes(shard) >= (size_t)config->batch_bytes ||
        shard->batch.count >= (uint64_t)config->entry_commands)
        propose_batch(shard);
    return 0;
}

/* Moves the commands back by what the header is longer than usual. */
static void batch_widen(struct shard *shard, size_t bytes) {
    if (bytes > 0) {
        size_t command_bytes = shard_batch_bytes(shard);
        (void)buffer_reserve(&shard->batch.commands, bytes);
        uint8_t *commands = buffer_data(&shard->batch.commands) + BATCH_ROOM_BYTES;
        memmove(commands + bytes, commands, command_bytes);
        buffer_grew(&shard->batch.commands, bytes);
    }
}

static struct raft_entry *make_entry(struct shard *shard, uint64_t now_us) {
    struct payload_header fields = {.stamp_ms = shard_stamp_ms(shard, now_us),
                                    .seed = random_next(&shard->random),
                                    .command_count = shard->batch.count,
                                    .trace_count = shard->batch.trace_count,
                                    .traces = buffer_bytes(&shard->batch.traces)};
    struct buffer header;
    buffer_init(&header, PAYLOAD_HEADER_BYTES + PAYLOAD_TRACES_BYTES_MAXIMUM);
    payload_encode_header(&header, &fields);
    CHECK(!header.is_overflowed);
    batch_widen(shard, header.length - PAYLOAD_HEADER_BYTES);
    memcpy(buffer_data(&shard->batch.commands) + RAFT_ENTRY_ROOM_BYTES, buffer_data(&header),
           header.length);
    buffer_release(&header);
    struct raft_entry *entry = raft_entry_take(&shard->batch.commands);
    entry->is_early = shard->batch.async_count > 0;
    entry->patience_us =
        entry->is_early && shard->batch.sync_count == 0 ? shard_patience_us(shard) : 0;
    return entry;
}

void propose_batch(struct shard *shard) {
    if (shard->batch.count == 0)
        return;
    uint32_t count = shard->batch.count;
    size_t bytes = shard_batch_bytes(shard);
    uint64_t now_us = shard_now_us(shard);
    struct raft_event event = {
        .kind = RAFT_PROPOSE, .now_us = now_us, .payload_entry = make_entry(shard, now_us)};
    shard_give_up_overtaken(shard, raft_last_index(shard->raft) + 1);
    /* Pending before the step: a sole voter's entry, or a refusal, may come back within it. */
    struct pending_entry *pending = queue_push(&shard->proposed.entries);
    *pending = (struct pending_entry){.index = raft_last_index(shard->raft) + 1,
                                      .term = raft_current_term(shard->raft),
                                      .waiter_count = count,
                                      .proposed_us = now_us};
    if (shard->batch.trace_count) {
        shard_trace_proposed(shard, pending->index, pending->term,
                             buffer_bytes(&shard->batch.traces), shard->batch.trace_count);
    }
    metric_add(shard->io->cells.proposals, count);
    metric_observe(shard->io->cells.queue_time, pending->proposed_us - shard->batch.begun_us);
    metric_observe(shard->io->cells.batch_commands, count);
    metric_observe(shard->io->cells.batch_bytes, bytes);
    shard->batch.expected_bytes = bytes + bytes / 8;
    shard_clear_batch(shard);
    bool is_leader = shard_is_leader(shard);
    CHECK(is_leader);
    shard_step(shard, &event);
}

static void propose_deletion(struct shard *shard, const struct bytes *arguments, size_t count) {
    if (propose_command(shard, arguments, count, BYTES_NONE, (struct shard_waiter){0}) == 0)
        shard->expiry_index = shard_next_index(shard);
}

/* Deletions have no waiter: whoever read an expired key waits for the index. */
void shard_expire_keys(struct shard *shard, struct bytes length_prefixed_keys) {
    struct cursor in = cursor_of(length_prefixed_keys);
    struct bytes arguments[1 + SHARD_EXPIRE_KEYS_PER_COMMAND] = {BYTES_LITERAL("trothdb.expire")};
    size_t count = 1, bytes = 0;
    while (cursor_left(&in)) {
        struct bytes key = cursor_length_prefixed(&in, SIZE_MAX);
        bool is_full = count == 1 + SHARD_EXPIRE_KEYS_PER_COMMAND ||
                       bytes + key.length > SHARD_EXPIRE_COMMAND_BYTES;
        if (count > 1 && is_full) {
            propose_deletion(shard, arguments, count);
            count = 1;
            bytes = 0;
        }
        arguments[count++] = key;
        bytes += key.length;
    }
    CHECK(!in.is_failed);
    if (count > 1)
        propose_deletion(shard, arguments, count);
}
