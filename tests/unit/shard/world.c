#include "world.h"

#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"

enum { WORLD_SEGMENT_BYTES = 1 << 20, WORLD_STEP_MS = 5, WORLD_DELIVERIES_MAXIMUM = 1 << 20 };

static uint64_t clock_us(struct clock *clock) {
    return ((struct replica *)(void *)clock)->world->now_us;
}

static uint64_t clock_wall_ms(struct clock *clock) {
    struct replica *replica = (struct replica *)(void *)clock;
    return replica->world->wall_ms + replica->world->now_us / 1000 + replica->wall_ahead_ms;
}

static void log_sink(void *context, enum log_level level, struct bytes line) {
    (void)level;
    buffer_append_bytes(&((struct replica *)context)->lines, line);
}

struct world *world_new(unsigned replica_count) {
    struct world *world = memory_allocate_zeroed(1, sizeof *world);
    world->replica_count = replica_count;
    world->segment_bytes = WORLD_SEGMENT_BYTES;
    world->now_us = 1000000;
    world->wall_ms = 1700000000000;
    world->next_ticket = 1;
    queue_init(&world->letters, sizeof(struct letter));
    for (raft_node_number i = 1; i <= replica_count; i++) {
        struct replica *replica = &world->replicas[i];
        replica->clock = (struct clock){.monotonic_us = clock_us, .wall_ms = clock_wall_ms};
        replica->world = world;
        replica->number = i;
        replica->disk = memory_allocate_zeroed(1, sizeof(struct fake_disk));
        fake_disk_init(replica->disk);
        config_init(&replica->config);
        replica->metrics = metrics_new();
        replica->log = (struct log){.level = LOG_INFO, .sink = log_sink, .context = replica};
        buffer_init(&replica->problem, WORLD_PROBLEM_MAXIMUM);
        buffer_init(&replica->lines, SIZE_MAX);
    }
    return world;
}

struct world *world_led(unsigned replica_count) {
    struct world *world = world_new(replica_count);
    world_lead(world);
    return world;
}

static void letter_release(struct letter *letter) {
    for (size_t i = 0; i < letter->message.entry_count; i++)
        raft_entry_drop(letter->message.entries[i]);
    memory_free(letter->message.entries);
    memory_free(letter->data);
}

void world_free(struct world *world) {
    for (raft_node_number i = 1; i <= world->replica_count; i++) {
        struct replica *replica = &world->replicas[i];
        world_kill(world, i);
        fake_disk_release(replica->disk);
        memory_free(replica->disk);
        config_release(&replica->config);
        metrics_free(replica->metrics);
        buffer_release(&replica->problem);
        buffer_release(&replica->lines);
    }
    for (; queue_count(&world->letters); queue_pop(&world->letters))
        letter_release(queue_front(&world->letters));
    queue_release(&world->letters);
    memory_free(world);
}

/* ---- what a shard asks of the world ---- */

static void send_message(void *context, struct shard *shard, const struct raft_message *message) {
    (void)shard;
    struct replica *replica = context;
    struct letter *letter = queue_push(&replica->world->letters);
    *letter = (struct letter){
        .kind = LETTER_MESSAGE, .from = replica->number, .to = message->to, .message = *message};
    if (message->entry_count) {
        letter->message.entries =
            memory_copy(message->entries, message->entry_count * sizeof(struct raft_entry *));
    }
    for (size_t i = 0; i < message->entry_count; i++)
        raft_entry_keep(message->entries[i]);
}

static void send_offer(void *context, struct shard *shard,
                       const struct shard_snapshot_offer *offer) {
    (void)shard;
    struct replica *replica = context;
    struct letter *letter = queue_push(&replica->world->letters);
    *letter = (struct letter){
        .kind = LETTER_OFFER, .from = replica->number, .to = offer->peer, .offer = *offer};
    letter->data = memory_copy(offer->manifest.data, offer->manifest.length);
    letter->offer.manifest = bytes_of(letter->data, offer->manifest.length);
    letter->offer.peer = replica->number;
}

