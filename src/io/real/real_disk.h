/* A directory of the machine's file system as a struct disk, with one thread a lane.
 *
 *     loop's thread                      lane's thread
 *     submit --> lane's queue ---------> run, in order
 *     done   <-- wake <----------------- queue of finished jobs
 *
 * The directory is locked while it is open: two servers cannot share one. */
#pragma once
#include "io/disk.h"
#include <uv.h>

struct disk_real_problem {
    char text[512]; /* one sentence: what is wrong, where, what to do */
};

/* Makes the directory, and those above it, if they are missing. Borrows the loop; with NULL only
 * the synchronous calls work. Returns owned in *out. ERR_BUSY when another process has the
 * directory; ERR_IO... with *problem filled. */
int disk_real_open(const char *path, uv_loop_t *loop, struct disk **out,
                   struct disk_real_problem *problem) MUST_CHECK;
/* To look at only, without a loop: makes nothing, and shares its lock with others that only look.
 * ERR_NOT_FOUND if there is no such directory; else as above. */
int disk_real_open_to_read(const char *path, struct disk **out,
                           struct disk_real_problem *problem) MUST_CHECK;
/* Every sync takes so much longer from now on: a slow disk, for drills. 0: as the disk is. */
void disk_real_delay_syncs(struct disk *disk, uint64_t delay_us);
/* Reports the jobs that ran within submit: the owner asks at the end of its turn. False: none did.
 */
bool disk_real_deliver(struct disk *disk);
/* On the loop's thread. Jobs submitted are run to their end; the done calls still outstanding are
 * made before this returns. The loop must turn once more before it is closed, to let go of its
 * handle; then the memory is freed. */
void disk_real_close(struct disk *disk);
