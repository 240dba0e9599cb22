#include "sim/world/disk.h"
#include "base/check.h"
#include "base/memory.h"
#include "sim/world/disk_rot.h"
#include <limits.h>
#include <stdio.h>

/* One change of the directory that is not synced: `gone` stops being a name and `name` becomes one;
 * either may be empty. */
struct disk_change {
    char gone[DISK_NAME_MAXIMUM], name[DISK_NAME_MAXIMUM];
    struct disk_image *image; /* kept; of `name` */
};

struct disk_job_lane {
    struct disk_job *first, *last;
    bool is_running;
    bool has_run; /* the first job's run() ended, its done() is still to come */
};

struct sim_disk {
    struct disk disk; /* first: the door */
    struct sim_disk_options options;
    struct disk_names seen, safe;
    struct disk_change *changes;
    size_t change_count, change_capacity;
    struct disk_job_lane lanes[DISK_LANE_COUNT];
    uint64_t life;
    unsigned open_handles;
    struct disk_rot rot;
};

struct disk_file {
    struct sim_disk *disk;
    struct disk_image *image; /* kept */
    bool is_writable;
};

static struct sim_disk *disk_of(struct disk *door) { return (struct sim_disk *)(void *)door; }

/* Names. */

static void names_change(struct disk_names *names, const struct disk_change *change) {
    if (change->gone[0])
        disk_names_remove(names, change->gone);
    if (change->name[0])
        disk_names_put(names, change->name, change->image);
}

/* Makes a change of the directory, seen at once and safe later. */
static void disk_change(struct sim_disk *disk, const char *gone, const char *name,
                        struct disk_image *image) {
    if (disk->change_count == disk->change_capacity) {
        disk->change_capacity = disk->change_capacity ? disk->change_capacity * 2 : 16;
        disk->changes = memory_resize(disk->changes, disk->change_capacity * sizeof *disk->changes);
    }
    struct disk_change *change = &disk->changes[disk->change_count++];
    snprintf(change->gone, sizeof change->gone, "%s", gone);
    snprintf(change->name, sizeof change->name, "%s", name);
    change->image = image ? disk_image_keep(image) : NULL;
    names_change(&disk->seen, change);
}

static void disk_forget_changes(struct sim_disk *disk) {
    for (size_t i = 0; i < disk->change_count; i++)
        disk_image_drop(disk->changes[i].image);
    disk->change_count = 0;
}

/* The calls. */

static int sim_open(struct disk *door, const char *name, enum disk_open_mode mode,
                    struct disk_file **out) {
    struct sim_disk *disk = disk_of(door);
    if (!sim_power_is_on(disk->options.power))
        return ERR_IO;
    CHECK(strlen(name) > 0 && strlen(name) < DISK_NAME_MAXIMUM);
    struct disk_image *image = disk_names_get(&disk->seen, name);
    if (mode == DISK_CREATE && image)
        return ERR_EXISTS;
    if (mode != DISK_CREATE && image == NULL)
        return ERR_NOT_FOUND;
    if (mode == DISK_CREATE && sim_power_fails_write(disk->options.power))
        return ERR_IO;
    struct disk_file *file = memory_allocate(sizeof *file);
    *file = (struct disk_file){.disk = disk, .image = image, .is_writable = mode != DISK_OPEN_READ};
    if (image) {
        disk_image_keep(image);
    } else {
        file->image = disk_image_new();
        disk_change(disk, "", name, file->image);
    }
    disk->open_handles++;
    *out = file;
    return 0;
}

static void sim_close(struct disk_file *file) {
    file->disk->open_handles--;
    disk_image_drop(file->image);
    memory_free(file);
}

static int sim_size(struct disk_file *file, uint64_t *bytes) {
    if (!sim_power_is_on(file->disk->options.power))
        return ERR_IO;
    *bytes = file->image->seen.length;
    return 0;
}

static int sim_read(struct disk_file *file, uint64_t offset, void *into, size_t length,
                    size_t *got) {
    if (!sim_power_is_on(file->disk->options.power))
        return ERR_IO;
    const struct disk_extent *seen = &file->image->seen;
    size_t left = offset < seen->length ? seen->length - (size_t)offset : 0;
    *got = length < left ? length : left;
    if (disk_rot_fails_read(&file->disk->rot, file->image, offset, *got)) {
        const struct sim_power *power = file->disk->options.power;
        trace_event(power->trace, "read-fails", power->node, offset, BYTES_NONE);
        return ERR_IO;
    }
    if (*got)
        memcpy(into, seen->bytes + offset, *got);
    return 0;
}

