#include "store/wal.h"
#include "base/check.h"
#include "base/memory.h"
#include "store/disk_score.h"
#include "store/wal_job.h"
#include "store/wal_ledger.h"
#include "store/wal_recover.h"
#include <stdio.h>

/* A batch is what was appended since the last round began: the owner bounds it by what it lets be
 * proposed. Past the limit the log fails rather than forget. */
static const size_t batch_maximum_bytes = (size_t)4 << 30;
static const size_t batch_kept_bytes = 4 << 20;
static const size_t round_maximum_bytes = 8 << 20; /* more than one record only up to this */
/* A segment that had to be made in a hurry, and the first one, are small: zeroing them takes
 * milliseconds. */
static const uint64_t hasty_segment_bytes = 4 << 20;

struct wal {
    struct wal_options options;
    struct wal_ledger ledger; /* of everything sealed */
    struct wal_position position;

    struct buffer batches[2]; /* one gathers, the other is written from `written_bytes` on */
    unsigned gathering;
    size_t written_bytes;
    struct buffer checkpoint;
    uint64_t appended_sequence, sealed_sequence, durable_sequence;
    uint64_t appended_release, sealed_release, removed_below; /* segment numbers */

    struct wal_round round;
    struct wal_spare spare;
    struct wal_removal removal;
    size_t round_bytes;
    uint64_t round_begun_us;
    struct disk_score score;
    bool is_round_running, is_spare_running, is_removal_running;
    bool is_new, is_flush_wanted, has_failed;
    struct wal_statistics statistics;
};

static void round_done(struct disk_job *job, int status);
static void spare_done(struct disk_job *job, int status);
static void removal_done(struct disk_job *job, int status);

/* ---- opening ---- */

static struct wal *wal_new(const struct wal_options *options) {
    struct wal *wal = memory_allocate_zeroed(1, sizeof *wal);
    wal->options = *options;
    wal_ledger_init(&wal->ledger);
    disk_score_init(&wal->score);
    for (unsigned i = 0; i < 2; i++)
        buffer_init(&wal->batches[i], batch_maximum_bytes);
    buffer_init(&wal->checkpoint, batch_maximum_bytes);
    wal->round =
        (struct wal_round){.job = {.run = wal_round_run, .done = round_done, .lane = DISK_LANE_LOG},
                           .disk = options->disk,
                           .owner = wal};
    wal->spare = (struct wal_spare){
        .job = {.run = wal_spare_run, .done = spare_done, .lane = DISK_LANE_BULK},
        .disk = options->disk,
        .owner = wal,
        .bytes = options->segment_bytes};
    wal->removal = (struct wal_removal){
        .job = {.run = wal_removal_run, .done = removal_done, .lane = DISK_LANE_BULK},
        .disk = options->disk,
        .owner = wal};
    return wal;
}

static uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }

static int make_first_segment(struct wal *wal) {
    struct disk *disk = wal->options.disk;
    uint64_t bytes = smaller(wal->options.segment_bytes, hasty_segment_bytes);
    int status = wal_segment_make(disk, WAL_NEXT_NAME, bytes, &wal->round.file);
    if (status)
        return status;
    wal->round.file_bytes = bytes;
    wal->position.segment = 1;
    wal_ledger_begin_segment(&wal->ledger, 1);
    return wal_segment_install(disk, WAL_NEXT_NAME, 1);
}

static int open_newest_segment(struct wal *wal) {
    const struct disk_ops *ops = wal->options.disk->ops;
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(wal->position.segment, name);
    int status = ops->open(wal->options.disk, name, DISK_OPEN_WRITE, &wal->round.file);
    if (status) {
        wal->round.file = NULL;
        return status;
    }
    return ops->size(wal->round.file, &wal->round.file_bytes);
}

bool wal_is_new(const struct wal *wal) { return wal->is_new; }

int wal_open(const struct wal_options *options, const struct wal_visitor *visitor, struct wal **out,
             struct wal_problem *problem) {
    CHECK(options->segment_bytes >= 1024);
    struct wal *wal = wal_new(options);
    problem->text[0] = 0;
    int status =
        wal_recover(options->disk, options->log, visitor, &wal->ledger, &wal->position, problem);
    if (status == 0) {
        wal->is_new = wal->position.segment == 0;
        status = wal->position.segment ? open_newest_segment(wal) : make_first_segment(wal);
        if (status)
            snprintf(problem->text, sizeof problem->text,
                     "cannot open the newest segment of the log: %s; check the disk, its free "
                     "space and the rights on the directory, then start again",
                     error_text(status));
    }
    if (status) {
        wal_free(wal);
        return status;
    }
    wal->removed_below = wal->sealed_release = wal->appended_release = wal->ledger.oldest_segment;
    *out = wal;
    return 0;
}

