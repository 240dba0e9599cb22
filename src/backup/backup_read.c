#include "backup/backup_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "backup/log_archive.h"
#include "base/containers/table.h"
#include "base/memory.h"

/* ---- what there is ---- */

static struct cluster_backup *cluster_of(struct backup_catalogue *catalogue,
                                         const struct backup_place *place) {
    for (size_t i = catalogue->cluster_count; i > 0; i--)
        if (memcmp(catalogue->clusters[i - 1].cluster_id, place->cluster_id,
                   BACKUP_CLUSTER_BYTES) == 0)
            return &catalogue->clusters[i - 1];
    if (catalogue->cluster_count == catalogue->cluster_capacity) {
        catalogue->cluster_capacity = catalogue->cluster_capacity * 2 + 4;
        catalogue->clusters = memory_resize(catalogue->clusters, catalogue->cluster_capacity *
                                                                     sizeof *catalogue->clusters);
    }
    struct cluster_backup *cluster = &catalogue->clusters[catalogue->cluster_count++];
    *cluster = (struct cluster_backup){0};
    memcpy(cluster->cluster_id, place->cluster_id, BACKUP_CLUSTER_BYTES);
    return cluster;
}

/* Names come sorted, so the shard is nearly always the last one. */
static struct shard_backup *shard_of(struct cluster_backup *cluster,
                                     const struct backup_place *place) {
    for (size_t i = cluster->shard_count; i > 0; i--)
        if (cluster->shards[i - 1].place.shard == place->shard &&
            cluster->shards[i - 1].place.recovery == place->recovery)
            return &cluster->shards[i - 1];
    if (cluster->shard_count == cluster->shard_capacity) {
        cluster->shard_capacity = cluster->shard_capacity * 2 + 16;
        cluster->shards =
            memory_resize(cluster->shards, cluster->shard_capacity * sizeof *cluster->shards);
    }
    struct shard_backup *shard = &cluster->shards[cluster->shard_count++];
    shard_backup_init(shard, place);
    return shard;
}

static int note(void *context, const char *name, uint64_t bytes) {
    struct backup_name parsed;
    if (!backup_name_parse(name, &parsed))
        return 0;
    struct cluster_backup *cluster = cluster_of(context, &parsed.place);
    if (parsed.kind == BACKUP_NAME_CATALOGUE)
        return 0;
    struct shard_backup *shard = shard_of(cluster, &parsed.place);
    shard->blob_count++;
    shard->bytes += bytes;
    if (parsed.kind == BACKUP_NAME_LOG)
        shard_backup_add_log(shard, &parsed.log);
    else if (parsed.kind == BACKUP_NAME_SNAPSHOT)
        shard_backup_add_snapshot(shard, &parsed.snapshot);
    return 0;
}

static int compare_places(const void *a, const void *b) {
    const struct backup_place *one = &((const struct shard_backup *)a)->place;
    const struct backup_place *other = &((const struct shard_backup *)b)->place;
    if (one->shard != other->shard)
        return one->shard < other->shard ? -1 : 1;
    return one->recovery < other->recovery ? -1 : one->recovery > other->recovery;
}

int backup_catalogue_read(struct blob_store *store, struct backup_catalogue *catalogue,
                          struct blob_problem *problem) {
    *catalogue = (struct backup_catalogue){0};
    int error = store->ops->list(store, "", note, catalogue, problem);
    for (size_t i = 0; i < catalogue->cluster_count; i++) {
        struct cluster_backup *cluster = &catalogue->clusters[i];
        if (cluster->shard_count)
            qsort(cluster->shards, cluster->shard_count, sizeof *cluster->shards, compare_places);
        for (size_t at = 0; at < cluster->shard_count; at++) {
            uint64_t end_ms = shard_backup_end_ms(&cluster->shards[at]);
            cluster->newest_ms = end_ms > cluster->newest_ms ? end_ms : cluster->newest_ms;
        }
    }
    return error;
}