static int sim_write(struct disk_file *file, uint64_t offset, struct bytes bytes) {
    CHECK(file->is_writable);
    struct sim_power *power = file->disk->options.power;
    bool was_off = power->is_off;
    bool is_on = sim_power_is_on(power);
    if (is_on && !sim_power_take_space(power, file->image->seen.length, offset + bytes.length))
        return ERR_NO_SPACE;
    if (!is_on && was_off)
        return ERR_IO;
    bool is_done = is_on && !sim_power_fails_write(power);
    if (!is_done) /* the power went off during this write, or it fails: some of it was taken */
        bytes.length = (size_t)random_below(power->random, bytes.length + 1);
    disk_image_write(file->image, offset, bytes);
    disk_rot_note_write(&file->disk->rot, file->image, offset, bytes.length);
    trace_event(power->trace, "disk-write", power->node, offset, bytes);
    return is_done ? 0 : ERR_IO;
}

static int sim_sync(struct disk_file *file) {
    struct sim_power *power = file->disk->options.power;
    if (!sim_power_is_on(power))
        return ERR_IO;
    if (sim_power_fails_sync(power))
        return ERR_IO;
    disk_image_sync(file->image);
    trace_event(power->trace, "disk-sync", power->node, file->image->sync_count, BYTES_NONE);
    return 0;
}

static int sim_write_durable(struct disk_file *file, uint64_t offset, const struct bytes *pieces,
                             size_t count) {
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        if (pieces[i].length)
            status = sim_write(file, offset, pieces[i]);
        offset += pieces[i].length;
    }
    return status ? status : sim_sync(file);
}

static int sim_preallocate(struct disk_file *file, uint64_t bytes) {
    struct sim_power *power = file->disk->options.power;
    if (!sim_power_is_on(power))
        return ERR_IO;
    if (!sim_power_take_space(power, file->image->seen.length, bytes))
        return ERR_NO_SPACE;
    if (sim_power_fails_write(power))
        return ERR_IO;
    trace_event(power->trace, "preallocate", power->node, bytes, BYTES_NONE);
    disk_image_preallocate(file->image, bytes);
    return 0;
}

static bool is_spare(const char *name) { return strncmp(name, "wal-spare", 9) == 0; }

static int sim_rename(struct disk *door, const char *from, const char *to) {
    struct sim_disk *disk = disk_of(door);
    if (!sim_power_is_on(disk->options.power))
        return ERR_IO;
    struct disk_image *image = disk_names_get(&disk->seen, from);
    if (image == NULL)
        return ERR_NOT_FOUND;
    CHECK(strlen(to) > 0 && strlen(to) < DISK_NAME_MAXIMUM);
    if (sim_power_fails_write(disk->options.power))
        return ERR_IO;
    if (is_spare(from))
        disk_image_begin_life(image);
    trace_event(disk->options.power->trace, "rename", disk->options.power->node, 0,
                bytes_of_text(to));
    disk_change(disk, from, to, image);
    return 0;
}

static int sim_remove(struct disk *door, const char *name) {
    struct sim_disk *disk = disk_of(door);
    if (!sim_power_is_on(disk->options.power))
        return ERR_IO;
    struct disk_image *image = disk_names_get(&disk->seen, name);
    if (image == NULL)
        return ERR_NOT_FOUND;
    if (sim_power_fails_write(disk->options.power))
        return ERR_IO;
    sim_power_give_space(disk->options.power, image->seen.length);
    trace_event(disk->options.power->trace, "unlink", disk->options.power->node, 0,
                bytes_of_text(name));
    disk_change(disk, name, "", NULL);
    sim_power_note_removal(disk->options.power);
    return 0;
}

static int sim_sync_directory(struct disk *door) {
    struct sim_disk *disk = disk_of(door);
    if (!sim_power_is_on(disk->options.power) || sim_power_fails_sync(disk->options.power))
        return ERR_IO;
    for (size_t i = 0; i < disk->change_count; i++)
        names_change(&disk->safe, &disk->changes[i]);
    disk_forget_changes(disk);
    return 0;
}

static int sim_list(struct disk *door, void (*each)(void *context, const char *name),
                    void *context) {
    struct sim_disk *disk = disk_of(door);
    if (!sim_power_is_on(disk->options.power))
        return ERR_IO;
    struct disk_names copy = {0}; /* `each` may change the directory */
    disk_names_copy(&copy, &disk->seen);
    for (size_t i = 0; i < copy.count; i++)
        each(context, copy.entries[i].name);
    disk_names_release(&copy);
    return 0;
}

/* Jobs. */

