#include "backup/replay.h"

#include "base/planted.h"

void replay_init(struct replay *replay, struct machine *machine,
                 const struct replay_target *target) {
    *replay = (struct replay){.machine = machine, .target = *target};
}

void replay_release(struct replay *replay) { payload_arguments_release(&replay->arguments); }

void replay_begin_again(struct replay *replay) {
    replay->machine->ops->clear(replay->machine);
    replay->index = replay->term = replay->time_ms = 0;
    replay->entry_count = replay->snapshot_index = 0;
    replay->is_complete = false;
}

int replay_stand_at(struct replay *replay, const struct snapshot_meta *meta) {
    if (!replay->machine->ops->load_is_complete(replay->machine))
        return ERR_MALFORMED;
    replay->index = replay->snapshot_index = meta->index;
    replay->term = meta->term;
    replay->time_ms = meta->stamp_ms;
    return 0;
}

/* As shard/apply.c does, but that nobody waits for a reply. */
static int apply(struct replay *replay, struct cursor *in, const struct payload_header *header) {
    struct reply nobody = {.out = NULL, .protocol = 2};
    for (uint32_t i = 0; i < header->command_count; i++) {
        int error = payload_decode_command(in, &replay->arguments);
        if (error)
            return error;
        struct machine_call call = {.arguments = replay->arguments.items,
                                    .argument_count = replay->arguments.count,
                                    .applied_ms = replay->time_ms,
                                    .now_ms = replay->time_ms,
                                    .seed = header->seed + i};
        replay->machine->ops->apply(replay->machine, &call, &nobody);
    }
    return 0;
}

static int replay_commands(struct replay *replay, const struct raft_entry *entry) {
    struct cursor in = cursor_of(raft_entry_payload(entry));
    struct payload_header header;
    int error = payload_decode_header(&in, &header);
    if (error)
        return error;
    if (header.stamp_ms > replay->target.time_ms && !PLANTED(RESTORE_GOES_FURTHER)) {
        replay->is_complete = true;
        return 0;
    }
    replay->time_ms = header.stamp_ms > replay->time_ms ? header.stamp_ms : replay->time_ms;
    return apply(replay, &in, &header);
}

int replay_entry(struct replay *replay, const struct raft_entry *entry) {
    if (replay->is_complete || entry->index <= replay->index)
        return 0;
    if (entry->index > replay->index + 1)
        return ERR_NOT_FOUND;
    replay->is_complete = entry->index > replay->target.index;
    int error = 0;
    if (!replay->is_complete && entry->kind == RAFT_ENTRY_COMMANDS)
        error = replay_commands(replay, entry);
    if (error || replay->is_complete)
        return error;
    replay->index = entry->index;
    replay->term = entry->term;
    replay->entry_count++;
    return 0;
}
