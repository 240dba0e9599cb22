/* One bit of a directory that is another than it was, or a byte that cannot be read, though it was
 * durable once. */
#pragma once
#include "sim/world/disk_names.h"

struct disk_rot {             /* zeroed: nothing is damaged */
    struct disk_image *image; /* kept; NULL: nothing is */
    uint64_t offset;
    uint8_t mask;
    uint8_t byte; /* what it became */
    bool is_unreadable;
    unsigned failing_reads; /* before it can be read again; UINT_MAX: for ever */
};

/* Damages one bit of synced data in a file whose name begins so (NULL: of any that is at rest); of
 * a log, with later synced rounds behind it. Returns the file's name, borrowed; NULL when there is
 * nothing to damage, or something is damaged already. */
const char *disk_rot_begin(struct disk_rot *rot, const struct disk_names *names,
                           const char *name_prefix, struct random *random);
/* The byte is as it was again, and cannot be read: this many times, or for good (UINT_MAX). */
void disk_rot_make_unreadable(struct disk_rot *rot, unsigned failing_reads);
/* Does reading this fail? That counts as one of the times. */
bool disk_rot_fails_read(struct disk_rot *rot, const struct disk_image *image, uint64_t offset,
                         size_t length);
/* What is written can be read. */
void disk_rot_note_write(struct disk_rot *rot, const struct disk_image *image, uint64_t offset,
                         size_t length);
/* False once the file is gone, is of no use any more, or was written again there. */
bool disk_rot_is_there(const struct disk_rot *rot, const struct disk_names *names);
void disk_rot_mend(struct disk_rot *rot);
void disk_rot_forget(struct disk_rot *rot);