/* Mostly a fast SSD; now and then a hiccup of milliseconds, rarely one of tens of them. */
static uint64_t disk_job_us(struct sim_disk *disk) {
    struct random *random = disk->options.power->random;
    uint64_t lot = random_below(random, 1000);
    uint64_t most_us = lot == 0 ? 50000 : lot < 10 ? 10000 : 400;
    return random_between(random, 40, most_us) + disk->options.power->slow_us;
}

static event_run job_event;

static void lane_start(struct sim_disk *disk, enum disk_lane lane) {
    disk->lanes[lane].is_running = true;
    disk->lanes[lane].has_run = false;
    struct event_queue *queue = disk->options.queue;
    struct event *event = event_schedule(queue, queue->now_us + disk_job_us(disk), job_event, disk);
    event->number = lane;
    event->life = disk->life;
}

static struct disk_job *lane_take(struct disk_job_lane *lane) {
    lane->has_run = false;
    struct disk_job *job = lane->first;
    lane->first = job->next;
    if (lane->first == NULL)
        lane->last = NULL;
    return job;
}

/* First the job's calls, then, a moment later and when the owner's thread is free, its report. */
static void job_event(struct event *event) {
    struct sim_disk *disk = event->context;
    struct disk_job_lane *lane = &disk->lanes[event->number];
    struct event_queue *queue = disk->options.queue;
    if (event->life != disk->life)
        return;
    if (!lane->has_run) {
        lane->first->status = lane->first->run(lane->first);
        lane->has_run = true;
        event_again(queue, event,
                    queue->now_us + random_between(disk->options.power->random, 2, 30));
        return;
    }
    uint64_t again_us;
    if (!disk->options.is_owner_ready(disk->options.context, &again_us)) {
        event_again(queue, event, again_us);
        return;
    }
    if (disk->options.power->is_off)
        return; /* the node is about to be buried */
    struct disk_job *job = lane_take(lane);
    if (job->status == ERR_IO && job->lane == DISK_LANE_LOG)
        disk->options.power->has_log_been_told = true;
    if (lane->first)
        lane_start(disk, (enum disk_lane)event->number);
    else
        lane->is_running = false;
    job->done(job, job->status);
    disk->options.owner_ran(disk->options.context);
}

static void sim_submit(struct disk *door, struct disk_job *job) {
    struct sim_disk *disk = disk_of(door);
    CHECK(job->lane < DISK_LANE_COUNT);
    struct disk_job_lane *lane = &disk->lanes[job->lane];
    job->next = NULL;
    if (lane->last)
        lane->last->next = job;
    else
        lane->first = job;
    lane->last = job;
    if (!lane->is_running)
        lane_start(disk, job->lane);
}

static void lane_finish(struct disk_job_lane *lane) {
    while (lane->first) {
        bool has_run = lane->has_run;
        struct disk_job *job = lane_take(lane);
        if (!has_run)
            job->status = job->run(job);
        job->done(job, job->status);
    }
}

/* Both lanes count as running meanwhile: nothing is scheduled for what a done() may submit to
 * either, because here it is ended too. */
void sim_disk_finish_jobs(struct sim_disk *disk) {
    CHECK(disk->options.power->is_off);
    disk->life++;
    for (int lane = 0; lane < DISK_LANE_COUNT; lane++)
        disk->lanes[lane].is_running = true;
    while (!sim_disk_is_idle(disk))
        for (int lane = 0; lane < DISK_LANE_COUNT; lane++)
            lane_finish(&disk->lanes[lane]);
    for (int lane = 0; lane < DISK_LANE_COUNT; lane++)
        disk->lanes[lane].is_running = false;
}

bool sim_disk_is_idle(const struct sim_disk *disk) {
    for (int lane = 0; lane < DISK_LANE_COUNT; lane++)
        if (disk->lanes[lane].first)
            return false;
    return true;
}

/* Lives. */

static bool change_survives(enum disk_survival survival, bool is_cut, struct random *random) {
    switch (survival) {
    case DISK_SURVIVES_ALL:
        return true;
    case DISK_SURVIVES_NOTHING:
        return false;
    case DISK_SURVIVES_PREFIX:
        return !is_cut;
    case DISK_SURVIVES_ANY:
        return random_chance(random, 0.5);
    case DISK_SURVIVAL_COUNT:
        break;
    }
    UNREACHABLE();
}

static void disk_lose_changes(struct sim_disk *disk, enum disk_survival survival,
                              struct random *random) {
    bool is_cut = false;
    for (size_t i = 0; i < disk->change_count; i++) {
        is_cut = is_cut || random_chance(random, 0.3);
        if (change_survives(survival, is_cut, random))
            names_change(&disk->safe, &disk->changes[i]);
    }
    disk_forget_changes(disk);
    disk_names_copy(&disk->seen, &disk->safe);
}

