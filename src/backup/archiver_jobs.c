#include "backup/archiver_internal.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/table.h"

static int put(struct archiver_job *job, const char *name, struct bytes bytes) {
    int error = job->store->ops->put(job->store, name, bytes, &job->problem);
    if (!error) {
        job->put_bytes += bytes.length;
        job->put_count++;
    }
    return error;
}

/* ---- what is there ---- */

static int note(void *context, const char *name, uint64_t bytes) {
    struct shard_backup *found = context;
    struct backup_name parsed;
    if (!backup_name_parse(name, &parsed))
        return 0;
    found->blob_count++;
    found->bytes += bytes;
    if (parsed.kind == BACKUP_NAME_LOG)
        shard_backup_add_log(found, &parsed.log);
    else if (parsed.kind == BACKUP_NAME_SNAPSHOT)
        shard_backup_add_snapshot(found, &parsed.snapshot);
    return 0;
}

int listing_run(struct blob_job *job) {
    struct listing_job *listing = (struct listing_job *)(void *)job;
    char prefix[BLOB_NAME_MAXIMUM];
    backup_shard_prefix(&listing->base.place, prefix);
    struct blob_store *store = listing->base.store;
    return store->ops->list(store, prefix, note, &listing->found, &listing->base.problem);
}

/* ---- a piece of the log ---- */

int log_run(struct blob_job *job) {
    struct log_job *log = (struct log_job *)(void *)job;
    char name[BLOB_NAME_MAXIMUM];
    struct buffer blob;
    buffer_init(&blob, BLOB_BYTES_MAXIMUM);
    log_archive_encode(&log->archive, buffer_bytes(&log->entries), &blob);
    CHECK(!blob.is_overflowed);
    backup_log_name(&log->base.place, &log->archive.log, name);
    int error = put(&log->base, name, buffer_bytes(&blob));
    buffer_release(&blob);
    return error;
}

/* ---- a snapshot: its chunks, then its manifest ---- */

static int note_chunk(void *context, const char *name, uint64_t bytes) {
    (void)bytes;
    table_put(context, bytes_of_text(name), context);
    return 0;
}

static int list_known(struct snapshot_job *job) {
    char prefix[BLOB_NAME_MAXIMUM];
    job->known = table_new();
    backup_chunk_prefix(&job->base.place, prefix);
    struct blob_store *store = job->base.store;
    return store->ops->list(store, prefix, note_chunk, job->known, &job->base.problem);
}

static unsigned piece_count(const struct snapshot_chunk *chunk) {
    return (unsigned)((chunk->stored_bytes + BACKUP_CHUNK_PIECE_BYTES - 1) /
                      BACKUP_CHUNK_PIECE_BYTES);
}

/* The last piece is put last: with it all of them are there. */
static bool is_known(struct snapshot_job *job, const struct snapshot_chunk *chunk) {
    char name[BLOB_NAME_MAXIMUM];
    backup_chunk_name(&job->base.place, chunk, piece_count(chunk) - 1, name);
    return table_get(job->known, bytes_of_text(name)) != NULL;
}

static int put_chunk(struct snapshot_job *job, const struct snapshot_chunk *chunk) {
    struct buffer image;
    int error = snapshot_chunk_load(job->disk, job->base.place.shard, chunk, &image);
    if (error)
        return error;
    struct bytes left = buffer_bytes(&image);
    for (unsigned piece = 0; left.length && !error; piece++) {
        char name[BLOB_NAME_MAXIMUM];
        size_t length =
            left.length < BACKUP_CHUNK_PIECE_BYTES ? left.length : BACKUP_CHUNK_PIECE_BYTES;
        backup_chunk_name(&job->base.place, chunk, piece, name);
        error = put(&job->base, name, bytes_of(left.data, length));
        left = bytes_of(left.data + length, left.length - length);
    }
    buffer_release(&image);
    return error;
}

static int put_manifest(struct snapshot_job *job) {
    char name[BLOB_NAME_MAXIMUM];
    const struct backup_snapshot snapshot = {.index = job->manifest->meta.index,
                                             .stamp_ms = job->manifest->meta.stamp_ms};
    struct buffer blob;
    buffer_init(&blob, ARCHIVER_MANIFEST_BYTES);
    snapshot_manifest_encode(job->manifest, &blob);
    backup_snapshot_name(&job->base.place, &snapshot, name);
    int error = put(&job->base, name, buffer_bytes(&blob));
    buffer_release(&blob);
    return error;
}

