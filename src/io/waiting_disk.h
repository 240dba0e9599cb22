/* A disk over another one, whose jobs run when its owner waits for them: for tools that have no
 * event loop. */
#pragma once
#include "io/disk.h"

struct waiting_disk {
    struct disk disk;
    struct disk_ops ops;
    struct disk *under; /* borrowed */
    struct disk_job *first, **end;
};

/* The struct stays where it is while it is used. */
void waiting_disk_init(struct waiting_disk *waiting, struct disk *under);
/* Runs what was submitted, and what that submits, to the end. */
void waiting_disk_wait(struct waiting_disk *waiting);
