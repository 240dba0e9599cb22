/* A directory of the machine's file system as a struct disk, with one thread a lane.
 *
 *     loop's thread                      lane's thread
 *     submit --> lane's queue ---------> run, in order
 *     done   <-- wake <----------------- queue of finished jobs
 *     submit --> io_uring (ring.h) ----> a job that is a plain write, if nothing is before it
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
/* From now on files are opened so that durable writes go past the page cache (direct_file.h), and a
 * job that is such a write goes to the kernel without a thread. On the loop's thread, before any
 * file is open. ERR_IO...: it stays as it is, and *problem says why. */
int disk_real_start_ring(struct disk *disk, struct disk_real_problem *problem) MUST_CHECK;
/* Every sync takes so much longer from now on: a slow disk, for drills. 0: as the disk is. */
void disk_real_delay_syncs(struct disk *disk, uint64_t delay_us);
/* Reports all that is finished, as the wake does: for an owner whose turn was long, and who is
 * about to ask how the disk does. */
void disk_real_look(struct disk *disk);
/* Reports what is finished and needs no wake: the owner asks at the end of its turn. False: nothing
 * is. */
bool disk_real_deliver(struct disk *disk);
/* On the loop's thread. Jobs submitted are run to their end; the done calls still outstanding are
 * made before this returns. The loop must turn once more before it is closed, to let go of its
 * handle; then the memory is freed. */
void disk_real_close(struct disk *disk);