void sim_disk_end_life(struct sim_disk *disk, enum sim_death death) {
    CHECK(disk->open_handles == 0);
    CHECK(sim_disk_is_idle(disk));
    if (death == SIM_DEATH_OF_PROCESS)
        return;
    struct random *random = disk->options.power->random;
    enum disk_survival survival = (enum disk_survival)random_below(random, DISK_SURVIVAL_COUNT);
    /* Some names are made safe by this; every image that has one is asked, then those that lost
     * theirs go. */
    for (size_t i = 0; i < disk->seen.count; i++)
        disk_image_lose_power(disk->seen.entries[i].image, survival, random);
    for (size_t i = 0; i < disk->safe.count; i++)
        disk_image_lose_power(disk->safe.entries[i].image, survival, random);
    for (size_t i = 0; i < disk->change_count; i++)
        if (disk->changes[i].image)
            disk_image_lose_power(disk->changes[i].image, survival, random);
    disk_lose_changes(disk, survival, random);
}

/* Rot. */

static const double ROT_UNREADABLE_CHANCE = 0.3, ROT_READABLE_LATER_CHANCE = 0.5;
enum { ROT_FAILING_READS_MOST = 4 };

/* The disk knows of some of what it lost: it cannot read it, at first or at all. */
static void make_unreadable(struct sim_disk *disk, bool is_for_good, struct random *random) {
    const struct sim_power *power = disk->options.power;
    unsigned reads = (unsigned)random_between(random, 1, ROT_FAILING_READS_MOST);
    disk_rot_make_unreadable(&disk->rot, is_for_good ? UINT_MAX : reads);
    trace_line(power->trace, "node %u: it cannot be read", power->node);
}

static bool rot(struct sim_disk *disk, const char *name_prefix, struct random *random) {
    const struct sim_power *power = disk->options.power;
    const char *name = disk_rot_begin(&disk->rot, &disk->safe, name_prefix, random);
    if (name == NULL)
        return false;
    trace_line(power->trace, "node %u: bit rot in %s at %llu", power->node, name,
               (unsigned long long)disk->rot.offset);
    bool is_in_use = name_prefix == NULL; /* whoever waits for it to be mended sees no second try */
    if (random_chance(random, ROT_UNREADABLE_CHANCE))
        make_unreadable(disk, is_in_use || !random_chance(random, ROT_READABLE_LATER_CHANCE),
                        random);
    return true;
}

bool sim_disk_rot(struct sim_disk *disk, const char *name_prefix, struct random *random) {
    return rot(disk, name_prefix, random);
}

bool sim_disk_rot_at_rest(struct sim_disk *disk, struct random *random) {
    return rot(disk, NULL, random);
}

bool sim_disk_has_shed_rot(struct sim_disk *disk) {
    if (!sim_disk_is_rotten(disk) || disk_rot_is_there(&disk->rot, &disk->safe))
        return false;
    disk_rot_forget(&disk->rot);
    return true;
}

bool sim_disk_is_rotten(const struct sim_disk *disk) { return disk->rot.image != NULL; }
void sim_disk_mend(struct sim_disk *disk) { disk_rot_mend(&disk->rot); }
void sim_disk_forget_rot(struct sim_disk *disk) { disk_rot_forget(&disk->rot); }

static const struct disk_ops sim_disk_ops = {
    .open = sim_open,
    .close = sim_close,
    .size = sim_size,
    .read = sim_read,
    .write = sim_write,
    .sync = sim_sync,
    .write_durable = sim_write_durable,
    .preallocate = sim_preallocate,
    .rename = sim_rename,
    .remove = sim_remove,
    .sync_directory = sim_sync_directory,
    .list = sim_list,
    .submit = sim_submit,
};

struct sim_disk *sim_disk_new(const struct sim_disk_options *options) {
    struct sim_disk *disk = memory_allocate_zeroed(1, sizeof *disk);
    disk->disk.ops = &sim_disk_ops;
    disk->options = *options;
    return disk;
}

void sim_disk_free(struct sim_disk *disk) {
    CHECK(sim_disk_is_idle(disk));
    disk_forget_changes(disk);
    memory_free(disk->changes);
    disk_names_release(&disk->seen);
    disk_names_release(&disk->safe);
    disk_rot_forget(&disk->rot);
    memory_free(disk);
}

struct disk *sim_disk_door(struct sim_disk *disk) {
    return &disk->disk;
}
