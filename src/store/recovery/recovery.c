#include "store/recovery/recovery.h"
#include "base/memory.h"
#include <inttypes.h>
#include <stdio.h>

int wal_recovery_failed(struct wal_recovery *recovery, int status, const char *what,
                        const char *name) {
    snprintf(recovery->problem->text, sizeof recovery->problem->text,
             "cannot %s %s: %s; check the disk and the rights on the directory, then start again",
             what, name, error_text(status));
    return status;
}

int wal_recovery_damaged(struct wal_recovery *recovery, uint64_t segment, uint64_t offset,
                         uint64_t round, const char *what) {
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(segment, name);
    snprintf(recovery->problem->text, sizeof recovery->problem->text,
             "the log is damaged in %s at byte %" PRIu64 " (round %" PRIu64
             "): %s; this was durable once, so it is not cut: keep the directory for study and "
             "replace the node by a new one if its peers hold the data; trothdb check says what is "
             "readable",
             name, offset, round, what);
    return ERR_DAMAGED;
}

int wal_recovery_of_other_release(struct wal_recovery *recovery, uint64_t segment,
                                  uint64_t offset) {
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(segment, name);
    snprintf(recovery->problem->text, sizeof recovery->problem->text,
             "%s at byte %" PRIu64
             " was written by another release than this one; start that release instead",
             name, offset);
    return ERR_VERSION;
}

int wal_recovery_load(struct wal_recovery *recovery) {
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(recovery->segments[recovery->at], name);
    memory_free(recovery->data);
    recovery->data = NULL;
    int status = disk_read_all(recovery->disk, name, WAL_SEGMENT_MAXIMUM_BYTES, &recovery->data,
                               &recovery->length);
    if (status)
        wal_recovery_failed(recovery, status, "read", name);
    /* What the disk cannot give back is as lost as what it gives back wrong. */
    return status == ERR_IO ? ERR_DAMAGED : status;
}

struct bytes wal_recovery_bytes_from(const struct wal_recovery *recovery, size_t offset) {
    if (offset >= recovery->length)
        return BYTES_NONE;
    return bytes_of(recovery->data + offset, recovery->length - offset);
}

bool wal_recovery_is_of_this_life(const struct wal_recovery *recovery,
                                  const struct wal_header *header) {
    const struct wal_position *position = recovery->position;
    return header->segment == position->segment &&
           (!recovery->is_life_known || header->life == position->life);
}

void wal_recovery_advance(struct wal_recovery *recovery, const struct wal_header *header) {
    struct wal_position *position = recovery->position;
    position->offset += wal_record_bytes(header->payload_bytes);
    position->record = header->record;
    position->round = header->round;
    position->chain = header->record_crc32c;
    recovery->is_round_open = !header->is_last_of_round;
}
