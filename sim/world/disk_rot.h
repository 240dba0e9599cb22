/* One bit of a directory that is another than it was, though it was durable once. */
#pragma once
#include "sim/world/disk_names.h"

struct disk_rot {             /* zeroed: nothing is damaged */
    struct disk_image *image; /* kept; NULL: nothing is */
    uint64_t offset;
    uint8_t mask;
    uint8_t byte; /* what it became */
};

/* Damages one bit of synced data in a file whose name begins so (NULL: of any that is at rest); of
 * a log, with later synced rounds behind it. Returns the file's name, borrowed; NULL when there is
 * nothing to damage, or something is damaged already. */
const char *disk_rot_begin(struct disk_rot *rot, const struct disk_names *names,
                           const char *name_prefix, struct random *random);
/* False once the file is gone, is of no use any more, or was written again there. */
bool disk_rot_is_there(const struct disk_rot *rot, const struct disk_names *names);
void disk_rot_mend(struct disk_rot *rot);
void disk_rot_forget(struct disk_rot *rot);
