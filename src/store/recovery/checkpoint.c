#include "store/recovery/checkpoint.h"
#include "base/buffer.h"
#include "store/recovery/replay.h"

/* What the disk cannot read, or has not got, says nothing. Errors: it could not be looked at. */
static int read_more(const struct disk_ops *ops, struct disk_file *file, size_t bytes,
                     struct buffer *record, bool *is_read) {
    size_t got = 0;
    uint8_t *into = buffer_reserve(record, bytes);
    int status = ops->read(file, record->length, into, bytes, &got);
    *is_read = status == 0 && got == bytes;
    if (*is_read)
        buffer_grew(record, got);
    return disk_error_is_of_process(status) ? status : 0;
}

static int read_record(const struct disk_ops *ops, struct disk_file *file, uint64_t segment,
                       struct buffer *record, bool *is_read) {
    struct wal_header header;
    int status = read_more(ops, file, WAL_HEADER_BYTES, record, is_read);
    *is_read = *is_read && wal_header_decode(buffer_bytes(record), &header) == 0 &&
               header.kind == WAL_CHECKPOINT && header.segment == segment;
    if (!*is_read)
        return status;
    size_t rest = wal_record_bytes(header.payload_bytes) - WAL_HEADER_BYTES;
    status = read_more(ops, file, rest, record, is_read);
    *is_read = *is_read && wal_record_verify(buffer_bytes(record), &header, 0);
    return status;
}

static bool decode(struct buffer *record, struct wal_ledger *ledger) {
    struct wal_header header;
    return wal_header_decode(buffer_bytes(record), &header) == 0 &&
           wal_ledger_decode_checkpoint(ledger, wal_record_payload(buffer_data(record), &header)) ==
               0;
}

int wal_checkpoint_read(struct disk *disk, uint64_t segment, struct wal_ledger *ledger,
                        bool *is_read) {
    char name[DISK_NAME_MAXIMUM];
    struct disk_file *file;
    *is_read = false;
    wal_segment_name(segment, name);
    int status = disk->ops->open(disk, name, DISK_OPEN_READ, &file);
    if (status)
        return status == ERR_IO ? 0 : status;
    struct buffer record;
    buffer_init(&record, WAL_SEGMENT_MAXIMUM_BYTES);
    status = read_record(disk->ops, file, segment, &record, is_read);
    *is_read = *is_read && decode(&record, ledger);
    disk->ops->close(file);
    buffer_release(&record);
    return status;
}
