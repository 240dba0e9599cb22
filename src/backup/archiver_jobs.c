#include "backup/archiver_internal.h"
#include "base/check.h"
#include "base/containers/table.h"
#include "base/memory.h"
#include "base/planted.h"
#include "store/snapshot/names.h"
#include <stdio.h>

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

/* Each piece: a removal that broke off may have left any of them. */
static bool is_known(struct snapshot_job *job, const struct snapshot_chunk *chunk) {
    char name[BLOB_NAME_MAXIMUM];
    for (unsigned piece = 0; piece < piece_count(chunk); piece++) {
        backup_chunk_name(&job->base.place, chunk, piece, name);
        if (!table_get(job->known, bytes_of_text(name)))
            return false;
    }
    return true;
}

static int fail_to_load(struct snapshot_job *job, const struct snapshot_chunk *chunk, int error) {
    char name[DISK_NAME_MAXIMUM];
    snapshot_chunk_name(job->base.place.shard, chunk, name);
    job->has_lost = !disk_error_is_of_process(error);
    job->lost = *chunk;
    snprintf(job->base.problem.text, sizeof job->base.problem.text,
             "this node's own %s cannot be read: %s%s", name, error_text(error),
             job->has_lost ? "; another snapshot is taken in its place" : "");
    return error;
}

