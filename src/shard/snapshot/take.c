#include "shard/snapshot/take.h"

#include "base/check.h"
#include "base/planted.h"
#include "shard/snapshot/stagger.h"
#include "shard/state/look.h"

static struct snapshot_meta describe(struct shard *shard) {
    struct snapshot_meta meta = {.shard = shard->number,
                                 .index = shard->applied_index,
                                 .term = shard->applied_term,
                                 .stamp_ms = shard->time_ms};
    struct buffer configuration;
    buffer_init(&configuration, SNAPSHOT_CONFIGURATION_MAXIMUM);
    raft_configuration_encode(raft_configuration_at(shard->raft, shard->applied_index),
                              &configuration);
    CHECK(!configuration.is_overflowed);
    memcpy(meta.configuration, buffer_data(&configuration), configuration.length);
    meta.configuration_bytes = (uint32_t)configuration.length;
    buffer_release(&configuration);
    return meta;
}

void shard_release_own(struct shard *shard) {
    struct own_snapshot *own = &shard->own;
    bool is_ending = cut_free(own->cut) || own->is_ending;
    plan_release(&own->plan);
    part_set_clear(&own->changed);
    snapshot_manifest_free(own->manifest);
    *own = (struct own_snapshot){.stage = OWN_NONE, .is_ending = is_ending};
    metric_set(shard->chunks_left, 0);
}

static void give_up(struct shard *shard, int error) {
    log_line(shard->io->log, LOG_ERROR, "snapshot not written", LOG_F("shard", shard->number),
             LOG_T("error", error_text(error)));
    part_set_add_set(&shard->watch.changed, &shard->own.changed);
    shard_release_own(shard);
    shard->next_take_us = shard_now_us(shard) + shard_pause_us(shard);
}

/* What is saved already is not wrong, but no more can be had. */
void shard_give_up_cut(struct shard *shard) {
    if (shard->own.stage == OWN_SAVING) {
        part_set_add_set(&shard->watch.changed, &shard->own.changed);
        shard_release_own(shard);
    }
}

/* ---- naming ---- */

static void own_named(struct snapshot_job *job, int status) {
    struct shard *shard = job->context;
    struct own_snapshot *own = &shard->own;
    shard->disk_jobs--;
    shard_touch(shard);
    if (status) {
        give_up(shard, status);
        return;
    }
    own->stage = OWN_MARKING;
    own->mark_sequence =
        wal_append_snapshot(shard->io->wal, shard->number, own->meta.index, own->meta.term);
}

static void name_own(struct shard *shard) {
    struct own_snapshot *own = &shard->own;
    own->is_ending = cut_free(own->cut);
    own->cut = NULL;
    own->stage = OWN_NAMING;
    own->manifest = snapshot_manifest_new(&own->meta, own->plan.chunks, own->plan.chunk_count);
    if (PLANTED(CHUNK_REMOVED_EARLY)) {
        snapshot_shelf_put(shard->shelf, snapshot_manifest_new(&own->meta, own->plan.chunks,
                                                               own->plan.chunk_count));
        snapshot_shelf_tidy(shard->shelf);
    }
    struct snapshot_job *job = snapshot_job_new(SNAPSHOT_JOB_NAME, shard->io->disk, shard->number);
    job->manifest = own->manifest;
    shard->disk_jobs++;
    snapshot_job_submit(job, own_named, shard);
}

/* ---- saving ---- */

static void name_once_saved(struct shard *shard) {
    struct own_snapshot *own = &shard->own;
    if (own->job_count == 0 && own->next_chunk == own->plan.chunk_count)
        name_own(shard);
}

static void chunk_done(struct snapshot_job *job, int status) {
    struct shard *shard = job->context;
    struct own_snapshot *own = &shard->own;
    shard->disk_jobs--;
    shard_touch(shard);
    if (own->number != job->number)
        return;
    own->job_count--;
    bool is_old = job->kind == SNAPSHOT_JOB_VERIFY;
    if (status && is_old && !disk_error_is_of_process(status)) {
        log_line(shard->io->log, LOG_ERROR,
                 "a chunk of the snapshot before this cannot be read; it is written anew",
                 LOG_F("shard", shard->number), LOG_F("first_slot", job->chunk.first_slot),
                 LOG_F("last_slot", job->chunk.last_slot), LOG_T("error", error_text(status)));
        plan_note_changed(&job->chunk, &own->changed);
    }
    job->chunk.state_hash = own->plan.chunks[job->ordinal].state_hash; /* it may have grown */
    own->plan.chunks[job->ordinal] = job->chunk;
    own->error = own->error ? own->error : status;
    metric_add(is_old ? shard->io->cells.chunks_kept : shard->io->cells.chunks_saved, status == 0);
    metric_add(shard->io->cells.snapshot_bytes, status || is_old ? 0 : job->chunk.stored_bytes);
    if (own->error && own->job_count == 0)
        give_up(shard, own->error);
    else
        name_once_saved(shard);
}