static uint64_t admit_transfer_us(void *context, uint64_t bytes) {
    const struct replica *replica = context;
    (void)bytes;
    bool may = replica->world->now_us >= replica->transfer_not_before_us;
    return may ? 0 : replica->transfer_not_before_us;
}

static uint64_t next_snapshot_turn_us(void *context) {
    const struct replica *replica = context;
    return replica->world->now_us + (uint64_t)replica->config.snapshot_turn_ms * 1000;
}

static void send_piece(void *context, struct shard *shard,
                       const struct shard_snapshot_piece *piece) {
    (void)shard;
    struct replica *replica = context;
    struct letter *letter = queue_push(&replica->world->letters);
    *letter = (struct letter){
        .kind = LETTER_PIECE, .from = replica->number, .to = piece->peer, .piece = *piece};
    letter->data = memory_copy(piece->data.data, piece->data.length);
    letter->piece.data = bytes_of(letter->data, piece->data.length);
    letter->piece.peer = replica->number;
}

static void send_progress(void *context, struct shard *shard,
                          const struct shard_snapshot_progress *progress) {
    (void)shard;
    struct replica *replica = context;
    struct letter *letter = queue_push(&replica->world->letters);
    *letter = (struct letter){.kind = LETTER_PROGRESS,
                              .from = replica->number,
                              .to = progress->peer,
                              .progress = *progress};
    letter->progress.peer = replica->number;
}

static void note_answer(void *context, struct shard *shard, const struct shard_waiter *waiter,
                        enum shard_outcome outcome, struct bytes reply) {
    (void)shard;
    struct replica *replica = context;
    struct world *world = replica->world;
    CHECK(world->answer_count < WORLD_ANSWERS);
    struct answer *answer = &world->answers[world->answer_count++];
    *answer = (struct answer){.by = replica->number, .ticket = waiter->ticket, .outcome = outcome};
    size_t length = reply.length < sizeof answer->text ? reply.length : sizeof answer->text - 1;
    for (size_t i = 0, to = 0; i < length; i++)
        if (reply.data[i] != '\r')
            answer->text[to++] = reply.data[i] == '\n' ? '|' : (char)reply.data[i];
}

static void ignore(void *context, struct shard *shard) { (void)context, (void)shard; }

static void touched(void *context, struct shard *shard) {
    (void)shard;
    ((struct replica *)context)->is_touched = true;
}

/* ---- life ---- */

static uint64_t save_waits_until_us(void *context, const struct shard *shard) {
    (void)shard;
    return ((struct replica *)context)->save_waits_until_us;
}

/* Of a shard that is not touched nobody asks whether it awaits the log. */
static bool is_logging(const struct replica *replica) {
    return replica->is_logging || (replica->is_touched && shard_awaits_log(replica->shard));
}

static void on_durable(void *context, uint64_t sequence) {
    struct replica *replica = context;
    if (replica->shard && is_logging(replica)) {
        shard_durable(replica->shard, sequence);
        replica->is_logging = shard_awaits_log(replica->shard);
    }
}

static void on_failure(void *context, int error, const char *what) {
    (void)error, (void)what;
    struct replica *replica = context;
    CHECK(fake_disk_is_off(replica->disk) || replica->disk->failed_calls > 0);
    replica->log_failures += !fake_disk_is_off(replica->disk);
    replica->is_log_lost = !fake_disk_is_off(replica->disk);
}