static int put_chunk(struct snapshot_job *job, const struct snapshot_chunk *chunk) {
    struct buffer image;
    int error = snapshot_chunk_load(job->disk, job->base.place.shard, chunk, &image);
    if (error)
        return fail_to_load(job, chunk, error);
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

/* A pass that found all chunks there is followed by the manifest, and one behind it ends the job:
 * who lists what is needed from then on finds the manifest. */
static int end_pass(struct snapshot_job *job) {
    int error = 0;
    job->is_finished = job->is_named && !job->has_put;
    if (!job->is_named && !job->has_put) {
        error = put_manifest(job);
        job->is_named = !error;
    }
    table_free(job->known);
    job->known = NULL;
    job->next_chunk = 0;
    job->has_put = false;
    return error;
}

int snapshot_run(struct blob_job *job) {
    struct snapshot_job *snapshot = (struct snapshot_job *)(void *)job;
    int error = snapshot->known ? 0 : list_known(snapshot);
    if (PLANTED(BACKUP_MANIFEST_FIRST) && !error && snapshot->next_chunk == 0)
        error = put_manifest(snapshot);
    unsigned put_chunks = 0;
    while (!error && snapshot->next_chunk < snapshot->manifest->chunk_count) {
        const struct snapshot_chunk *chunk = &snapshot->manifest->chunks[snapshot->next_chunk];
        if (!is_known(snapshot, chunk)) {
            if (put_chunks++ == ARCHIVER_CHUNKS_A_JOB)
                return 0;
            error = put_chunk(snapshot, chunk);
            snapshot->has_put = true;
        }
        snapshot->next_chunk += !error;
    }
    return error ? error : end_pass(snapshot);
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

static void note_chunks(struct removal_job *job, const struct snapshot_manifest *manifest,
                        struct table *names) {
    for (uint32_t at = 0; at < manifest->chunk_count; at++) {
        for (unsigned piece = 0; piece < piece_count(&manifest->chunks[at]); piece++) {
            char name[BLOB_NAME_MAXIMUM];
            backup_chunk_name(&job->base.place, &manifest->chunks[at], piece, name);
            table_put(names, bytes_of_text(name), job);
        }
    }
}

/* The names of all chunks that these snapshots are made of. One that is gone, as the removal before
 * broke off, or is no manifest any more, names none, if `is_lenient`. */
static int note_chunks_of(struct removal_job *job, const struct shard_backup *snapshots,
                          bool is_lenient, struct table *names) {
    for (size_t i = 0; i < snapshots->snapshot_count; i++) {
        struct snapshot_manifest *manifest;
        int error = get_manifest(job, &snapshots->snapshots[i], &manifest);
        if (error == ERR_IO || error == ERR_REFUSED || error == ERR_BUSY || (error && !is_lenient))
            return error;
        if (error)
            continue;
        note_chunks(job, manifest, names);
        snapshot_manifest_free(manifest);
    }
    return 0;
}

/* As of now, and not as the archiver knows: somebody else may have put one. */
static int note_needed(struct removal_job *job, struct table *needed) {
    struct blob_store *store = job->base.store;
    struct shard_backup kept;
    char prefix[BLOB_NAME_MAXIMUM];
    shard_backup_init(&kept, &job->base.place);
    backup_snapshot_prefix(&job->base.place, prefix);
    int error = store->ops->list(store, prefix, note, &kept, &job->base.problem);
    if (!error)
        error = note_chunks_of(job, &kept, false, needed);
    shard_backup_release(&kept);
    return error;
}

static int remove_one(struct removal_job *job, const char *name) {
    struct blob_store *store = job->base.store;
    int error = store->ops->remove(store, name, &job->base.problem);
    job->removed_count += !error;
    return error;
}

static int remove_key(struct removal_job *job, struct bytes key) {
    char name[BLOB_NAME_MAXIMUM];
    CHECK(key.length < sizeof name);
    memcpy(name, key.data, key.length);
    name[key.length] = '\0';
    return remove_one(job, name);
}

/* What there was, and who needed what of it. */
struct chunks_seen {
    uint64_t since_us;
    struct table *found, *needed;
};

static uint64_t now_us(const struct removal_job *job) {
    return job->base.clock->monotonic_us(job->base.clock);
}

static bool counts_still(const struct removal_job *job, const struct chunks_seen *seen) {
    return now_us(job) - seen->since_us < ARCHIVER_LOOK_US;
}

static void replace_strays(struct removal_job *job, struct table *strays) {
    if (job->strays)
        table_free(job->strays);
    job->strays = strays;
}

/* Of the chunks that nobody needs those go that only doomed snapshots named, or that were strays
 * the last time as well. The others are new strays: somebody else may be putting them just now, and
 * their manifest after them. `is_over`: not where what was seen is too old to go on by it. */
static int remove_unneeded(struct removal_job *job, const struct chunks_seen *seen,
                           const struct table *removable, bool *is_over) {
    struct table *strays = table_new();
    size_t position = 0;
    struct bytes key;
    void *value;
    int error = 0;
    while (!error && *is_over && table_walk(seen->found, &position, &key, &value)) {
        if (table_get(seen->needed, key))
            continue;
        bool may_go = table_get(removable, key) || (job->strays && table_get(job->strays, key));
        if (!may_go)
            table_put(strays, key, job);
        else if (counts_still(job, seen))
            error = remove_key(job, key);
        else
            *is_over = false;
    }
    if (*is_over)
        replace_strays(job, strays);
    else
        table_free(strays);
    return error;
}

/* What there is, and then who needs it: a chunk whose manifest comes in between is needed. */
static int look_at_chunks(struct removal_job *job, struct chunks_seen *seen) {
    struct blob_store *store = job->base.store;
    char prefix[BLOB_NAME_MAXIMUM];
    backup_chunk_prefix(&job->base.place, prefix);
    seen->since_us = now_us(job);
    int error = store->ops->list(store, prefix, note_chunk, seen->found, &job->base.problem);
    if (!error)
        error = note_needed(job, seen->needed);
    if (!error && !counts_still(job, seen)) {
        snprintf(job->base.problem.text, sizeof job->base.problem.text,
                 "the store, or this process, is so slow that what is needless cannot be told");
        error = ERR_BUSY;
    }
    return error;
}

/* Again and again until all that is needless has gone. */
static int remove_chunks(struct removal_job *job, const struct table *removable) {
    int error = 0;
    for (bool is_over = false; !is_over && !error;) {
        struct chunks_seen seen = {.found = table_new(), .needed = table_new()};
        is_over = true;
        error = look_at_chunks(job, &seen);
        if (!error)
            error = remove_unneeded(job, &seen, removable, &is_over);
        table_free(seen.needed);
        table_free(seen.found);
    }
    return error;
}

/* A manifest goes before its chunks: what has a manifest can be restored, at every moment. */
static int remove_named(struct removal_job *job) {
    char name[BLOB_NAME_MAXIMUM];
    int error = 0;
    for (size_t i = 0; i < job->doomed.snapshot_count && !error; i++) {
        backup_snapshot_name(&job->base.place, &job->doomed.snapshots[i], name);
        error = remove_one(job, name);
    }
    for (size_t i = 0; i < job->doomed.log_count && !error; i++) {
        backup_log_name(&job->base.place, &job->doomed.logs[i], name);
        error = remove_one(job, name);
    }
    return error;
}

/* Of this shard, and of what is put for all of them. */
static int sweep(struct removal_job *job) {
    struct blob_store *store = job->base.store;
    char prefix[BLOB_NAME_MAXIMUM];
    backup_shard_prefix(&job->base.place, prefix);
    int error = store->ops->sweep(store, prefix, &job->base.problem);
    backup_catalogue_name(job->base.place.cluster_id, prefix);
    return error ? error : store->ops->sweep(store, prefix, &job->base.problem);
}

int removal_run(struct blob_job *job) {
    struct removal_job *removal = (struct removal_job *)(void *)job;
    struct table *removable = table_new();
    int error = note_chunks_of(removal, &removal->doomed, true, removable);
    if (!error)
        error = remove_named(removal);
    if (!error && removal->doomed.snapshot_count > 0)
        error = remove_chunks(removal, removable);
    if (!error)
        error = sweep(removal);
    table_free(removable);
    return error;
}
