#include "member/identity.h"

#include <stdio.h>

#include "base/checksum.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "base/text/hex.h"

/* docs/format/identity.md: "TRID", u8 version, 16 bytes UUID, u64 generation, u32 workers, u32
 * crc32c of all before. */
enum { IDENTITY_VERSION = 1, IDENTITY_BYTES = 37 };
#define IDENTITY_GENERATION_MAXIMUM ((UINT64_C(1) << 62) - 1) /* the highest that gossip tells of */
#define IDENTITY_FILE               "identity"
#define IDENTITY_MAGIC              "TRID"

static int identity_decode(struct bytes in, struct identity *identity) {
    if (in.length != IDENTITY_BYTES)
        return ERR_DAMAGED;
    struct cursor cursor = cursor_of(in);
    struct bytes magic = cursor_bytes(&cursor, 4);
    uint8_t version = cursor_u8(&cursor);
    struct bytes uuid = cursor_bytes(&cursor, NODE_UUID_BYTES);
    identity->generation = cursor_u64(&cursor);
    identity->worker_count = cursor_u32(&cursor);
    uint32_t crc = cursor_u32(&cursor);
    if (!bytes_equal(magic, bytes_of(IDENTITY_MAGIC, 4)) ||
        crc != checksum_crc32c(0, bytes_of(in.data, in.length - 4)))
        return ERR_DAMAGED;
    memcpy(identity->uuid, uuid.data, NODE_UUID_BYTES);
    return version == IDENTITY_VERSION ? 0 : ERR_VERSION;
}

static int identity_write(struct disk *disk, const struct identity *identity) {
    struct buffer out;
    buffer_init(&out, IDENTITY_BYTES);
    buffer_append(&out, IDENTITY_MAGIC, 4);
    buffer_append_u8(&out, IDENTITY_VERSION);
    buffer_append(&out, identity->uuid, NODE_UUID_BYTES);
    buffer_append_u64(&out, identity->generation);
    buffer_append_u32(&out, identity->worker_count);
    buffer_append_u32(&out, checksum_crc32c(0, buffer_bytes(&out)));
    int error = disk_write_all(disk, IDENTITY_FILE, buffer_bytes(&out));
    buffer_release(&out);
    return error;
}

int identity_read(struct disk *disk, struct identity *identity) {
    uint8_t *data;
    size_t length;
    int error = disk_read_all(disk, IDENTITY_FILE, 4096, &data, &length);
    if (error)
        return error;
    error = identity_decode(bytes_of(data, length), identity);
    memory_free(data);
    return error;
}

static void refuse_layout(const struct identity *identity, uint32_t worker_count,
                          struct buffer *problem) {
    if (identity->worker_count == IDENTITY_AGENT) {
        buffer_append_text(problem, "this directory is an agent's; give it to `trothdb agent`, or "
                                    "begin with an empty one");
    } else if (worker_count == IDENTITY_AGENT) {
        buffer_append_text(problem, "this directory is a node's, with its data; give the agent "
                                    "another one");
    } else {
        buffer_append_format(problem,
                             "this directory was made with --workers %u, not %u: start it with "
                             "--workers %u",
                             identity->worker_count, worker_count, identity->worker_count);
    }
}

/* What is there and may not be read is no reason to begin anew. */
static const char *advice_for(int error) {
    return disk_error_is_of_process(error)
               ? "check the rights on it, and the limits of the process, then start again"
               : "restore it from a copy, or begin with an empty directory";
}

int identity_open(struct disk *disk, const uint8_t fresh_uuid[NODE_UUID_BYTES],
                  uint32_t worker_count, struct identity *identity, struct buffer *problem) {
    int error = identity_read(disk, identity);
    if (!error && identity->generation >= IDENTITY_GENERATION_MAXIMUM)
        error = ERR_DAMAGED; /* nobody was started so often, and none may be higher */
    if (error == ERR_NOT_FOUND) {
        memset(identity, 0, sizeof *identity);
        memcpy(identity->uuid, fresh_uuid, NODE_UUID_BYTES);
        identity->worker_count = worker_count;
    } else if (error) {
        buffer_append_format(problem, "the file \"identity\" cannot be used: %s; %s",
                             error_text(error), advice_for(error));
        return error;
    }
    if (identity->worker_count != worker_count) {
        refuse_layout(identity, worker_count, problem);
        return ERR_INVALID;
    }
    identity->generation++;
    error = identity_write(disk, identity);
    if (error) {
        buffer_append_format(problem, "the file \"identity\" cannot be written: %s",
                             error_text(error));
    }
    return error;
}

int identity_start_above(struct disk *disk, const struct identity *identity,
                         uint64_t later_generation) {
    struct identity next = *identity;
    if (later_generation <= identity->generation)
        return 0;
    next.generation = later_generation;
    return identity_write(disk, &next);
}

void identity_node_id(const uint8_t uuid[NODE_UUID_BYTES], char out[NODE_ID_TEXT_BYTES]) {
    hex_write(uuid, NODE_UUID_BYTES, out);
    snprintf(out + 32, 9, "%08x", checksum_crc32c(0, bytes_of(uuid, NODE_UUID_BYTES)));
}