static int recover_entry(void *context, uint32_t shard, struct bytes entry) {
    (void)shard;
    return shard_recovery_entry(((struct replica *)context)->recovery, entry);
}
static int recover_truncate(void *context, uint32_t shard, uint64_t from_index) {
    (void)shard;
    shard_recovery_truncate(((struct replica *)context)->recovery, from_index);
    return 0;
}
static int recover_state(void *context, uint32_t shard, uint64_t term, uint32_t vote) {
    (void)shard;
    shard_recovery_state(((struct replica *)context)->recovery, term, vote);
    return 0;
}
static int recover_snapshot(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    (void)shard;
    shard_recovery_snapshot(((struct replica *)context)->recovery, index, term);
    return 0;
}
static int recover_forget(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    (void)shard;
    shard_recovery_forget(((struct replica *)context)->recovery, index, term);
    return 0;
}
static int recover_floor(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    (void)shard;
    shard_recovery_floor(((struct replica *)context)->recovery, index, term);
    return 0;
}

static void recover_covered(void *context, uint32_t shard, uint64_t index) {
    (void)shard;
    shard_recovery_cover(((struct replica *)context)->recovery, index);
}

static int start_wal(struct replica *replica) {
    struct wal_options options = {.disk = &replica->disk->disk,
                                  .tuning = {.segment_bytes = replica->world->segment_bytes,
                                             .round_bytes = 1 << 20,
                                             .reserve_bytes = replica->world->reserve_bytes,
                                             .spare_count = 2},
                                  .on_durable = on_durable,
                                  .on_failure = on_failure,
                                  .context = replica};
    struct wal_visitor visitor = {.covered = recover_covered,
                                  .entry = recover_entry,
                                  .truncate = recover_truncate,
                                  .state = recover_state,
                                  .snapshot = recover_snapshot,
                                  .forget = recover_forget,
                                  .floor = recover_floor,
                                  .context = replica};
    struct wal_problem problem = {{0}};
    replica->recovery = shard_recovery_new(WORLD_SHARD);
    int error = wal_open(&options, &visitor, &replica->wal, &problem);
    if (error) {
        buffer_append_text(&replica->problem, problem.text);
        shard_recovery_free(replica->recovery);
    }
    return error;
}

static bool may_divide_slots(void *context) {
    return !((const struct replica *)context)->is_undivided;
}

static bool may_split_strings(void *context) {
    return !((const struct replica *)context)->is_unsplit;
}

/* As the control shard's. */
static struct machine *machine_without_parts(struct replica *replica, struct machine *machine) {
    replica->whole_ops = *machine->ops;
    replica->whole_ops.slot_keys = NULL;
    machine->ops = &replica->whole_ops;
    return machine;
}

static struct shard_io shard_io_of(struct replica *replica) {
    return (struct shard_io){.wal = replica->wal,
                             .disk = &replica->disk->disk,
                             .clock = &replica->clock,
                             .log = &replica->log,
                             .metrics = replica->metrics,
                             .cells = shard_cells_of(replica->metrics),
                             .durable_promise_us =
                                 replica->promise_us ? &replica->promise_us : NULL,
                             .config = &replica->config,
                             .send = send_message,
                             .send_offer = send_offer,
                             .send_piece = send_piece,
                             .send_progress = send_progress,
                             .reply = note_answer,
                             .leadership = ignore,
                             .applied = ignore,
                             .touched = touched,
                             .save_waits_until_us = save_waits_until_us,
                             .admit_transfer_us = admit_transfer_us,
                             .next_snapshot_turn_us = next_snapshot_turn_us,
                             .may_divide_slots = may_divide_slots,
                             .may_split_strings = may_split_strings,
                             .context = replica};
}

int world_start(struct world *world, raft_node_number number) {
    struct replica *replica = &world->replicas[number];
    CHECK(replica->shard == NULL);
    buffer_clear(&replica->problem);
    int error = start_wal(replica);
    if (error)
        return error;
    replica->shard_io = shard_io_of(replica);
    struct shard_options options = {.number = WORLD_SHARD,
                                    .self = number,
                                    .founding = {.voter_count = (uint8_t)world->replica_count},
                                    .is_as_founded = world->is_as_founded,
                                    .has_peers = world->replica_count > 1,
                                    .machine = keyspace_machine_new(number, NULL),
                                    .seed = number * 1000 + replica->starts++,
                                    .io = &replica->shard_io};
    if (replica->is_without_parts)
        options.machine = machine_without_parts(replica, options.machine);
    for (unsigned i = 0; i < world->replica_count; i++)
        options.founding.voters[i] = i + 1;
    replica->is_touched = true;
    replica->is_logging = false;
    replica->queued_us = UINT64_MAX;
    error = shard_new(&options, replica->recovery, &replica->shard, &replica->problem);
    if (error) {
        replica->shard = NULL;
        wal_free(replica->wal);
        replica->wal = NULL;
    }
    return error;
}

