/* A small disk for one node of a drill, to be filled: a file system in memory, mounted on the
 * node's directory in a mount namespace of the drill's own, which nobody else sees and which ends
 * with the drill and its nodes. */
#pragma once
#include "base/error.h"
#include <limits.h>
#include <stdbool.h>

enum { DRILL_DISK_BYTES = 64 << 20, DRILL_DISK_PROBLEM_BYTES = 160 };

struct drill_disk {
    char directory[PATH_MAX]; /* "": there is none */
    char problem[DRILL_DISK_PROBLEM_BYTES];
};

/* Makes `directory` and mounts the disk there. To be called before any thread is begun and before
 * the node is started. ERR_REFUSED with `problem` where the system does not allow it. */
int drill_disk_mount(struct drill_disk *disk, const char *directory) MUST_CHECK;
/* Not a byte is left; there is space again. ERR_IO with `problem`. */
int drill_disk_fill(struct drill_disk *disk) MUST_CHECK;
int drill_disk_empty(struct drill_disk *disk) MUST_CHECK;
/* The directory is what it was before; who still has files open there keeps them. */
void drill_disk_release(struct drill_disk *disk);
