/* What lies in a store of blobs: a name is passed over or is the one name of what it tells; a piece
 * of an archived log is refused, or its entries are those that its head tells, in order.
 *
 * The first byte: bit 0, a piece of a log, else a name. Of a piece: bit 1, make the checksum right
 * first; bit 2, the input is what is packed: an index (1 byte), then entries, each a length (1
 * byte) and a payload, which are sealed and numbered on from there; bit 3, all of them twice; bit
 * 4, the head tells of one more. */
#include "backup/log_archive.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { CHECKSUM_BYTES = 8, NAME_BYTES = 2 * BLOB_NAME_MAXIMUM };

/* ---- names ---- */

static void read_name(struct bytes text) {
    char name[NAME_BYTES], again[BLOB_NAME_MAXIMUM];
    struct backup_name parsed;
    size_t length = text.length < NAME_BYTES - 1 ? text.length : NAME_BYTES - 1;
    memcpy(name, text.length ? (const char *)text.data : "", length);
    name[length] = '\0';
    if (!backup_name_parse(name, &parsed))
        return;
    CHECK(blob_name_is_valid(name));
    switch (parsed.kind) {
    case BACKUP_NAME_CATALOGUE:
        backup_catalogue_name(parsed.place.cluster_id, again);
        break;
    case BACKUP_NAME_LOG:
        backup_log_name(&parsed.place, &parsed.log, again);
        break;
    case BACKUP_NAME_SNAPSHOT:
        backup_snapshot_name(&parsed.place, &parsed.snapshot, again);
        break;
    case BACKUP_NAME_CHUNK:
        backup_chunk_name(&parsed.place, &parsed.chunk, parsed.piece, again);
        break;
    }
    CHECK(strcmp(name, again) == 0);
}

/* ---- pieces of a log ---- */

struct heard {
    uint64_t first, last, count;
};

static int hear(void *context, const struct raft_entry *entry) {
    struct heard *heard = context;
    heard->first = heard->count ? heard->first : entry->index;
    CHECK(heard->count == 0 || entry->index == heard->last + 1);
    heard->last = entry->index;
    heard->count++;
    return 0;
}

static int read_archive(struct bytes blob) {
    struct log_archive archive;
    struct heard heard = {0};
    int code = log_archive_decode(blob, &archive, hear, &heard);
    if (code == 0)
        CHECK(heard.count > 0 && heard.count == archive.entry_count &&
              heard.first == archive.log.first_index && heard.last == archive.log.last_index);
    return code;
}

static void read_image(struct bytes given, bool is_corrected) {
    uint8_t *blob = memory_copy(given.data, given.length);
    if (is_corrected && given.length >= CHECKSUM_BYTES) {
        size_t covered = given.length - CHECKSUM_BYTES;
        uint64_t sum = checksum_xxh64(bytes_of(blob, covered), 0);
        for (unsigned i = 0; i < CHECKSUM_BYTES; i++)
            blob[covered + i] = (uint8_t)(sum >> (8 * i));
    }
    (void)read_archive(bytes_of(blob, given.length));
    memory_free(blob);
}

static uint64_t append_entries(struct cursor in, uint64_t index, struct buffer *out) {
    for (; cursor_left(&in) > 0; index++) {
        size_t length = cursor_u8(&in);
        length = length < cursor_left(&in) ? length : cursor_left(&in);
        struct bytes payload = cursor_bytes(&in, length);
        struct raft_entry *entry = raft_entry_new(length);
        if (length)
            memcpy(raft_entry_payload_room(entry), payload.data, length);
        raft_entry_seal(entry, 1, index, RAFT_ENTRY_COMMANDS);
        buffer_append_bytes(out, raft_entry_bytes(entry));
        raft_entry_drop(entry);
    }
    return index;
}

/* Entries that follow each other are read; where the second half begins again they do not. */
static void read_packed(struct bytes given, bool is_doubled, bool lacks_one) {
    struct buffer entries, blob;
    buffer_init(&entries, SIZE_MAX);
    buffer_init(&blob, SIZE_MAX);
    struct cursor in = cursor_of(given);
    uint64_t first = 1 + (uint64_t)cursor_u8(&in);
    uint64_t end = append_entries(in, first, &entries);
    if (is_doubled)
        (void)append_entries(in, first, &entries);
    struct log_archive archive = {.log = {.first_index = first, .last_index = end - 1 + lacks_one},
                                  .entry_count = (uint32_t)(end - first + lacks_one)};
    log_archive_encode(&archive, buffer_bytes(&entries), &blob);
    int code = read_archive(buffer_bytes(&blob));
    CHECK(code == (end == first || is_doubled || lacks_one ? ERR_MALFORMED : 0));
    buffer_release(&blob);
    buffer_release(&entries);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    if (length == 0)
        return 0;
    struct bytes rest = bytes_of(data + 1, length - 1);
    if ((data[0] & 1) == 0)
        read_name(rest);
    else if (data[0] & 4)
        read_packed(rest, data[0] & 8, data[0] & 16);
    else
        read_image(rest, data[0] & 2);
    return 0;
}
