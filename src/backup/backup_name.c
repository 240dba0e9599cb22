#include "backup/backup_name.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text/hex.h"

enum { BELOW_SHARD_BYTES = 200 };

/* ---- writing ---- */

void backup_catalogue_name(const uint8_t cluster_id[BACKUP_CLUSTER_BYTES],
                           char out[BLOB_NAME_MAXIMUM]) {
    char hex[HEX_TEXT_BYTES(BACKUP_CLUSTER_BYTES)];
    hex_write(cluster_id, BACKUP_CLUSTER_BYTES, hex);
    snprintf(out, BLOB_NAME_MAXIMUM, "%s/cluster.json", hex);
}

void backup_shard_prefix(const struct backup_place *place, char out[BLOB_NAME_MAXIMUM]) {
    char hex[HEX_TEXT_BYTES(BACKUP_CLUSTER_BYTES)];
    hex_write(place->cluster_id, BACKUP_CLUSTER_BYTES, hex);
    if (place->recovery == 0)
        snprintf(out, BLOB_NAME_MAXIMUM, "%s/shard-%05" PRIu32 "/", hex, place->shard);
    else
        snprintf(out, BLOB_NAME_MAXIMUM, "%s/shard-%05" PRIu32 ".%" PRIu32 "/", hex, place->shard,
                 place->recovery);
}

void backup_chunk_prefix(const struct backup_place *place, char out[BLOB_NAME_MAXIMUM]) {
    backup_shard_prefix(place, out);
    strcat(out, "chunk/");
}

void backup_snapshot_prefix(const struct backup_place *place, char out[BLOB_NAME_MAXIMUM]) {
    backup_shard_prefix(place, out);
    strcat(out, "snapshot/");
}

static char *below_shard(const struct backup_place *place, char out[BLOB_NAME_MAXIMUM]) {
    backup_shard_prefix(place, out);
    return out + strlen(out);
}

void backup_log_name(const struct backup_place *place, const struct backup_log *log,
                     char out[BLOB_NAME_MAXIMUM]) {
    snprintf(below_shard(place, out), BELOW_SHARD_BYTES,
             "log/%020" PRIu64 "-%020" PRIu64 "-%" PRIu64 "-%" PRIu64, log->first_index,
             log->last_index, log->first_stamp_ms, log->last_stamp_ms);
}

void backup_snapshot_name(const struct backup_place *place, const struct backup_snapshot *snapshot,
                          char out[BLOB_NAME_MAXIMUM]) {
    snprintf(below_shard(place, out), BELOW_SHARD_BYTES, "snapshot/%020" PRIu64 "-%" PRIu64,
             snapshot->index, snapshot->stamp_ms);
}

void backup_chunk_name(const struct backup_place *place, const struct snapshot_chunk *chunk,
                       unsigned piece, char out[BLOB_NAME_MAXIMUM]) {
    snprintf(below_shard(place, out), BELOW_SHARD_BYTES,
             "chunk/%016" PRIx64 "%016" PRIx64 "-%016" PRIx64 ".%u", chunk->raw_checksum.high,
             chunk->raw_checksum.low, chunk->stored_checksum, piece);
}

/* ---- reading ---- */

static bool parse_below_shard(const char *below, struct backup_name *out) {
    struct backup_log *log = &out->log;
    struct backup_snapshot *snapshot = &out->snapshot;
    if (sscanf(below, "log/%" SCNu64 "-%" SCNu64 "-%" SCNu64 "-%" SCNu64, &log->first_index,
               &log->last_index, &log->first_stamp_ms, &log->last_stamp_ms) == 4) {
        out->kind = BACKUP_NAME_LOG;
        return log->first_index > 0 && log->first_index <= log->last_index;
    }
    if (sscanf(below, "snapshot/%" SCNu64 "-%" SCNu64, &snapshot->index, &snapshot->stamp_ms) ==
        2) {
        out->kind = BACKUP_NAME_SNAPSHOT;
        return snapshot->index > 0;
    }
    out->kind = BACKUP_NAME_CHUNK;
    struct snapshot_chunk *chunk = &out->chunk;
    return sscanf(below, "chunk/%16" SCNx64 "%16" SCNx64 "-%16" SCNx64 ".%u",
                  &chunk->raw_checksum.high, &chunk->raw_checksum.low, &chunk->stored_checksum,
                  &out->piece) == 4;
}

/* "shard-00003/" or "shard-00003.1/". Returns its length; 0: it is something else. */
static int parse_shard(const char *below, struct backup_place *place) {
    int end = 0;
    if (sscanf(below, "shard-%5" SCNu32 "/%n", &place->shard, &end) == 1 && end > 0)
        return end;
    if (sscanf(below, "shard-%5" SCNu32 ".%" SCNu32 "/%n", &place->shard, &place->recovery, &end) ==
        2)
        return end;
    return 0;
}

/* Only the one way in which a name is written is taken. */
static bool is_canonical(const char *name, const struct backup_name *parsed) {
    char canonical[BLOB_NAME_MAXIMUM];
    switch (parsed->kind) {
    case BACKUP_NAME_CATALOGUE:
        backup_catalogue_name(parsed->place.cluster_id, canonical);
        break;
    case BACKUP_NAME_LOG:
        backup_log_name(&parsed->place, &parsed->log, canonical);
        break;
    case BACKUP_NAME_SNAPSHOT:
        backup_snapshot_name(&parsed->place, &parsed->snapshot, canonical);
        break;
    case BACKUP_NAME_CHUNK:
        backup_chunk_name(&parsed->place, &parsed->chunk, parsed->piece, canonical);
        break;
    }
    return strcmp(name, canonical) == 0;
}

bool backup_name_parse(const char *name, struct backup_name *out) {
    *out = (struct backup_name){.kind = BACKUP_NAME_CATALOGUE};
    struct bytes id = bytes_of(name, strcspn(name, "/"));
    if (!hex_read(id, BACKUP_CLUSTER_BYTES, out->place.cluster_id) || name[id.length] != '/')
        return false;
    const char *below = name + id.length + 1;
    int end = parse_shard(below, &out->place);
    if (end > 0 && !parse_below_shard(below + end, out))
        return false;
    return is_canonical(name, out);
}