void backup_catalogue_release(struct backup_catalogue *catalogue) {
    for (size_t i = 0; i < catalogue->cluster_count; i++) {
        for (size_t at = 0; at < catalogue->clusters[i].shard_count; at++)
            shard_backup_release(&catalogue->clusters[i].shards[at]);
        memory_free(catalogue->clusters[i].shards);
    }
    memory_free(catalogue->clusters);
    *catalogue = (struct backup_catalogue){0};
}

/* Until the first snapshot of a recovered shard is there, what it has from before is more. */
const struct shard_backup *cluster_backup_shard_at(const struct cluster_backup *cluster,
                                                   uint32_t shard,
                                                   const struct replay_target *target) {
    const struct shard_backup *oldest = NULL;
    for (size_t i = cluster->shard_count; i > 0; i--) {
        const struct shard_backup *backup = &cluster->shards[i - 1];
        if (backup->place.shard != shard)
            continue;
        if (shard_backup_snapshot_at(backup, target->index, target->time_ms))
            return backup;
        oldest = backup;
    }
    return oldest;
}

const struct shard_backup *cluster_backup_shard(const struct cluster_backup *cluster,
                                                uint32_t shard) {
    return cluster_backup_shard_at(cluster, shard, &REPLAY_LATEST);
}

/* ---- one blob ---- */

static int get(struct backup_reader *reader, const char *name, struct buffer *blob) {
    size_t before = blob->length;
    int error = reader->store->ops->get(reader->store, name, blob, &reader->problem);
    if (!error && reader->progress)
        reader->progress(reader->context, blob->length - before);
    return error;
}

static int blame(struct backup_reader *reader, const char *name, int error) {
    snprintf(reader->problem.text, sizeof reader->problem.text,
             "%s: %s; restore to a time or an index before it, or put the blob back", name,
             error_text(error));
    return error;
}

/* Or does it say nothing of any blob? A store that does not answer, or refuses, may hold them all.
 */
static bool is_of_blob(int error) {
    return error == ERR_NOT_FOUND || error == ERR_DAMAGED || error == ERR_MALFORMED ||
           error == ERR_VERSION || error == ERR_LIMIT || error == ERR_UNREADABLE;
}

static void pass_over(struct backup_reader *reader, const struct shard_backup *shard,
                      const char *name, int error) {
    struct backup_passed passed = {
        .shard = shard->place.shard, .name = name, .what = error_text(error)};
    if (reader->passed)
        reader->passed(reader->context, &passed);
}

/* ---- a snapshot ---- */