void wal_free(struct wal *wal) {
    struct disk_file *files[] = {wal->round.file, wal->round.next_file, wal->spare.file};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files[i])
            wal->options.disk->ops->close(files[i]);
    for (unsigned i = 0; i < 2; i++)
        buffer_release(&wal->batches[i]);
    buffer_release(&wal->checkpoint);
    wal_ledger_release(&wal->ledger);
    memory_free(wal);
}

/* ---- appending ---- */

static void fail(struct wal *wal, int error, const char *what) {
    if (wal->has_failed)
        return;
    wal->has_failed = true;
    log_line(wal->options.log, LOG_ERROR, "the log failed", LOG_T("step", what),
             LOG_T("error", error_text(error)));
    wal->options.on_failure(wal->options.context, error, what);
}

static void append(struct wal *wal, enum wal_kind kind, uint32_t shard, uint64_t index,
                   struct bytes payload) {
    if (wal->has_failed)
        return;
    struct buffer *batch = &wal->batches[wal->gathering];
    wal_record_append(batch, kind, shard, index, payload);
    if (batch->is_overflowed)
        fail(wal, ERR_LIMIT, "gathering a batch for the log");
}

uint64_t wal_append_entry(struct wal *wal, uint32_t shard, uint64_t index,
                          struct bytes encoded_entry) {
    append(wal, WAL_ENTRY, shard, index, encoded_entry);
    return ++wal->appended_sequence;
}

uint64_t wal_append_truncate(struct wal *wal, uint32_t shard, uint64_t from_index) {
    append(wal, WAL_TRUNCATE, shard, from_index, BYTES_NONE);
    return ++wal->appended_sequence;
}

uint64_t wal_append_state(struct wal *wal, uint32_t shard, uint64_t term, uint32_t vote) {
    uint8_t payload[WAL_STATE_PAYLOAD_BYTES];
    wal_state_encode(payload, &(struct wal_state){.term = term, .vote = vote});
    append(wal, WAL_STATE, shard, 0, bytes_of(payload, sizeof payload));
    return ++wal->appended_sequence;
}

uint64_t wal_append_snapshot(struct wal *wal, uint32_t shard, uint64_t index, uint64_t term) {
    uint8_t payload[WAL_SNAPSHOT_PAYLOAD_BYTES];
    wal_snapshot_encode(payload, term);
    append(wal, WAL_SNAPSHOT, shard, index, bytes_of(payload, sizeof payload));
    return ++wal->appended_sequence;
}

uint64_t wal_append_forget(struct wal *wal, uint32_t shard, uint64_t index, uint64_t term) {
    uint8_t payload[WAL_SNAPSHOT_PAYLOAD_BYTES];
    wal_snapshot_encode(payload, term);
    append(wal, WAL_FORGET, shard, index, bytes_of(payload, sizeof payload));
    return ++wal->appended_sequence;
}

/* ---- a round ---- */

static size_t record_bytes_at(const uint8_t *record) {
    struct wal_header header;
    wal_record_peek(record, &header);
    return wal_record_bytes(header.payload_bytes);
}

/* Gives the record at `record` its place, and the ledger its news. */
static void seal(struct wal *wal, uint8_t *record, bool is_last_of_round) {
    struct wal_position *position = &wal->position;
    struct wal_header header;
    wal_record_peek(record, &header);
    header.segment = position->segment;
    header.record = ++position->record;
    header.round = position->round;
    header.is_last_of_round = is_last_of_round;
    wal_record_seal(record, &header, &position->chain);
    position->offset += wal_record_bytes(header.payload_bytes);
    if (header.kind == WAL_CHECKPOINT)
        return;
    CHECK(wal_ledger_apply(&wal->ledger, &header, wal_record_payload(record, &header)) == 0);
    if (header.kind == WAL_RELEASE)
        wal->sealed_release = header.index;
    else
        wal->sealed_sequence++;
}