static void submit_chunk(struct shard *shard, enum snapshot_job_kind kind, struct buffer *raw) {
    struct own_snapshot *own = &shard->own;
    struct snapshot_job *job = snapshot_job_new(kind, shard->io->disk, shard->number);
    job->number = own->number;
    job->ordinal = own->next_chunk;
    metric_set(shard->chunks_left, own->plan.chunk_count - own->next_chunk);
    job->chunk = own->plan.chunks[own->next_chunk++];
    if (raw)
        job->bytes = *raw;
    own->job_count++;
    shard->disk_jobs++;
    snapshot_job_submit(job, chunk_done, shard);
}

static bool has_more_to_save(const struct own_snapshot *own) {
    return own->stage == OWN_SAVING && !own->error && own->next_chunk < own->plan.chunk_count &&
           own->job_count < SHARD_SNAPSHOT_JOBS_MAXIMUM;
}

/* What changes before it is saved is held twice until then; what goes is not. Once that is an
 * eighth of all, the turns become longer, the more there is of it: so the memory is bounded
 * however fast the shard is written to, and a shard that is not pays little at a time
 * (docs/decisions/0031). */
static size_t turn_bytes(const struct shard *shard) {
    uint64_t all_bytes = shard->own.plan.new_bytes;
    uint64_t grown_bytes = shard->machine->ops->grown_bytes(shard->machine);
    uint64_t eighths_bytes = 8 * (grown_bytes < all_bytes ? grown_bytes : all_bytes);
    uint64_t haste = eighths_bytes > all_bytes
                         ? SHARD_SNAPSHOT_HASTE * (eighths_bytes - all_bytes) / all_bytes
                         : 0;
    return (size_t)shard->io->config->snapshot_turn_bytes * (size_t)(1 + haste);
}

static void save_some(struct shard *shard) {
    struct own_snapshot *own = &shard->own;
    struct buffer raw;
    enum cut_saved saved = cut_save(own->cut, &own->plan.chunks[own->next_chunk], turn_bytes(shard),
                                    plan_enough_bytes(&own->plan, own->next_chunk), &raw);
    if (saved == CUT_SAVED_SOME)
        return;
    if (raw.length == 0) { /* the part is empty, or its chunks so far were all of it */
        buffer_release(&raw);
        plan_drop(&own->plan, own->next_chunk);
        name_once_saved(shard);
        return;
    }
    if (saved == CUT_SAVED_ENOUGH)
        plan_go_on(&own->plan, own->next_chunk);
    submit_chunk(shard, SNAPSHOT_JOB_SAVE, &raw);
}

static void end_some(struct shard *shard) {
    size_t bytes = (size_t)shard->io->config->snapshot_turn_bytes;
    shard->own.is_ending = shard->machine->ops->end_cut(shard->machine, bytes);
}

static bool has_turns(const struct own_snapshot *own) {
    return own->is_ending || has_more_to_save(own);
}

void shard_tick_own(struct shard *shard, uint64_t now) {
    struct own_snapshot *own = &shard->own;
    if (!has_turns(own) || now < own->next_save_us)
        return;
    own->next_save_us = shard->io->next_snapshot_turn_us(shard->io->context);
    if (own->is_ending)
        end_some(shard);
    else if (own->plan.is_old[own->next_chunk])
        submit_chunk(shard, SNAPSHOT_JOB_VERIFY, NULL);
    else
        save_some(shard);
}

uint64_t shard_own_deadline_us(const struct shard *shard) {
    return has_turns(&shard->own) ? shard->own.next_save_us : stagger_deadline_us(shard);
}

/* What an older release could not read waits until none is left (docs/decisions/0038). */
static bool may_divide(const struct shard *shard) {
    return shard->io->may_divide_slots == NULL || PLANTED(PARTS_UNGATED) ||
           shard->io->may_divide_slots(shard->io->context);
}

static bool may_split(const struct shard *shard) {
    return shard->io->may_split_strings == NULL || shard->io->may_split_strings(shard->io->context);
}

