#include "shard/step/apply.h"

#include "base/check.h"
#include "shard/snapshot/take.h"
#include "shard/state/look.h"
#include "shard/state/time.h"
#include "shard/state/trace.h"
#include "shard/step/compare.h"
#include "shard/step/early.h"
#include "shard/waiting/hold.h"
#include "shard/waiting/proposed.h"

enum {
    /* Commands of an entry that are decoded before the first of them runs, so that the machine can
     * fetch for all of them at once. More would push each other out of the nearest cache. */
    APPLY_GROUP_COMMANDS = 32,
    APPLY_GROUP_ARGUMENTS = 1024 /* a command that has more is a group by itself */
};

/* Stands on the stack: what a shard keeps for itself has left the caches by its next entry, where
 * there are many. */
struct apply_group {
    struct machine_call calls[APPLY_GROUP_COMMANDS];
    size_t count;
    struct bytes arguments[APPLY_GROUP_ARGUMENTS];
    struct expected_keys expected;
};

/* Waiters of an applied index whose entry is of another term: their entry was replaced by this one,
 * which is committed, so it will never be. */
static void refuse_front(struct shard *shard, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct shard_waiter waiter = shard_take_waiter(shard);
        if (waiter.target)
            shard->io->reply(shard->io->context, shard, &waiter, SHARD_NOT_EXECUTED, BYTES_NONE);
    }
}

/* How many waiters belong to this entry. */
static uint32_t take_pending(struct shard *shard, const struct raft_entry *entry) {
    shard_drop_overtaken(shard);
    struct pending_entry *pending = queue_front(&shard->proposed.entries);
    if (!pending || pending->index != entry->index) {
        CHECK(!pending || pending->index > entry->index);
        return 0;
    }
    uint32_t count = pending->waiter_count;
    bool is_ours = pending->term == entry->term;
    if (is_ours)
        metric_observe(shard->io->cells.commit_time, shard->stepped_us - pending->proposed_us);
    queue_pop(&shard->proposed.entries);
    if (!is_ours) {
        refuse_front(shard, count);
        return 0;
    }
    return count;
}

static void run_command(struct shard *shard, struct machine_call *call, bool is_waited_for) {
    struct shard_waiter waiter =
        is_waited_for ? shard_take_waiter(shard) : (struct shard_waiter){0};
    struct reply reply = {.out = waiter.target ? &shard->scratch : NULL,
                          .protocol = waiter.protocol ? waiter.protocol : 2};
    shard->machine->ops->apply(shard->machine, call, &reply);
    if (waiter.target) {
        shard_reply(shard, &waiter, false);
        buffer_clear(&shard->scratch);
    }
}

/* Payloads are checked when they come in, from a peer or from the disk, and the others were made
 * here: what cannot be read now is our own fault. */
static void decode_long(struct shard *shard, struct cursor *in, struct apply_group *group) {
    int error = payload_decode_command(in, &shard->applying);
    CHECK(error == 0);
    group->count = 1;
    group->calls[0] = (struct machine_call){.arguments = shard->applying.items,
                                            .argument_count = shard->applying.count};
}

static void decode_group(struct shard *shard, struct cursor *in, uint32_t left,
                         struct apply_group *group) {
    uint32_t most = left < APPLY_GROUP_COMMANDS ? left : APPLY_GROUP_COMMANDS;
    size_t used = 0, added = 0;
    int error = 0;
    for (group->count = 0; group->count < most; group->count++, used += added) {
        struct bytes *room = group->arguments + used;
        error = payload_decode_within(in, room, APPLY_GROUP_ARGUMENTS - used, &added);
        if (error)
            break;
        group->calls[group->count] =
            (struct machine_call){.arguments = room, .argument_count = added};
    }
    CHECK(error == 0 || error == ERR_LIMIT);
    if (group->count == 0)
        decode_long(shard, in, group);
}

static void run_group(struct shard *shard, struct apply_group *group, uint64_t seed,
                      bool is_waited_for) {
    const struct machine_ops *ops = shard->machine->ops;
    bool is_expected = ops->expect && group->count > 1;
    bool is_led = shard_leads(shard);
    if (is_expected)
        ops->expect(shard->machine, group->calls, group->count, &group->expected);
    for (size_t i = 0; i < group->count; i++) {
        struct machine_call *call = &group->calls[i];
        call->applied_ms = call->now_ms = shard->time_ms;
        call->seed = seed + i;
        call->is_led = is_led;
        run_command(shard, call, is_waited_for);
    }
    if (is_expected)
        ops->expect_none(shard->machine);
}

static void apply_commands(struct shard *shard, const struct raft_entry *entry) {
    uint32_t waited = take_pending(shard, entry);
    struct cursor in = cursor_of(raft_entry_payload(entry));
    struct payload_header header;
    int error = payload_decode_header(&in, &header);
    CHECK(error == 0);
    CHECK(waited == 0 || waited == header.command_count);
    shard_time_reached(shard, header.stamp_ms, shard->stepped_us);
    struct apply_group group;
    shard_answers_from_log(shard, entry->index, entry->term);
    for (uint32_t done = 0; done < header.command_count; done += (uint32_t)group.count) {
        decode_group(shard, &in, header.command_count - done, &group);
        run_group(shard, &group, header.seed + done, waited > 0);
    }
    shard_answered(shard);
    if (queue_count(&shard->tracing.traces))
        shard_trace_applied(shard, entry);
}

/* Of much that is committed nothing is applied in this turn: it is caught up with bit by bit
 * (rewind.c). */
static raft_index limit_of_turn(struct shard *shard) {
    raft_index limit = shard_apply_limit(shard), last = shard->applied_index;
    if (shard_is_rewinding(shard) || limit > raft_commit_index(shard->raft))
        return limit;
    for (size_t bytes = 0; last < limit && bytes <= shard_behind_bytes(shard);)
        bytes += raft_entry_at(shard->raft, ++last)->length;
    if (last >= limit)
        return limit;
    shard->rewind = (struct rewind){.stage = REWIND_APPLYING,
                                    .is_catching_up = true,
                                    .apply_to = shard->applied_index,
                                    .seen = limit};
    shard_touch(shard);
    return shard->applied_index;
}

bool shard_apply(struct shard *shard) {
    shard_caught_up(shard);
    shard_release_held(shard);
    raft_index limit = limit_of_turn(shard);
    if (shard->applied_index >= limit)
        return false;
    metric_add(shard->io->cells.entries_applied, limit - shard->applied_index);
    while (shard->applied_index < limit) {
        const struct raft_entry *entry = raft_entry_at(shard->raft, shard->applied_index + 1);
        CHECK(entry != NULL);
        shard->applied_index = entry->index;
        shard->applied_term = entry->term;
        shard->applied_bytes += entry->length;
        if (entry->kind == RAFT_ENTRY_COMMANDS)
            apply_commands(shard, entry);
        else
            take_pending(shard, entry);
    }
    compare_look(shard);
    shard_ran_ahead(shard);
    uint64_t now_us = shard_now_us(shard);
    metric_observe(shard->io->cells.apply_time, now_us - shard->stepped_us);
    shard_note_applied(shard, now_us);
    raft_set_applied(shard->raft, shard->applied_index);
    shard->io->applied(shard->io->context, shard);
    shard_maybe_snapshot(shard);
    return true;
}
