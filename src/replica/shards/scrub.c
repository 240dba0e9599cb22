#include "replica/shards/scrub.h"

#include "base/memory.h"
#include "store/record/format.h"
#include "store/scrub_job.h"
#include "store/snapshot/names.h"
#include "worker/worker.h"

/* Before damage that was found is looked at again, and what could not be looked at. */
#define SCRUB_AGAIN_US ((uint64_t)1000000)
/* A long item is paid for by a pause afterwards, up to this. */
#define SCRUB_DEBT_US ((uint64_t)600 * 1000000)

enum scrub_stage { SCRUB_LOG, SCRUB_SNAPSHOTS };

struct scrub {
    struct scrub_job job; /* first */
    struct worker *worker;
    bool is_running;
    bool is_in_parts; /* a segment was read in part */
    bool is_told;     /* the damage that is looked at again was told of */
    bool is_put_off;  /* it could not be looked at, and that was told */
    bool is_resting;  /* all was read; by how long that is ago the next pass begins */
    uint64_t ended_us;
    uint64_t next_us;
    long long rate; /* bytes a second, as set when the pass began */
    enum scrub_stage stage;
    uint64_t segment;  /* the last one that was read */
    uint64_t damaged;  /* the newest segment that is */
    uint32_t shard;    /* the one that is looked at, */
    unsigned slot;     /* from here on, */
    unsigned part;     /* which of the chunks of that slot is next; */
    bool has_manifest; /* its manifest was */
    uint64_t damage_count;
};

static void job_done(struct disk_job *job, int status);

struct scrub *scrub_new(struct worker *worker) {
    struct scrub *scrub = memory_allocate_zeroed(1, sizeof *scrub);
    scrub->worker = worker;
    scrub_job_init(&scrub->job, worker->io.disk);
    scrub->job.job.done = job_done;
    return scrub;
}

void scrub_free(struct scrub *scrub) {
    scrub_job_release(&scrub->job);
    memory_free(scrub);
}

uint64_t scrub_damage_count(const struct scrub *scrub) { return scrub->damage_count; }

/* ---- what is read next ---- */

static void begin_pass(struct scrub *scrub, uint64_t now) {
    scrub->stage = SCRUB_LOG;
    scrub->is_in_parts = scrub->is_told = scrub->is_resting = false;
    scrub->segment = scrub->damaged;
    scrub->rate = scrub->worker->config.scrub_bytes_per_second;
    scrub->next_us = now;
}

static void end_pass(struct scrub *scrub) {
    worker_count(scrub->worker, METRIC_scrub_passes_total, 1);
    scrub->is_resting = true;
    scrub->ended_us = worker_now_us(scrub->worker);
}

/* The pause is as long as the setting says by now, not as when it began. */
static uint64_t next_us(const struct scrub *scrub) {
    uint64_t pause_us = (uint64_t)scrub->worker->config.scrub_pause_ms * 1000;
    return scrub->is_resting ? scrub->ended_us + pause_us : scrub->next_us;
}

static void next_shard(struct scrub *scrub) {
    scrub->shard++;
    scrub->slot = scrub->part = 0;
    scrub->has_manifest = false;
}

static const struct snapshot_manifest *newest_of(const struct scrub *scrub) {
    struct shard *shard = worker_shard(scrub->worker, scrub->shard);
    return shard ? snapshot_shelf_newest(shard_snapshot_shelf(shard)) : NULL;
}

/* The next one, of a manifest that may be another than the last time. */
static const struct snapshot_chunk *next_chunk(const struct scrub *scrub,
                                               const struct snapshot_manifest *manifest) {
    unsigned parts_left = scrub->part;
    for (uint32_t i = snapshot_manifest_find(manifest, scrub->slot); i < manifest->chunk_count;
         i++) {
        const struct snapshot_chunk *chunk = &manifest->chunks[i];
        if (chunk->first_slot > scrub->slot ||
            (chunk->first_slot == scrub->slot && parts_left-- == 0))
            return chunk;
    }
    return NULL;
}

/* False: nothing is left of the shard's snapshot. */
static bool choose_of_shard(struct scrub *scrub) {
    const struct snapshot_manifest *newest = newest_of(scrub);
    if (newest == NULL)
        return false;
    if (!scrub->has_manifest) {
        scrub_job_manifest(&scrub->job, newest);
        return true;
    }
    const struct snapshot_chunk *chunk = next_chunk(scrub, newest);
    if (chunk) {
        scrub->part = chunk->first_slot == scrub->slot ? scrub->part : 0;
        scrub->slot = chunk->first_slot;
        scrub_job_chunk(&scrub->job, scrub->shard, chunk);
    }
    return chunk != NULL;
}

/* False: the pass is over. */
static bool choose(struct scrub *scrub) {
    struct wal_at_rest segment;
    if (scrub->stage == SCRUB_LOG) {
        if (wal_at_rest_after(scrub->worker->wal, scrub->segment, &segment)) {
            scrub_job_segment(&scrub->job, &segment);
            return true;
        }
        scrub->stage = SCRUB_SNAPSHOTS;
        scrub->shard = (uint32_t)-1;
        next_shard(scrub);
    }
    while (scrub->shard < WORKER_SHARD_MAXIMUM) {
        if (choose_of_shard(scrub))
            return true;
        next_shard(scrub);
    }
    return false;
}

/* ---- what was found ---- */

static void advance(struct scrub *scrub) {
    switch (scrub->job.kind) {
    case SCRUB_SEGMENT:
        scrub->segment = scrub->job.segment.number;
        break;
    case SCRUB_MANIFEST:
        scrub->has_manifest = true;
        break;
    case SCRUB_CHUNK:
        scrub->slot = scrub->job.chunk.last_slot;
        scrub->part = scrub->slot == scrub->job.chunk.first_slot ? scrub->part + 1 : 1;
        break;
    }
    scrub->is_told = false;
}