void world_start_all(struct world *world) {
    for (raft_node_number i = 1; i <= world->replica_count; i++) {
        int error = world_start(world, i);
        CHECK(error == 0);
    }
}

void world_lead(struct world *world) {
    world_start_all(world);
    world_elect(world, 1);
}

void world_kill(struct world *world, raft_node_number number) {
    struct replica *replica = &world->replicas[number];
    if (!replica->shard)
        return;
    if (!replica->is_disk_held) /* else its log's last rounds never ran */
        fake_disk_run_all(replica->disk);
    shard_free(replica->shard);
    wal_free(replica->wal);
    replica->shard = NULL;
    replica->wal = NULL;
    replica->is_log_lost = false;
    struct random random;
    random_init(&random, world->now_us + number);
    fake_disk_crash(replica->disk, &random);
}

void world_restart(struct world *world, raft_node_number number) {
    world_kill(world, number);
    int error = world_start(world, number);
    CHECK(error == 0);
}

void world_restart_leading(struct world *world, raft_node_number number) {
    world_restart(world, number);
    world_elect(world, number);
}

void world_forget(struct world *world, raft_node_number number) {
    struct replica *replica = &world->replicas[number];
    uint64_t wal_sequence;
    shard_recovery_free(shard_forget(replica->shard, &wal_sequence));
    wal_flush(replica->wal);
    world_restart(world, number);
}

void world_snapshot_after(struct world *world, int64_t entries) {
    for (raft_node_number i = 1; i <= world->replica_count; i++)
        world->replicas[i].config.snapshot_log_entries = entries;
}

struct world *world_led_taking(unsigned replica_count, int64_t entries) {
    struct world *world = world_new(replica_count);
    world_snapshot_after(world, entries);
    world_lead(world);
    return world;
}

void world_hold_disks(struct world *world, bool is_held) {
    for (raft_node_number i = 1; i <= world->replica_count; i++)
        world->replicas[i].is_disk_held = is_held;
}

/* ---- time ---- */

static bool deliver(struct world *world) {
    if (queue_count(&world->letters) == 0)
        return false;
    struct letter letter = *(struct letter *)queue_front(&world->letters);
    queue_pop(&world->letters);
    struct shard *shard = world->replicas[letter.to].shard;
    bool is_lost = !shard || world->is_cut[letter.from][letter.to];
    if (!is_lost && world->censor && !world->censor(world, &letter)) {
        world->censored++;
        is_lost = true;
    }
    if (!is_lost) {
        switch (letter.kind) {
        case LETTER_MESSAGE:
            shard_message(shard, &letter.message);
            break;
        case LETTER_OFFER:
            shard_offer(shard, &letter.offer);
            break;
        case LETTER_PIECE:
            shard_piece(shard, &letter.piece);
            break;
        case LETTER_PROGRESS:
            shard_progress(shard, &letter.progress);
            break;
        }
    }
    letter_release(&letter);
    return true;
}

/* As its worker does: only if something happened to it. */
static void look_at(struct replica *replica) {
    struct shard *shard = replica->shard;
    if (!replica->is_touched)
        return;
    shard_admit(shard);
    shard_end_turn(shard, replica->company);
    replica->is_logging = is_logging(replica);
    replica->is_touched = shard_batch_count(shard) > 0;
    if (shard_batch_due_us(shard) < replica->queued_us)
        replica->queued_us = shard_batch_due_us(shard);
    if (shard_deadline_us(shard) < replica->queued_us)
        replica->queued_us = shard_deadline_us(shard);
}

