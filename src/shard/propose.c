#include "shard/propose.h"

#include "base/check.h"
#include "shard/compare.h"
#include "shard/early.h"
#include "shard/step.h"
#include "shard/trace.h"

enum { SHARD_TRACE_EXTRA_BYTES = 7 /* of a trace beside its id: position, length, count */ };

raft_index shard_next_index(const struct shard *shard) {
    return raft_last_index(shard->raft) + (shard->batch.count ? 1 : 0);
}

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
    uint64_t limit = (uint64_t)shard->io.config->uncommitted_bytes;
    if (unfinished_bytes(shard) < limit - limit / 4)
        shard->proposed.is_crowded = false;
}

static int check_admitted(struct shard *shard) {
    if (!shard_is_leader(shard)) {
        metric_add(shard->cells.refused_not_leader, 1);
        return ERR_NOT_LEADER;
    }
    if (raft_is_handing_over(shard->raft))
        return ERR_BUSY;
    uint64_t limit = (uint64_t)shard->io.config->uncommitted_bytes;
    if (shard->proposed.is_crowded || unfinished_bytes(shard) >= limit) {
        shard->proposed.is_crowded = true;
        metric_add(shard->cells.refused_busy, 1);
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

struct shard_waiter shard_take_waiter(struct shard *shard) {
    struct shard_waiter waiter = *(struct shard_waiter *)queue_front(&shard->proposed.waiters);
    queue_pop(&shard->proposed.waiters);
    shard->proposed.asked_count -= waiter.target != NULL;
    return waiter;
}

/* The first command of a batch takes it along, and nobody waits for it. */
static void compare_along(struct shard *shard) {
    struct compare_words words;
    bool is_first = shard->batch.count == 1 && shard->io.config->entry_commands > 1;
    if (!is_first || !compare_is_due(shard, shard->batch.begun_us))
        return;
    compare_begin(shard, &words);
    if (fits_batch(shard, words.arguments, words.count, BYTES_NONE))
        gather(shard, words.arguments, words.count, (struct shard_waiter){0});
}

static int propose(struct shard *shard, const struct bytes *arguments, size_t count,
                   struct bytes trace, struct shard_waiter waiter) {
    int error = check_admitted(shard);
    if (error)
        return error;
    const struct config *config = shard->io.config;
    if (!fits_batch(shard, arguments, count, trace))
        shard_flush(shard);
    shard_touch(shard);
    if (trace.length)
        shard_trace_gather(shard, trace);
    if (shard->batch.count == 0)
        batch_begin(shard);
    gather(shard, arguments, count, waiter);
    compare_along(shard);
    if (shard_batch_bytes(shard) >= (size_t)config->batch_bytes ||
        shard->batch.count >= (uint64_t)config->entry_commands)
        shard_flush(shard);
    return 0;
}

/* What moves shards and nodes about may have to go on so that space is found. */
static bool has_space(const struct shard *shard) {
    enum wal_space space = wal_space(shard->io.wal);
    return space == WAL_SPACE_ENOUGH || (space == WAL_SPACE_SHORT && shard->number == 0);
}

int shard_propose(struct shard *shard, const struct bytes *arguments, size_t count,
                  struct shard_waiter waiter) {
    struct bytes trace = shard->batch.next_trace;
    shard->batch.next_trace = BYTES_NONE;
    if (payload_command_bytes(arguments, count) > SHARD_COMMAND_BYTES_MAXIMUM)
        return ERR_LIMIT;
    if (shard_is_leader(shard) && !has_space(shard)) {
        metric_add(shard->cells.refused_no_space, 1);
        return ERR_NO_SPACE;
    }
    return propose(shard, arguments, count, trace, waiter);
}

static void clear_batch_traces(struct shard *shard) {
    shard->batch.trace_count = 0;
    buffer_clear(&shard->batch.traces);
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

static struct raft_entry *make_entry(struct shard *shard) {
    struct payload_header fields = {.stamp_ms = shard->io.clock->wall_ms(shard->io.clock),
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

static void batch_clear(struct shard *shard) {
    buffer_clear(&shard->batch.commands);
    shard->batch.count = shard->batch.async_count = shard->batch.sync_count = 0;
    clear_batch_traces(shard);
}

static void tell(struct shard *shard, size_t position, enum shard_outcome outcome);

/* Entries of an earlier leadership that stood at or behind `index` were truncated since: another
 * leader may hold them and commit them yet (CBTR figure 3.7), so nobody here knows. Their place in
 * the queue stays, told and without an index, until they come to its front. They are its last ones:
 * the others stand in order of their index. */
static void give_up_overtaken(struct shard *shard, raft_index index) {
    size_t position = queue_count(&shard->proposed.waiters) - shard->batch.count;
    for (size_t i = queue_count(&shard->proposed.entries); i > 0; i--) {
        struct pending_entry *entry = queue_at(&shard->proposed.entries, i - 1);
        if (entry->index != 0 && entry->index < index)
            return;
        position -= entry->waiter_count;
        if (entry->index != 0 && !entry->is_given_up)
            for (uint32_t w = 0; w < entry->waiter_count; w++)
                tell(shard, position + w, SHARD_UNKNOWN);
        entry->is_given_up = true;
        entry->index = 0;
    }
}

void shard_flush(struct shard *shard) {
    if (shard->batch.count == 0)
        return;
    uint32_t count = shard->batch.count;
    size_t bytes = shard_batch_bytes(shard);
    struct raft_event event = {.kind = RAFT_PROPOSE, .payload_entry = make_entry(shard)};
    give_up_overtaken(shard, raft_last_index(shard->raft) + 1);
    /* Pending before the step: a sole voter's entry, or a refusal, may come back within it. */
    struct pending_entry *pending = queue_push(&shard->proposed.entries);
    *pending = (struct pending_entry){.index = raft_last_index(shard->raft) + 1,
                                      .term = raft_current_term(shard->raft),
                                      .waiter_count = count,
                                      .proposed_us = shard_now_us(shard)};
    event.now_us = pending->proposed_us;
    if (shard->batch.trace_count) {
        shard_trace_proposed(shard, pending->index, pending->term,
                             buffer_bytes(&shard->batch.traces), shard->batch.trace_count);
    }
    metric_add(shard->cells.proposals, count);
    metric_observe(shard->cells.queue_time, pending->proposed_us - shard->batch.begun_us);
    metric_observe(shard->cells.batch_commands, count);
    metric_observe(shard->cells.batch_bytes, bytes);
    shard->batch.expected_bytes = bytes + bytes / 8;
    batch_clear(shard);
    bool is_leader = shard_is_leader(shard);
    CHECK(is_leader);
    shard_step(shard, &event);
}

/* Whoever waits for the batch to be applied knows it by its index. */
void shard_batch_moved(struct shard *shard, raft_index from, raft_index by) {
    for (size_t i = 0; i < queue_count(&shard->reads.pending); i++) {
        struct pending_read *read = queue_at(&shard->reads.pending, i);
        if (read->index >= from)
            read->index += by;
    }
    for (size_t i = 0; i < queue_count(&shard->waits.pending); i++) {
        struct pending_wait *wait = queue_at(&shard->waits.pending, i);
        if (wait->index >= from)
            wait->index += by;
    }
    if (shard->expiry_index >= from)
        shard->expiry_index += by;
}

static void propose_deletion(struct shard *shard, const struct bytes *arguments, size_t count) {
    if (propose(shard, arguments, count, BYTES_NONE, (struct shard_waiter){0}) == 0)
        shard->expiry_index = shard_next_index(shard);
}

/* Nagle's algorithm by the disk's clock: while this leader's last entry is still being made durable
 * here and is not committed either, a smaller one behind it would only cost each node a message and
 * a round of its own. Whatever ends that wait also brings a turn. A slow disk of the leader alone
 * does not slow the shard: the followers' commit ends the wait too. Who is answered before the disk
 * waits for the network only, and nobody for a disk that takes its time. */
bool shard_is_awaited(const struct shard *shard) {
    if (queue_count(&shard->saves.pending) == 0 || raft_uncommitted_bytes(shard->raft) == 0)
        return false;
    raft_index last_index = raft_last_index(shard->raft);
    bool is_patient = raft_entry_at(shard->raft, last_index)->patience_us > 0;
    return shard->batch.async_count > 0 ? shard->early.index < last_index : !is_patient;
}

uint32_t shard_batch_count(const struct shard *shard) { return shard->batch.count; }

uint32_t shard_gathered_count(const struct shard *shard) {
    return shard->batch.async_count + shard->batch.sync_count;
}

uint32_t shard_under_way_count(const struct shard *shard) {
    return shard->proposed.asked_count - shard_gathered_count(shard);
}

enum {
    GATHER_LONGEST_US = 100000
}; /* then what is awaited is stuck: who asks is to hear of that */

/* Where many ask at a time and the followers are no farther than the disk, a small batch waits for
 * the commit and not for the disk alone: what each of its commands waits longer is less than what
 * all of them gain by a round fewer (docs/decisions/0049). Until when; 0: it does not. */
static uint64_t waits_for_commit_until_us(const struct shard *shard) {
    size_t entry_count = queue_count(&shard->proposed.entries);
    if (entry_count == 0 || shard->batch.count == 0 || shard->batch.async_count > 0 ||
        shard_batch_bytes(shard) >= SHARD_CROWD_BYTES_MAXIMUM ||
        raft_uncommitted_bytes(shard->raft) == 0)
        return 0;
    const struct pending_entry *last = queue_at(&shard->proposed.entries, entry_count - 1);
    return last->waiter_count >= SHARD_CROWD_COMMANDS ? raft_commit_overdue_us(shard->raft) : 0;
}

uint64_t shard_batch_due_us(const struct shard *shard) {
    if (shard->batch.count == 0)
        return UINT64_MAX;
    uint64_t due_us = waits_for_commit_until_us(shard);
    uint64_t longest_us = shard->batch.begun_us + GATHER_LONGEST_US;
    return due_us > 0 && due_us < longest_us ? due_us : longest_us;
}

static bool may_gather_on(const struct shard *shard, enum shard_company company) {
    if (company == SHARD_HELD && shard->batch.async_count == 0)
        return true;
    bool is_waiting = shard_now_us(shard) < waits_for_commit_until_us(shard);
    return shard_is_awaited(shard) || (company == SHARD_ALONE && is_waiting);
}

void shard_end_turn(struct shard *shard, enum shard_company company) {
    bool is_over = shard_now_us(shard) >= shard->batch.begun_us + GATHER_LONGEST_US;
    if (is_over || !may_gather_on(shard, company))
        shard_flush(shard);
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

/* ---- the fate of what was proposed ---- */

static void tell(struct shard *shard, size_t position, enum shard_outcome outcome) {
    struct shard_waiter *slot = queue_at(&shard->proposed.waiters, position);
    struct shard_waiter waiter = *slot;
    slot->target = NULL;
    shard->proposed.asked_count -= waiter.target != NULL;
    if (waiter.target)
        shard->io.reply(shard->io.context, shard, &waiter, outcome, BYTES_NONE);
}

static void refuse_last_waiters(struct shard *shard, uint32_t count) {
    size_t first = queue_count(&shard->proposed.waiters) - count;
    for (uint32_t i = 0; i < count; i++)
        tell(shard, first + i, SHARD_NOT_EXECUTED);
    queue_truncate(&shard->proposed.waiters, first);
    if (shard->expiry_index > raft_last_index(shard->raft))
        shard->expiry_index = 0; /* the deletion was among them: it is to be proposed again */
}

/* Leadership went before the batch was proposed: none of it was, or will be, executed. */
void shard_refuse_batch(struct shard *shard) {
    uint32_t count = shard->batch.count;
    batch_clear(shard);
    refuse_last_waiters(shard, count);
}

/* Raft refused the entry that was pending before its step: leadership is being given away. */
void shard_refuse_last_entry(struct shard *shard) {
    size_t last = queue_count(&shard->proposed.entries) - 1;
    struct pending_entry *entry = queue_at(&shard->proposed.entries, last);
    uint32_t count = entry->waiter_count;
    if (queue_count(&shard->tracing.traces))
        shard_trace_truncated(shard, entry->index);
    queue_truncate(&shard->proposed.entries, last);
    refuse_last_waiters(shard, count);
}

void shard_give_up_late(struct shard *shard, uint64_t now_us) {
    uint64_t patience_us = (uint64_t)shard->io.config->write_timeout_ms * 1000;
    size_t waiter_position = 0;
    for (size_t i = 0; i < queue_count(&shard->proposed.entries); i++) {
        struct pending_entry *entry = queue_at(&shard->proposed.entries, i);
        if (now_us < entry->proposed_us + patience_us)
            return;
        if (!entry->is_given_up) {
            entry->is_given_up = true;
            shard_answers_from_log(shard, entry->index, entry->term);
            for (uint32_t w = 0; w < entry->waiter_count; w++)
                tell(shard, waiter_position + w, SHARD_UNKNOWN);
            shard_answered(shard);
        }
        waiter_position += entry->waiter_count;
    }
}

void shard_forget_covered(struct shard *shard, raft_index index) {
    struct pending_entry *entry;
    while ((entry = queue_front(&shard->proposed.entries)) && entry->index <= index) {
        uint32_t count = entry->waiter_count;
        queue_pop(&shard->proposed.entries);
        for (uint32_t w = 0; w < count; w++) {
            tell(shard, 0, SHARD_UNKNOWN);
            queue_pop(&shard->proposed.waiters);
        }
    }
}