/* Does the snapshot that counts still have what was read? It may have been replaced meanwhile. */
static bool is_needed(const struct scrub *scrub) {
    const struct snapshot_manifest *newest = newest_of(scrub);
    if (newest == NULL || scrub->job.kind == SCRUB_MANIFEST)
        return newest && newest->meta.index == scrub->job.index;
    const struct snapshot_chunk *chunk = next_chunk(scrub, newest);
    return chunk && chunk->first_slot == scrub->job.chunk.first_slot &&
           chunk->stored_checksum == scrub->job.chunk.stored_checksum;
}

static void tell(struct scrub *scrub, const char *name, int status) {
    if (scrub->is_told)
        return;
    scrub->is_told = true;
    scrub->damage_count++;
    worker_count(scrub->worker, METRIC_scrub_damages_total, 1);
    log_line(scrub->worker->io.log, LOG_ERROR,
             "the disk has changed what was written; a snapshot of what is in memory takes its "
             "place",
             LOG_T("file", name), LOG_F("worker", scrub->worker->index),
             LOG_T("error", error_text(status)));
}

/* It is let go, and not looked at again. */
static void found_bad_segment(struct scrub *scrub, int status) {
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(scrub->job.segment.number, name);
    tell(scrub, name, status);
    scrub->damaged = scrub->job.segment.number;
    wal_note_damage(scrub->worker->wal, scrub->damaged);
    scrub->is_in_parts = false;
    advance(scrub);
}

/* It is looked at again until it is as it should be, or replaced. */
static void found_bad_snapshot(struct scrub *scrub, int status) {
    char name[DISK_NAME_MAXIMUM];
    if (!is_needed(scrub))
        return;
    struct snapshot_chunk chunk = {.first_slot = 0, .last_slot = 0};
    if (scrub->job.kind == SCRUB_CHUNK) {
        chunk = scrub->job.chunk;
        snapshot_chunk_name(scrub->shard, &chunk, name);
    } else {
        snapshot_manifest_name(scrub->shard, scrub->job.index, name);
    }
    tell(scrub, name, status);
    shard_replace_snapshot(worker_shard(scrub->worker, scrub->shard), &chunk);
    scrub->next_us = worker_now_us(scrub->worker) + SCRUB_AGAIN_US;
}

/* Too many files are open, say: nothing follows as to what the disk holds. A segment is read from
 * its beginning again. */
static void put_off(struct scrub *scrub, int status) {
    if (!scrub->is_put_off) {
        log_line(scrub->worker->io.log, LOG_WARN,
                 "what lies on the disk cannot be looked at; it is tried again every second",
                 LOG_F("worker", scrub->worker->index), LOG_T("error", error_text(status)));
    }
    scrub->is_put_off = true;
    scrub->next_us = worker_now_us(scrub->worker) + SCRUB_AGAIN_US;
}

/* The rest of a segment that was begun, or what comes next. */
static void read_on(struct scrub *scrub) {
    if (!scrub->is_in_parts && !choose(scrub)) {
        end_pass(scrub);
        return;
    }
    scrub->is_running = true;
    scrub->job.disk->ops->submit(scrub->job.disk, &scrub->job.job);
}

static void pay(struct scrub *scrub) {
    uint64_t bytes = scrub->job.read_bytes, now = worker_now_us(scrub->worker);
    worker_count(scrub->worker, METRIC_scrub_bytes_total, bytes);
    uint64_t cost_us = (uint64_t)((double)bytes * 1e6 / (double)scrub->rate);
    if (scrub->next_us + WORKER_TICK_US < now) /* what was not read in time is not made up for */
        scrub->next_us = now - WORKER_TICK_US;
    scrub->next_us += cost_us < SCRUB_DEBT_US ? cost_us : SCRUB_DEBT_US;
}

static void job_done(struct disk_job *job, int status) {
    struct scrub *scrub = (struct scrub *)(void *)job;
    scrub->is_running = false;
    scrub->is_in_parts = status == 0 && !scrub->job.is_whole;
    if (disk_error_is_of_process(status)) {
        put_off(scrub, status);
        return;
    }
    scrub->is_put_off = false;
    pay(scrub);
    bool is_gone = status == ERR_NOT_FOUND && scrub->job.kind == SCRUB_SEGMENT;
    if (status == 0 || is_gone) {
        if (scrub->job.is_whole || is_gone)
            advance(scrub);
    } else if (scrub->job.kind == SCRUB_SEGMENT) {
        found_bad_segment(scrub, status);
    } else {
        found_bad_snapshot(scrub, status);
    }
}

/* ---- time ---- */

void scrub_shed(struct worker *worker) {
    uint32_t number;
    struct shard *shard;
    if (wal_shed_damage(worker->wal, &number) && (shard = worker_shard(worker, number)))
        shard_take_snapshot(shard);
}

static bool is_at_rest(const struct scrub *scrub) {
    const struct worker *worker = scrub->worker;
    return scrub->is_running || worker->config.scrub_bytes_per_second == 0 || worker->is_draining ||
           worker->is_failed;
}

uint64_t scrub_deadline_us(const struct scrub *scrub) {
    return is_at_rest(scrub) ? UINT64_MAX : next_us(scrub);
}

void scrub_tick(struct scrub *scrub) {
    uint64_t now = worker_now_us(scrub->worker);
    if (is_at_rest(scrub))
        return;
    bool is_over = scrub->is_resting && now >= next_us(scrub);
    if (is_over || scrub->rate != scrub->worker->config.scrub_bytes_per_second)
        begin_pass(scrub, now);
    if (now >= next_us(scrub))
        read_on(scrub);
}