static int get_manifest(struct backup_reader *reader, const struct shard_backup *shard,
                        const struct backup_snapshot *snapshot,
                        struct snapshot_manifest **manifest) {
    char name[BLOB_NAME_MAXIMUM];
    struct buffer blob;
    buffer_init(&blob, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
    backup_snapshot_name(&shard->place, snapshot, name);
    int error = get(reader, name, &blob);
    if (!error) {
        error = snapshot_manifest_decode(buffer_bytes(&blob), manifest);
        if (!error && ((*manifest)->meta.shard != shard->place.shard ||
                       (*manifest)->meta.index != snapshot->index)) {
            snapshot_manifest_free(*manifest);
            error = ERR_DAMAGED; /* another snapshot under this one's name */
        }
        error = error ? blame(reader, name, error) : 0;
    }
    buffer_release(&blob);
    return error;
}

/* What the chunk holds, verified. Returns owned in *raw, which is initialised by it. */
static int get_chunk(struct backup_reader *reader, const struct shard_backup *shard,
                     const struct snapshot_chunk *chunk, struct buffer *raw) {
    char name[BLOB_NAME_MAXIMUM];
    struct buffer image;
    uint64_t offset;
    int error = 0;
    buffer_init(raw, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    buffer_init(&image, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    for (unsigned piece = 0; image.length < chunk->stored_bytes && !error; piece++) {
        backup_chunk_name(&shard->place, chunk, piece, name);
        size_t before = image.length;
        error = get(reader, name, &image);
        if (!error && image.length == before)
            error = blame(reader, name, ERR_DAMAGED);
    }
    if (!error) {
        error =
            snapshot_chunk_unpack(shard->place.shard, chunk, buffer_bytes(&image), raw, &offset);
        error = error ? blame(reader, name, error) : 0;
    }
    buffer_release(&image);
    return error;
}

static int load_snapshot(struct backup_reader *reader, const struct shard_backup *shard,
                         const struct backup_snapshot *snapshot, struct replay *replay) {
    struct snapshot_manifest *manifest;
    char name[BLOB_NAME_MAXIMUM];
    int error = get_manifest(reader, shard, snapshot, &manifest);
    if (error)
        return error;
    backup_snapshot_name(&shard->place, snapshot, name);
    for (uint32_t i = 0; i < manifest->chunk_count && !error; i++) {
        struct buffer raw;
        error = get_chunk(reader, shard, &manifest->chunks[i], &raw);
        if (!error && replay->machine->ops->load(replay->machine, buffer_bytes(&raw)))
            error = blame(reader, name, ERR_MALFORMED);
        buffer_release(&raw);
    }
    if (!error && replay_stand_at(replay, &manifest->meta))
        error = blame(reader, name, ERR_MALFORMED);
    snapshot_manifest_free(manifest);
    return error;
}

static bool is_before(const struct backup_snapshot *snapshot, const struct replay_target *target) {
    return snapshot->index <= target->index && snapshot->stamp_ms <= target->time_ms;
}

/* Of those before the target the newest that can be used. Where there is none the log may have all
 * there ever was. *passed: what is wrong with the newest; empty: nothing is. */
static int load_a_snapshot(struct backup_reader *reader, const struct shard_backup *shard,
                           struct replay *replay, struct blob_problem *passed) {
    int newest = 0;
    passed->text[0] = 0;
    replay_begin_again(replay);
    for (size_t i = shard->snapshot_count; i > 0; i--) {
        const struct backup_snapshot *snapshot = &shard->snapshots[i - 1];
        if (!is_before(snapshot, &replay->target))
            continue;
        int error = load_snapshot(reader, shard, snapshot, replay);
        if (!is_of_blob(error))
            return error;
        char name[BLOB_NAME_MAXIMUM];
        backup_snapshot_name(&shard->place, snapshot, name);
        pass_over(reader, shard, name, error);
        if (newest == 0)
            *passed = reader->problem;
        newest = newest ? newest : error;
        replay_begin_again(replay);
    }
    return shard_backup_log_with(shard, 1) ? 0 : newest;
}

/* ---- the log ---- */

/* The entries of one blob. */
struct piece {
    struct log_archive archive; /* what it says of itself */
    const struct shard_backup *shard;
    const struct backup_log *log; /* what its name says */
    struct replay *replay;        /* NULL: it is only looked at */
    bool is_begun;                /* an entry was replayed, or half of one */
};

/* Or are they of another piece, under the name of this one? */
static bool is_as_named(const struct piece *piece) {
    const struct log_archive *archive = &piece->archive;
    return archive->place.shard == piece->shard->place.shard &&
           archive->log.first_index == piece->log->first_index &&
           archive->log.last_index == piece->log->last_index &&
           memcmp(archive->place.cluster_id, piece->shard->place.cluster_id,
                  BACKUP_CLUSTER_BYTES) == 0;
}

static int take_entry(void *context, const struct raft_entry *entry) {
    struct piece *piece = context;
    if (!is_as_named(piece))
        return ERR_DAMAGED;
    if (!piece->replay)
        return 0;
    piece->is_begun = true;
    return replay_entry(piece->replay, entry);
}

static int read_piece(struct backup_reader *reader, struct piece *piece) {
    char name[BLOB_NAME_MAXIMUM];
    struct buffer blob;
    buffer_init(&blob, BLOB_BYTES_MAXIMUM);
    backup_log_name(&piece->shard->place, piece->log, name);
    int error = get(reader, name, &blob);
    if (!error) {
        error = log_archive_decode(buffer_bytes(&blob), &piece->archive, take_entry, piece);
        error = error ? blame(reader, name, error) : 0;
    }
    buffer_release(&blob);
    return error;
}

static int complain_of_gap(struct backup_reader *reader, const struct shard_backup *shard,
                           const struct replay *replay) {
    char *text = reader->problem.text;
    const size_t room = sizeof reader->problem.text;
    uint32_t number = shard->place.shard;
    if (replay->index == 0) {
        snprintf(text, room,
                 "the backup of shard %" PRIu32 " does not go back that far; `trothdb backup list` "
                 "says how far it does",
                 number);
    } else {
        snprintf(text, room,
                 "shard %" PRIu32 ": what its log has behind index %" PRIu64
                 " is not in the backup; restore this shard with --to %" PRIu32 ":%" PRIu64
                 ", or all to another time",
                 number, replay->index, number, replay->index);
    }
    return ERR_NOT_FOUND;
}

/* The next entry is not archived. Was there one? What is archived behind it, log or snapshot, says
 * so, and then the target may want it: its own stamp is lost with it. */
static bool is_entry_missing(const struct shard_backup *shard, const struct replay *replay) {
    const struct backup_snapshot *newest = shard_backup_newest_snapshot(shard);
    for (size_t i = 0; i < shard->log_count; i++)
        if (shard->logs[i].first_index > replay->index)
            return true;
    bool has_nothing = !newest && shard->log_count == 0; /* but chunks, whose manifest is gone */
    return has_nothing || (newest && newest->index > replay->index);
}

/* Those that two leaders put hold the same entries, so any will do. What was begun with stands in
 * the machine, and then no other can take its place. */
static int replay_next(struct backup_reader *reader, const struct shard_backup *shard,
                       struct replay *replay) {
    struct blob_problem problem;
    const uint64_t index = replay->index + 1;
    int first = 0;
    for (size_t i = 0; i < shard->log_count && shard->logs[i].first_index <= index; i++) {
        if (shard->logs[i].last_index < index)
            continue;
        struct piece piece = {.shard = shard, .log = &shard->logs[i], .replay = replay};
        int error = read_piece(reader, &piece);
        if (!is_of_blob(error) || piece.is_begun)
            return error;
        char name[BLOB_NAME_MAXIMUM];
        backup_log_name(&shard->place, piece.log, name);
        pass_over(reader, shard, name, error);
        if (first == 0)
            problem = reader->problem;
        first = first ? first : error;
    }
    if (first)
        reader->problem = problem;
    return first;
}

static int replay_log(struct backup_reader *reader, const struct shard_backup *shard,
                      struct replay *replay) {
    int error = 0;
    while (!error && !replay->is_complete && replay->index < replay->target.index) {
        if (!shard_backup_log_with(shard, replay->index + 1))
            return is_entry_missing(shard, replay) ? complain_of_gap(reader, shard, replay) : 0;
        error = replay_next(reader, shard, replay);
    }
    return error;
}

/* Neither way leads to the target: both reasons count. */
static void put_before(struct blob_problem *problem, const struct blob_problem *passed) {
    struct blob_problem behind = *problem;
    const int half = (int)sizeof problem->text / 2 - 32;
    snprintf(problem->text, sizeof problem->text, "%.*s. What comes before it is no help: %.*s",
             half, passed->text, half, behind.text);
}

int backup_read_shard(struct backup_reader *reader, const struct shard_backup *shard,
                      struct replay *replay) {
    struct blob_problem passed;
    int error = load_a_snapshot(reader, shard, replay, &passed);
    if (is_of_blob(error)) {
        reader->problem = passed;
        return error;
    }
    if (!error)
        error = replay_log(reader, shard, replay);
    if (error && passed.text[0])
        put_before(&reader->problem, &passed);
    return error;
}

static bool is_followed(const struct cluster_backup *cluster, const struct shard_backup *shard) {
    for (size_t i = 0; i < cluster->shard_count; i++) {
        const struct shard_backup *other = &cluster->shards[i];
        if (other->place.shard == shard->place.shard &&
            other->place.recovery > shard->place.recovery && other->snapshot_count > 0)
            return true;
    }
    return false;
}

int backup_read_to_target(struct backup_reader *reader, const struct cluster_backup *cluster,
                          uint32_t number, struct replay *replay) {
    const struct shard_backup *shard = cluster_backup_shard_at(cluster, number, &replay->target);
    if (!shard) {
        snprintf(reader->problem.text, sizeof reader->problem.text,
                 "the backup has nothing of shard %" PRIu32, number);
        return ERR_NOT_FOUND;
    }
    int error = backup_read_shard(reader, shard, replay);
    bool is_at_end = !replay->is_complete && replay->index < replay->target.index;
    return !error && is_at_end && is_followed(cluster, shard)
               ? complain_of_gap(reader, shard, replay)
               : error;
}

/* ---- looking at all of it ---- */

struct looking {
    struct backup_reader *reader;
    const struct shard_backup *shard;
    struct table *seen; /* names of chunks that were looked at */
    void (*bad)(void *context, const char *name, const char *what);
    void *context;
};

/* What the store refuses altogether is no damage of one blob. */
static int judge(struct looking *looking, const char *name, int error) {
    if (!is_of_blob(error))
        return error;
    looking->bad(looking->context, name,
                 error == ERR_NOT_FOUND ? "it is missing" : error_text(error));
    return 0;
}

static int look_at_chunk(struct looking *looking, const struct snapshot_chunk *chunk) {
    char name[BLOB_NAME_MAXIMUM];
    struct buffer raw;
    backup_chunk_name(&looking->shard->place, chunk, 0, name);
    if (table_put(looking->seen, bytes_of_text(name), looking))
        return 0;
    int error = get_chunk(looking->reader, looking->shard, chunk, &raw);
    buffer_release(&raw);
    return judge(looking, name, error);
}

static int look_at_snapshot(struct looking *looking, const struct backup_snapshot *snapshot) {
    char name[BLOB_NAME_MAXIMUM];
    struct snapshot_manifest *manifest;
    backup_snapshot_name(&looking->shard->place, snapshot, name);
    int error = get_manifest(looking->reader, looking->shard, snapshot, &manifest);
    if (error)
        return judge(looking, name, error);
    for (uint32_t i = 0; i < manifest->chunk_count && !error; i++)
        error = look_at_chunk(looking, &manifest->chunks[i]);
    snapshot_manifest_free(manifest);
    return error;
}

/* Pieces behind a gap are of no use until a snapshot beyond them. */
static void look_for_gap(struct looking *looking) {
    const struct shard_backup *shard = looking->shard;
    uint64_t end = shard_backup_end(shard);
    for (size_t i = 0; i < shard->log_count; i++) {
        if (shard->logs[i].first_index <= end + 1)
            continue;
        char name[BLOB_NAME_MAXIMUM], what[128];
        backup_log_name(&shard->place, &shard->logs[i], name);
        snprintf(what, sizeof what, "what comes before it is missing: a restore ends at %llu",
                 (unsigned long long)end);
        looking->bad(looking->context, name, what);
        return;
    }
}

int backup_check_shard(struct backup_reader *reader, const struct shard_backup *shard,
                       void (*bad)(void *context, const char *name, const char *what),
                       void *context) {
    struct looking looking = {
        .reader = reader, .shard = shard, .seen = table_new(), .bad = bad, .context = context};
    int error = 0;
    for (size_t i = 0; i < shard->snapshot_count && !error; i++)
        error = look_at_snapshot(&looking, &shard->snapshots[i]);
    for (size_t i = 0; i < shard->log_count && !error; i++) {
        char name[BLOB_NAME_MAXIMUM];
        struct piece piece = {.shard = shard, .log = &shard->logs[i]};
        backup_log_name(&shard->place, piece.log, name);
        error = judge(&looking, name, read_piece(reader, &piece));
    }
    look_for_gap(&looking);
    table_free(looking.seen);
    return error;
}