/* The ledger as of the segment before, which is durable by now. */
static void build_checkpoint(struct wal *wal) {
    struct buffer payload;
    buffer_init(&payload, WAL_PAYLOAD_MAXIMUM_BYTES);
    wal_ledger_encode_checkpoint(&wal->ledger, wal->position.chain, &payload);
    buffer_truncate(&wal->checkpoint, 0);
    wal_record_append(&wal->checkpoint, WAL_CHECKPOINT, 0, 0, buffer_bytes(&payload));
    buffer_release(&payload);
}

/* Decides which segment the round goes to: a record that does not fit any more opens the next one.
 */
static void plan_segment(struct wal *wal, size_t first_bytes) {
    struct wal_round *round = &wal->round;
    struct wal_position *position = &wal->position;
    uint64_t capacity = round->file_bytes;
    round->next_segment = 0;
    buffer_truncate(&wal->checkpoint, 0);
    if (position->offset > 0 && position->offset + first_bytes > capacity) {
        if (!wal->is_spare_running && wal->spare.file) {
            round->next_file = wal->spare.file;
            wal->spare.file = NULL;
            capacity = wal->spare.bytes;
        } else {
            capacity = smaller(wal->options.segment_bytes, hasty_segment_bytes);
        }
        round->next_segment = position->segment + 1;
        round->next_bytes = capacity;
        position->offset = 0;
    }
    if (position->offset == 0)
        build_checkpoint(wal);
    round->needed_bytes = position->offset + wal->checkpoint.length + first_bytes;
}

/* How many bytes of whole records the round takes: at least the first, then what fits. */
static size_t choose_bytes(const struct wal *wal, const uint8_t *records, size_t available) {
    const struct wal_round *round = &wal->round;
    uint64_t capacity = round->next_segment ? round->next_bytes : round->file_bytes;
    if (capacity < round->needed_bytes)
        capacity = round->needed_bytes;
    size_t first = record_bytes_at(records);
    size_t room = (size_t)(capacity - (round->needed_bytes - first));
    size_t limit = room < round_maximum_bytes ? room : round_maximum_bytes;
    size_t chosen = first;
    while (chosen < available && chosen + record_bytes_at(records + chosen) <= limit)
        chosen += record_bytes_at(records + chosen);
    return chosen;
}

static void seal_round(struct wal *wal, uint8_t *records, size_t bytes) {
    struct wal_round *round = &wal->round;
    struct wal_position *position = &wal->position;
    position->round++;
    if (round->next_segment) {
        position->segment = round->next_segment;
        wal_ledger_begin_segment(&wal->ledger, position->segment);
    }
    round->offset = position->offset;
    if (wal->checkpoint.length) {
        position->chain = 0;
        seal(wal, buffer_data(&wal->checkpoint), false);
    }
    for (size_t at = 0; at < bytes;) {
        size_t next = at + record_bytes_at(records + at);
        seal(wal, records + at, next == bytes);
        at = next;
    }
    round->checkpoint = buffer_bytes(&wal->checkpoint);
    round->records = bytes_of(records, bytes);
}

/* The batch that rounds take from; turns to the gathered one when it is used up. NULL: there is
 * nothing to write. */
static struct buffer *batch_to_write(struct wal *wal) {
    struct buffer *batch = &wal->batches[!wal->gathering];
    if (wal->written_bytes < batch->length)
        return batch;
    buffer_truncate(batch, 0);
    if (batch->capacity > batch_kept_bytes)
        buffer_clear(batch);
    wal->written_bytes = 0;
    wal->is_flush_wanted = false;
    if (wal->batches[wal->gathering].length == 0)
        return NULL;
    wal->gathering = !wal->gathering;
    return &wal->batches[!wal->gathering];
}

static uint64_t now_us(const struct wal *wal) {
    struct clock *clock = wal->options.clock;
    return clock ? clock->monotonic_us(clock) : 0;
}

static void start_round(struct wal *wal) {
    CHECK(!wal->is_round_running);
    struct buffer *batch = batch_to_write(wal);
    if (batch == NULL)
        return;
    uint8_t *records = buffer_data(batch) + wal->written_bytes;
    plan_segment(wal, record_bytes_at(records));
    size_t bytes = choose_bytes(wal, records, batch->length - wal->written_bytes);
    seal_round(wal, records, bytes);
    wal->written_bytes += bytes;
    wal->round_bytes = bytes + wal->checkpoint.length;
    wal->is_round_running = true;
    wal->round.what = "handing a round to the disk";
    wal->round_begun_us = now_us(wal);
    wal->options.disk->ops->submit(wal->options.disk, &wal->round.job);
}