static void tick(struct replica *replica) {
    uint64_t now_us = replica->world->now_us;
    if (!replica->shard || now_us < replica->queued_us)
        return;
    replica->queued_us = UINT64_MAX;
    replica->is_touched = true;
    if (now_us >= shard_deadline_us(replica->shard))
        shard_tick(replica->shard);
}

static bool end_turn(struct replica *replica) {
    if (!replica->shard)
        return false;
    look_at(replica);
    if (replica->save_waits_until_us)
        wal_flush_due(replica->wal, replica->world->now_us);
    else
        wal_flush(replica->wal);
    if (replica->is_disk_held)
        return false;
    bool has_run = false;
    for (enum disk_lane lane = 0; lane < DISK_LANE_COUNT; lane++)
        has_run = fake_disk_run_job(replica->disk, lane) || has_run;
    if (replica->is_log_lost)
        world_kill(replica->world, replica->number);
    return has_run;
}

void world_settle(struct world *world) {
    unsigned steps = 0;
    for (bool is_moving = true; is_moving;) {
        is_moving = false;
        for (raft_node_number i = 1; i <= world->replica_count; i++)
            is_moving = end_turn(&world->replicas[i]) || is_moving;
        is_moving = deliver(world) || is_moving;
        CHECK(++steps < WORLD_DELIVERIES_MAXIMUM);
    }
}

void world_run(struct world *world, unsigned ms) {
    world_settle(world);
    for (unsigned passed = 0; passed < ms; passed += WORLD_STEP_MS) {
        world->now_us += WORLD_STEP_MS * 1000;
        for (raft_node_number i = 1; i <= world->replica_count; i++)
            tick(&world->replicas[i]);
        world_settle(world);
    }
}

raft_node_number world_leader(const struct world *world) {
    raft_node_number leader = 0;
    for (raft_node_number i = 1; i <= world->replica_count; i++) {
        struct shard *shard = world->replicas[i].shard;
        if (shard && shard_is_leader(shard)) {
            if (leader)
                return 0;
            leader = i;
        }
    }
    return leader;
}

static bool is_settled_under(const struct world *world, raft_node_number leader) {
    for (raft_node_number i = 1; i <= world->replica_count; i++) {
        struct shard *shard = world->replicas[i].shard;
        if (shard && !world->is_cut[leader][i] && raft_leader(shard_raft(shard)) != leader)
            return false;
    }
    struct shard *shard = world->replicas[leader].shard;
    return shard_is_leader(shard) && raft_has_lease(shard_raft(shard), world->now_us);
}

void world_elect(struct world *world, raft_node_number number) {
    for (unsigned i = 0; i < 400 && !is_settled_under(world, number); i++) {
        world_run(world, 50);
        for (raft_node_number leader = 1; leader <= world->replica_count; leader++) {
            struct shard *shard = world->replicas[leader].shard;
            if (leader != number && shard && !world->is_cut[leader][number])
                shard_transfer(shard, number, "asked");
        }
    }
    CHECK(is_settled_under(world, number));
}

void world_take_snapshot(struct world *world, raft_node_number number) {
    struct shard *shard = world_shard(world, number);
    raft_index before = shard_snapshot_index(shard);
    shard_take_snapshot(shard);
    for (unsigned i = 0; i < 400 && shard_snapshot_index(shard) == before; i++)
        world_run(world, WORLD_STEP_MS);
    CHECK(shard_snapshot_index(shard) > before);
}

void world_cut_off(struct world *world, raft_node_number number, bool is_cut) {
    for (raft_node_number i = 1; i <= world->replica_count; i++)
        if (i != number)
            world->is_cut[i][number] = world->is_cut[number][i] = is_cut;
}

void world_let_back(struct world *world, raft_node_number number, unsigned ms) {
    world_cut_off(world, number, false);
    world_run(world, ms);
}
