/* A disk in memory that keeps what it is given and forgets nothing, so that only what its owner
 * does is measured. Jobs wait until memory_disk_run(). */
#pragma once
#include "io/disk.h"

struct memory_disk;
struct memory_disk *memory_disk_new(void); /* returns owned, and never fails */
struct disk *memory_disk_door(struct memory_disk *disk);
/* Runs all jobs that wait, and those that come of them. */
void memory_disk_run(struct memory_disk *disk);