void wal_flush(struct wal *wal) {
    if (wal->has_failed)
        return;
    if (wal->is_round_running)
        wal->is_flush_wanted = true;
    else
        start_round(wal);
}

/* A segment is made ahead of need once the current one is half full. */
static void start_spare(struct wal *wal) {
    bool is_needed = wal->position.offset > wal->round.file_bytes / 2;
    if (!is_needed || wal->is_spare_running || wal->spare.file)
        return;
    wal->is_spare_running = true;
    wal->options.disk->ops->submit(wal->options.disk, &wal->spare.job);
}

/* Only once the log says durably that they are needless. */
static void start_removal(struct wal *wal, uint64_t durable_release) {
    if (wal->is_removal_running || durable_release <= wal->removed_below)
        return;
    wal->removal.from = wal->removed_below;
    wal->removal.end = durable_release;
    wal->is_removal_running = true;
    wal->options.disk->ops->submit(wal->options.disk, &wal->removal.job);
}

static void round_done(struct disk_job *job, int status) {
    struct wal_round *round = (struct wal_round *)(void *)job;
    struct wal *wal = round->owner;
    wal->is_round_running = false;
    if (status) {
        fail(wal, status, round->what);
        return;
    }
    if (wal->has_failed)
        return;
    bool has_news = wal->sealed_sequence > wal->durable_sequence;
    wal->durable_sequence = wal->sealed_sequence;
    wal->statistics.rounds++;
    wal->statistics.bytes_written += wal->round_bytes;
    wal->statistics.last_round_us = now_us(wal) - wal->round_begun_us;
    disk_score_note(&wal->score, wal->statistics.last_round_us, wal->options.slow_disk_us);
    uint64_t durable_sequence = wal->durable_sequence;
    start_spare(wal);
    start_removal(wal, wal->sealed_release);
    bool has_rest = wal->written_bytes < wal->batches[!wal->gathering].length;
    if (has_rest || wal->is_flush_wanted)
        start_round(wal);
    if (has_news)
        wal->options.on_durable(wal->options.context, durable_sequence);
}

static void spare_done(struct disk_job *job, int status) {
    struct wal *wal = ((struct wal_spare *)(void *)job)->owner;
    wal->is_spare_running = false;
    if (status)
        fail(wal, status, "preallocating the next segment of the log");
}

static void removal_done(struct disk_job *job, int status) {
    struct wal *wal = ((struct wal_removal *)(void *)job)->owner;
    wal->is_removal_running = false;
    wal->removed_below = wal->removal.end;
    if (status)
        fail(wal, status, "removing a segment of the log");
}

/* ---- releasing, looking in ---- */

void wal_release(struct wal *wal, uint32_t shard, uint64_t index) {
    wal_ledger_release_entries(&wal->ledger, shard, index);
    uint64_t needed_from = wal_ledger_needed_from(&wal->ledger);
    if (needed_from <= wal->appended_release)
        return;
    wal->appended_release = needed_from;
    append(wal, WAL_RELEASE, 0, needed_from, BYTES_NONE);
    wal_flush(wal);
}

bool wal_oldest_holder(const struct wal *wal, unsigned segments, uint32_t *shard) {
    uint64_t needed_from = wal_ledger_needed_from(&wal->ledger);
    if (wal->position.segment - needed_from + 1 <= segments)
        return false;
    return wal_ledger_holder(&wal->ledger, needed_from, shard);
}

bool wal_is_idle(const struct wal *wal) {
    bool has_rest = wal->written_bytes < wal->batches[!wal->gathering].length;
    return !wal->is_round_running && !wal->is_spare_running && !wal->is_removal_running &&
           !has_rest && wal->batches[wal->gathering].length == 0;
}

void wal_statistics(const struct wal *wal, struct wal_statistics *out) {
    *out = wal->statistics;
    size_t rest = wal->batches[!wal->gathering].length - wal->written_bytes;
    out->segments = wal->ledger.segment_count;
    out->bytes_pending =
        wal->batches[wal->gathering].length + rest + (wal->is_round_running ? wal->round_bytes : 0);
}

static uint64_t waiting_us(const struct wal *wal) {
    return wal->is_round_running ? now_us(wal) - wal->round_begun_us : 0;
}

uint64_t wal_sync_us(const struct wal *wal) { return disk_score_us(&wal->score, waiting_us(wal)); }

bool wal_is_slow(const struct wal *wal) {
    return disk_score_is_slow(&wal->score, waiting_us(wal), wal->options.slow_disk_us);
}
