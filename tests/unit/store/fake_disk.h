/* A disk in memory that forgets what a real one may forget. What was written but not synced
 * survives a crash sector by sector as chance has it; of what happened in the directory and was not
 * synced all survives up to some point, or any of it, a rename as a whole. Jobs wait until
 * fake_disk_run_job() or fake_disk_run_all(). Any call can be made to fail: the n-th change of
 * whatever kind, or the n-th call of one kind. */
#pragma once
#include "base/random.h"
#include "io/disk.h"

enum { FAKE_SECTOR_BYTES = 64, FAKE_FILE_MAXIMUM = 256, FAKE_HISTORY_MAXIMUM = 1024 };

enum fake_call {
    FAKE_OPEN, /* or made */
    FAKE_READ, /* or asked for its size */
    FAKE_WRITE,
    FAKE_SYNC,
    FAKE_PREALLOCATE,
    FAKE_RENAME,
    FAKE_REMOVE,
    FAKE_SYNC_DIRECTORY,
    FAKE_LIST,
    FAKE_CALL_COUNT
};

struct fake_file {
    uint8_t *live, *durable;
    size_t live_bytes, durable_bytes;
};

struct fake_names {
    struct {
        char name[DISK_NAME_MAXIMUM];
        struct fake_file *file;
    } entries[FAKE_FILE_MAXIMUM];
    size_t count;
};

/* A file is made (from nowhere), renamed or removed (to nowhere). */
struct fake_change {
    char from[DISK_NAME_MAXIMUM], to[DISK_NAME_MAXIMUM]; /* empty: nowhere */
    struct fake_file *file;
};

struct fake_disk {
    struct disk disk;
    struct fake_names names, durable_names;
    struct fake_change *history; /* each change since the last directory sync */
    size_t history_count;
    struct fake_file *files[FAKE_HISTORY_MAXIMUM]; /* all ever made */
    size_t file_count;
    struct disk_job *jobs[DISK_LANE_COUNT];
    unsigned fail_countdown; /* 0: nothing fails; 1: the next changing call does */
    int fail_with;
    unsigned changes, syncs; /* calls so far that could have failed; syncs of files */
    unsigned off_at;         /* this change and all after it fail; 0: never */
    unsigned open_files;
    unsigned calls[FAKE_CALL_COUNT]; /* so far, of each kind */
    enum fake_call failing;
    unsigned fail_call_at;                      /* this call of that kind fails; 0: none */
    int fail_call_with;                         /* 0: ERR_IO */
    bool fails_for_good;                        /* all later ones of that kind on that file too */
    unsigned failed_calls;                      /* so many did, over all lives */
    char changed_name[DISK_NAME_MAXIMUM];       /* last made, renamed or removed */
    char failed_name[DISK_NAME_MAXIMUM];        /* of the file, or what the directory was for */
    unsigned calls_at_failure[FAKE_CALL_COUNT]; /* the failed one included */
    const struct fake_file *forgotten;          /* the last one of which no cached byte is left */
    bool writes_blocks;     /* does jobs that are plain writes itself, up to the end of a sector */
    bool is_full;           /* no file is made, none grows */
    bool is_directory_full; /* nor does a name change */
    int no_open;            /* nothing is opened, and this is why; 0: everything is */
};

void fake_disk_init(struct fake_disk *fake);
void fake_disk_release(struct fake_disk *fake);
/* Runs the lane's oldest job to its end; false if there is none. */
bool fake_disk_run_job(struct fake_disk *fake, enum disk_lane lane);
void fake_disk_run_all(struct fake_disk *fake);
void fake_disk_fail_after(struct fake_disk *fake, unsigned changes, int error);
/* The n-th call of this kind from now on fails with ERR_IO, once; 0: none does. */
void fake_disk_fail_call(struct fake_disk *fake, enum fake_call call, unsigned nth);
/* From the n-th change on nothing reaches the disk any more, until fake_disk_crash(). */
void fake_disk_power_off_after(struct fake_disk *fake, unsigned changes);
bool fake_disk_is_off(const struct fake_disk *fake);
/* Drops all jobs and whatever chance takes of what was not synced. No file may be open. */
void fake_disk_crash(struct fake_disk *fake, struct random *random);
/* The bytes of a file as they are now, to look at or to spoil; NULL if there is none. */
struct fake_file *fake_disk_find(struct fake_disk *fake, const char *name);
/* Makes or replaces a file with these bytes, durably. */
void fake_disk_put(struct fake_disk *fake, const char *name, struct bytes bytes);