int snapshot_run(struct blob_job *job) {
    struct snapshot_job *snapshot = (struct snapshot_job *)(void *)job;
    int error = snapshot->known ? 0 : list_known(snapshot);
    unsigned put_chunks = 0;
    while (!error && snapshot->next_chunk < snapshot->manifest->chunk_count) {
        const struct snapshot_chunk *chunk = &snapshot->manifest->chunks[snapshot->next_chunk];
        if (!is_known(snapshot, chunk)) {
            if (put_chunks++ == ARCHIVER_CHUNKS_A_JOB)
                return 0;
            error = put_chunk(snapshot, chunk);
        }
        snapshot->next_chunk += !error;
    }
    if (!error) {
        error = put_manifest(snapshot);
        snapshot->is_finished = !error;
    }
    return error;
}

void snapshot_job_release(struct snapshot_job *job) {
    snapshot_manifest_free(job->manifest);
    if (job->known)
        table_free(job->known);
    memory_free(job);
}

/* ---- what is too old ---- */

static int get_manifest(struct removal_job *job, const struct backup_snapshot *snapshot,
                        struct snapshot_manifest **manifest) {
    char name[BLOB_NAME_MAXIMUM];
    struct buffer blob;
    buffer_init(&blob, ARCHIVER_MANIFEST_BYTES);
    backup_snapshot_name(&job->base.place, snapshot, name);
    struct blob_store *store = job->base.store;
    int error = store->ops->get(store, name, &blob, &job->base.problem);
    if (!error)
        error = snapshot_manifest_decode(buffer_bytes(&blob), manifest);
    buffer_release(&blob);
    return error;
}

/* The names of all chunks that the snapshots which are kept are made of. */
static int note_needed(struct removal_job *job, struct table *needed) {
    for (size_t i = 0; i < job->kept.snapshot_count; i++) {
        struct snapshot_manifest *manifest;
        int error = get_manifest(job, &job->kept.snapshots[i], &manifest);
        if (error)
            return error;
        for (uint32_t at = 0; at < manifest->chunk_count; at++) {
            for (unsigned piece = 0; piece < piece_count(&manifest->chunks[at]); piece++) {
                char name[BLOB_NAME_MAXIMUM];
                backup_chunk_name(&job->base.place, &manifest->chunks[at], piece, name);
                table_put(needed, bytes_of_text(name), job);
            }
        }
        snapshot_manifest_free(manifest);
    }
    return 0;
}

static int remove_one(struct removal_job *job, const char *name) {
    struct blob_store *store = job->base.store;
    int error = store->ops->remove(store, name, &job->base.problem);
    job->removed_count += !error;
    return error;
}

struct sweep {
    struct removal_job *job;
    struct table *needed, *found;
};

static int note_unneeded(void *context, const char *name, uint64_t bytes) {
    struct sweep *sweep = context;
    (void)bytes;
    if (!table_get(sweep->needed, bytes_of_text(name)))
        table_put(sweep->found, bytes_of_text(name), sweep);
    return 0;
}

static int remove_chunks(struct removal_job *job) {
    struct sweep sweep = {.job = job, .needed = table_new(), .found = table_new()};
    struct blob_store *store = job->base.store;
    char prefix[BLOB_NAME_MAXIMUM], name[BLOB_NAME_MAXIMUM];
    backup_chunk_prefix(&job->base.place, prefix);
    int error = note_needed(job, sweep.needed);
    if (!error)
        error = store->ops->list(store, prefix, note_unneeded, &sweep, &job->base.problem);
    size_t position = 0;
    struct bytes key;
    void *value;
    while (!error && table_walk(sweep.found, &position, &key, &value)) {
        CHECK(key.length < sizeof name);
        memcpy(name, key.data, key.length);
        name[key.length] = '\0';
        error = remove_one(job, name);
    }
    table_free(sweep.needed);
    table_free(sweep.found);
    return error;
}

/* A manifest goes before its chunks: what has a manifest can be restored, at every moment. */
int removal_run(struct blob_job *job) {
    struct removal_job *removal = (struct removal_job *)(void *)job;
    char name[BLOB_NAME_MAXIMUM];
    int error = 0;
    for (size_t i = 0; i < removal->doomed.snapshot_count && !error; i++) {
        backup_snapshot_name(&removal->base.place, &removal->doomed.snapshots[i], name);
        error = remove_one(removal, name);
    }
    for (size_t i = 0; i < removal->doomed.log_count && !error; i++) {
        backup_log_name(&removal->base.place, &removal->doomed.logs[i], name);
        error = remove_one(removal, name);
    }
    return error || removal->doomed.snapshot_count == 0 ? error : remove_chunks(removal);
}