static void take(struct shard *shard) {
    struct own_snapshot *own = &shard->own;
    *own = (struct own_snapshot){.stage = OWN_SAVING,
                                 .number = ++shard->next_number,
                                 .begun_us = shard_now_us(shard),
                                 .meta = describe(shard),
                                 .changed = part_set_take(&shard->watch.changed),
                                 .log_bytes = shard->applied_bytes};
    struct plan_options options = {.chunk_bytes = (uint64_t)shard->io->config->snapshot_chunk_bytes,
                                   .may_divide = may_divide(shard),
                                   .may_split = may_split(shard)};
    plan_init(&own->plan, shard->machine, snapshot_shelf_newest(shard->shelf), &own->changed,
              &options);
    own->cut = cut_new(shard->machine, &shard->watch, &own->plan);
    shard->cost_bytes = 0;
    stagger_clear(shard);
    shard_touch(shard);
    log_line(shard->io->log, LOG_INFO, "snapshot begun", LOG_F("shard", shard->number),
             LOG_F("index", own->meta.index), LOG_F("chunks", own->plan.chunk_count));
    if (own->plan.chunk_count == 0)
        name_own(shard);
    else
        shard_tick_own(shard, own->begun_us);
}

/* ---- when ---- */

/* A newcomer that gets the whole log knows no members before the entry that names them. A snapshot
 * without any could not be started from. */
static bool knows_members(const struct shard *shard) {
    return raft_configuration_at(shard->raft, shard->applied_index)->voter_count > 0;
}

/* One at a time, not while another state is on its way here, nor while what one had that was given
 * up is gone through, and not again at once after the disk refused one. Transfers to others hold
 * nothing up: what they send is held on the shelf. */
static bool may_take(const struct shard *shard) {
    return shard->own.stage == OWN_NONE && !shard->own.is_ending &&
           shard->incoming.stage == INCOMING_NONE && !shard_is_rewinding(shard) &&
           shard_now_us(shard) >= shard->next_take_us && knows_members(shard);
}

/* Of what is committed only: a leader that runs ahead stops until the disks have caught up. */
static void take_settled(struct shard *shard, bool is_wanted) {
    bool is_due = is_wanted && may_take(shard);
    shard->early.is_settling = is_due && !shard_has_settled(shard);
    if (is_due && !shard->early.is_settling)
        take(shard);
}

void take_now(struct shard *shard) {
    take_settled(shard, shard->applied_index > shard->snapshot_index);
}

void shard_take_snapshot_and_log(struct shard *shard) {
    take_now(shard);
    shard->own.is_log_wanted = shard->own.stage != OWN_NONE;
}

void take_anew(struct shard *shard, const struct snapshot_chunk *chunk) {
    plan_note_changed(chunk, &shard->watch.changed);
    take_settled(shard, true);
}

static uint64_t all_bytes(struct machine *machine) {
    uint64_t sum = 0;
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
        sum += machine->ops->slot_bytes(machine, (slot_number)slot);
    return sum;
}

/* What a snapshot would write now: the chunks of the newest one in which something changed. The
 * first one writes all there is. */
static uint64_t cost_bytes(const struct shard *shard) {
    const struct snapshot_manifest *newest = snapshot_shelf_newest(shard->shelf);
    uint64_t sum = newest && newest->chunk_count ? 0 : all_bytes(shard->machine);
    for (uint32_t i = 0; newest && i < newest->chunk_count; i++)
        if (plan_is_changed(&newest->chunks[i], &shard->watch.changed))
            sum += newest->chunks[i].raw_bytes;
    return sum;
}

/* A snapshot is worth its price once the log has grown to several times that, so that the disk
 * writes far less for snapshots than for the log. */
static bool is_worth_it(const struct shard *shard) {
    const struct config *config = shard->io->config;
    return shard->applied_bytes >= (uint64_t)config->snapshot_log_bytes &&
           shard->applied_bytes / (uint64_t)config->snapshot_log_times >= shard->cost_bytes;
}

/* By entries, what counts is how long a restart takes, and no price is asked. */
static bool is_long(const struct shard *shard) {
    return shard->applied_index - shard->snapshot_index >=
           (uint64_t)shard->io->config->snapshot_log_entries;
}

static void take_in_turn(struct shard *shard) {
    if (stagger_has_turn(shard))
        take_now(shard);
}

void shard_maybe_snapshot(struct shard *shard) {
    bool is_wanted = is_long(shard) || is_worth_it(shard);
    if (stagger_is_waiting(shard) || !is_wanted)
        return;
    if (!may_take(shard)) {
        shard->early.is_settling = false;
        return;
    }
    shard->cost_bytes = cost_bytes(shard);
    if (is_long(shard) || is_worth_it(shard))
        take_in_turn(shard);
}

void take_to_release_log(struct shard *shard, uint64_t log_bytes) {
    if (shard->cost_bytes > log_bytes || stagger_is_waiting(shard) || !may_take(shard))
        return;
    shard->cost_bytes = cost_bytes(shard);
    if (shard->cost_bytes <= log_bytes)
        take_in_turn(shard);
}

/* ---- done ---- */

void shard_tidy_snapshots(struct shard *shard) {
    if (shard->own.stage == OWN_NONE && shard->incoming.stage == INCOMING_NONE)
        snapshot_shelf_tidy(shard->shelf);
}
