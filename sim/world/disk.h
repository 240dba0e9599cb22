/* A disk that keeps only what was synced. One struct sim_disk is one directory; all directories of
 * a node share its power.
 *
 *   names:   open(create), rename, remove --> [ seen names ] + a note
 *            sync_directory ----------------> [ safe names ]
 *   bytes:   disk_image.h
 *   jobs:    submit --> a lane's queue --> run() after some simulated time --> done() after more */
#pragma once
#include "io/disk.h"
#include "sim/world/disk_image.h"
#include "sim/world/event.h"
#include "sim/world/power.h"

struct sim_disk_options {
    struct sim_power *power;   /* borrows */
    struct event_queue *queue; /* borrows */
    /* Before and after the owner's done(): may it run now? (else it is asked again at *again_us);
     * it ran. */
    bool (*is_owner_ready)(void *context, uint64_t *again_us);
    void (*owner_ran)(void *context);
    void *context;
};

struct sim_disk;
struct sim_disk *sim_disk_new(const struct sim_disk_options *options);
void sim_disk_free(struct sim_disk *disk); /* no job may be left */
struct disk *sim_disk_door(struct sim_disk *disk);

/* Ends all jobs at once: those that did not run fail. With the power off, so that a node that died
 * can be freed. */
void sim_disk_finish_jobs(struct sim_disk *disk);
bool sim_disk_is_idle(const struct sim_disk *disk);
/* What is left for the next life. A process that dies leaves what it wrote, synced or not; a power
 * failure leaves what was synced and, by lot, some of the rest. No handle may be open. */
enum sim_death { SIM_DEATH_OF_PROCESS, SIM_DEATH_BY_POWER };
void sim_disk_end_life(struct sim_disk *disk, enum sim_death death);

/* Damages one bit of synced data in a file whose name begins so; of a log, with later synced rounds
 * behind it. False when there is nothing to damage. sim_disk_mend() puts the bit right;
 * sim_disk_forget_rot() leaves it to a node that started all the same. */
bool sim_disk_rot(struct sim_disk *disk, const char *name_prefix, struct random *random);
/* The same on a disk that is in use: in a segment of the log, or in a snapshot. */
bool sim_disk_rot_at_rest(struct sim_disk *disk, struct random *random);
/* What was damaged is gone, or was written again: from now on nothing is. */
bool sim_disk_has_shed_rot(struct sim_disk *disk);
bool sim_disk_is_rotten(const struct sim_disk *disk);
void sim_disk_mend(struct sim_disk *disk);
void sim_disk_forget_rot(struct sim_disk *disk);
