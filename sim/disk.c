#include "sim/disk.h"
#include "base/check.h"
#include "base/memory.h"
#include <stdio.h>

enum { DISK_NAMES_MAXIMUM = 4096, DISK_ROT_SYNCS_BEHIND = 1 };

struct disk_name {
    char name[DISK_NAME_MAXIMUM];
    struct disk_image *image; /* kept */
};
struct disk_names { /* sorted by name */
    struct disk_name *entries;
    size_t count, capacity;
};
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
    struct disk_image *rotten; /* kept; NULL: nothing is */
    uint64_t rotten_offset;
    uint8_t rotten_mask;
    uint8_t rotten_byte; /* what it became */
};

struct disk_file {
    struct sim_disk *disk;
    struct disk_image *image; /* kept */
    bool is_writable;
};

static struct sim_disk *disk_of(struct disk *door) { return (struct sim_disk *)(void *)door; }

/* Power. */

static bool power_is_on(struct sim_power *power) {
    if (power->is_off)
        return false;
    power->call_count++;
    if (power->off_at_call == 0 || power->call_count < power->off_at_call)
        return true;
    power->is_off = true;
    power->off_at_call = 0;
    trace_event(power->trace, "power-off", power->node, power->call_count, BYTES_NONE);
    power->went_off(power->context);
    return false;
}

static void power_note_removal(struct sim_power *power) {
    if (power->off_calls_after_remove)
        power->off_at_call = power->call_count + power->off_calls_after_remove;
    power->off_calls_after_remove = 0;
}

/* Space. */

/* Longer files need space, of which a full disk has little; changing what is there needs none. */
static bool take_space(struct sim_power *power, uint64_t from_bytes, uint64_t to_bytes) {
    if (!power->is_limited || to_bytes <= from_bytes)
        return true;
    if (to_bytes - from_bytes > power->free_bytes) {
        trace_event(power->trace, "no-space", power->node, to_bytes - from_bytes, BYTES_NONE);
        return false;
    }
    power->free_bytes -= to_bytes - from_bytes;
    return true;
}

static void give_space(struct sim_power *power, uint64_t bytes) {
    if (power->is_limited)
        power->free_bytes += bytes;
}

/* Names. */

static size_t names_position(const struct disk_names *names, const char *name, bool *is_found) {
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(names->entries[middle].name, name);
        if (order == 0) {
            *is_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *is_found = false;
    return low;
}

static struct disk_image *names_get(const struct disk_names *names, const char *name) {
    bool is_found;
    size_t position = names_position(names, name, &is_found);
    return is_found ? names->entries[position].image : NULL;
}

static void names_remove(struct disk_names *names, const char *name) {
    bool is_found;
    size_t position = names_position(names, name, &is_found);
    if (!is_found)
        return;
    disk_image_drop(names->entries[position].image);
    names->count--;
    memmove(&names->entries[position], &names->entries[position + 1],
            (names->count - position) * sizeof *names->entries);
}

static void names_put(struct disk_names *names, const char *name, struct disk_image *image) {
    disk_image_keep(image);
    names_remove(names, name);
    bool is_found;
    size_t position = names_position(names, name, &is_found);
    CHECK(names->count < DISK_NAMES_MAXIMUM);
    if (names->count == names->capacity) {
        names->capacity = names->capacity ? names->capacity * 2 : 16;
        names->entries = memory_resize(names->entries, names->capacity * sizeof *names->entries);
    }
    memmove(&names->entries[position + 1], &names->entries[position],
            (names->count - position) * sizeof *names->entries);
    snprintf(names->entries[position].name, DISK_NAME_MAXIMUM, "%s", name);
    names->entries[position].image = image;
    names->count++;
}

static void names_release(struct disk_names *names) {
    for (size_t i = 0; i < names->count; i++)
        disk_image_drop(names->entries[i].image);
    memory_free(names->entries);
    *names = (struct disk_names){0};
}

static void names_copy(struct disk_names *to, const struct disk_names *from) {
    names_release(to);
    for (size_t i = 0; i < from->count; i++)
        names_put(to, from->entries[i].name, from->entries[i].image);
}

static void names_change(struct disk_names *names, const struct disk_change *change) {
    if (change->gone[0])
        names_remove(names, change->gone);
    if (change->name[0])
        names_put(names, change->name, change->image);
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
    if (!power_is_on(disk->options.power))
        return ERR_IO;
    CHECK(strlen(name) > 0 && strlen(name) < DISK_NAME_MAXIMUM);
    struct disk_image *image = names_get(&disk->seen, name);
    if (mode == DISK_CREATE && image)
        return ERR_EXISTS;
    if (mode != DISK_CREATE && image == NULL)
        return ERR_NOT_FOUND;
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
    if (!power_is_on(file->disk->options.power))
        return ERR_IO;
    *bytes = file->image->seen.length;
    return 0;
}

static int sim_read(struct disk_file *file, uint64_t offset, void *into, size_t length,
                    size_t *got) {
    if (!power_is_on(file->disk->options.power))
        return ERR_IO;
    const struct disk_extent *seen = &file->image->seen;
    size_t left = offset < seen->length ? seen->length - (size_t)offset : 0;
    *got = length < left ? length : left;
    if (*got)
        memcpy(into, seen->bytes + offset, *got);
    return 0;
}

static int sim_write(struct disk_file *file, uint64_t offset, struct bytes bytes) {
    CHECK(file->is_writable);
    struct sim_power *power = file->disk->options.power;
    bool was_off = power->is_off;
    bool is_on = power_is_on(power);
    if (is_on && !take_space(power, file->image->seen.length, offset + bytes.length))
        return ERR_NO_SPACE;
    if (!is_on && was_off)
        return ERR_IO;
    if (!is_on) /* the power went off during this write: the system had taken some of it */
        bytes.length = (size_t)random_below(power->random, bytes.length + 1);
    disk_image_write(file->image, offset, bytes);
    trace_event(power->trace, "disk-write", power->node, offset, bytes);
    return is_on ? 0 : ERR_IO;
}

static int sim_sync(struct disk_file *file) {
    struct sim_power *power = file->disk->options.power;
    if (!power_is_on(power))
        return ERR_IO;
    if (power->sync_failure_at_call && power->call_count >= power->sync_failure_at_call) {
        power->sync_failure_at_call = 0;
        power->has_sync_failed = true;
        trace_event(power->trace, "sync-fails", power->node, power->call_count, BYTES_NONE);
        return ERR_IO;
    }
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
    if (!power_is_on(power))
        return ERR_IO;
    if (!take_space(power, file->image->seen.length, bytes))
        return ERR_NO_SPACE;
    trace_event(power->trace, "preallocate", power->node, bytes, BYTES_NONE);
    disk_image_preallocate(file->image, bytes);
    return 0;
}

static int sim_rename(struct disk *door, const char *from, const char *to) {
    struct sim_disk *disk = disk_of(door);
    if (!power_is_on(disk->options.power))
        return ERR_IO;
    struct disk_image *image = names_get(&disk->seen, from);
    if (image == NULL)
        return ERR_NOT_FOUND;
    CHECK(strlen(to) > 0 && strlen(to) < DISK_NAME_MAXIMUM);
    trace_event(disk->options.power->trace, "rename", disk->options.power->node, 0,
                bytes_of_text(to));
    disk_change(disk, from, to, image);
    return 0;
}

static int sim_remove(struct disk *door, const char *name) {
    struct sim_disk *disk = disk_of(door);
    if (!power_is_on(disk->options.power))
        return ERR_IO;
    struct disk_image *image = names_get(&disk->seen, name);
    if (image == NULL)
        return ERR_NOT_FOUND;
    give_space(disk->options.power, image->seen.length);
    trace_event(disk->options.power->trace, "unlink", disk->options.power->node, 0,
                bytes_of_text(name));
    disk_change(disk, name, "", NULL);
    power_note_removal(disk->options.power);
    return 0;
}

static int sim_sync_directory(struct disk *door) {
    struct sim_disk *disk = disk_of(door);
    if (!power_is_on(disk->options.power))
        return ERR_IO;
    for (size_t i = 0; i < disk->change_count; i++)
        names_change(&disk->safe, &disk->changes[i]);
    disk_forget_changes(disk);
    return 0;
}

static int sim_list(struct disk *door, void (*each)(void *context, const char *name),
                    void *context) {
    struct sim_disk *disk = disk_of(door);
    if (!power_is_on(disk->options.power))
        return ERR_IO;
    struct disk_names copy = {0}; /* `each` may change the directory */
    names_copy(&copy, &disk->seen);
    for (size_t i = 0; i < copy.count; i++)
        each(context, copy.entries[i].name);
    names_release(&copy);
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
    names_copy(&disk->seen, &disk->safe);
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

static bool has_prefix(const struct disk_name *name, const char *prefix) {
    return strncmp(name->name, prefix, strlen(prefix)) == 0;
}

static bool is_at_rest(const struct disk_name *name) {
    return has_prefix(name, "wal-0") || has_prefix(name, "chunk") || has_prefix(name, "snapshot");
}

/* Names are sorted: another segment follows where the next name is one. */
static bool is_newest_segment(const struct sim_disk *disk, size_t position) {
    const struct disk_name *name = &disk->safe.entries[position];
    return has_prefix(name, "wal-0") &&
           (position + 1 == disk->safe.count || !has_prefix(name + 1, "wal-0"));
}

/* A log may lose what nothing was written behind: that looks like a write that never was finished.
 */
static uint64_t syncs_behind(const struct sim_disk *disk, size_t position) {
    return is_newest_segment(disk, position) ? DISK_ROT_SYNCS_BEHIND : 0;
}

/* `name_prefix` NULL: of what is at rest. */
static bool rot(struct sim_disk *disk, const char *name_prefix, struct random *random) {
    if (disk->rotten || disk->safe.count == 0)
        return false;
    size_t start = (size_t)random_below(random, disk->safe.count);
    for (size_t i = 0; i < disk->safe.count; i++) {
        size_t position = (start + i) % disk->safe.count;
        struct disk_name *name = &disk->safe.entries[position];
        if (name_prefix ? !has_prefix(name, name_prefix) : !is_at_rest(name))
            continue;
        if (!disk_image_rot(name->image, syncs_behind(disk, position), random, &disk->rotten_offset,
                            &disk->rotten_mask))
            continue;
        disk->rotten = disk_image_keep(name->image);
        disk->rotten_byte = disk_image_byte(name->image, disk->rotten_offset);
        trace_line(disk->options.power->trace, "node %u: bit rot in %s at %llu",
                   disk->options.power->node, name->name, (unsigned long long)disk->rotten_offset);
        return true;
    }
    return false;
}

bool sim_disk_rot(struct sim_disk *disk, const char *name_prefix, struct random *random) {
    return rot(disk, name_prefix, random);
}

bool sim_disk_rot_at_rest(struct sim_disk *disk, struct random *random) {
    return rot(disk, NULL, random);
}

bool sim_disk_has_shed_rot(struct sim_disk *disk) {
    if (disk->rotten == NULL)
        return false;
    for (size_t i = 0; i < disk->safe.count; i++)
        if (disk->safe.entries[i].image == disk->rotten &&
            !has_prefix(&disk->safe.entries[i], "wal-spare") &&
            disk_image_byte(disk->rotten, disk->rotten_offset) == disk->rotten_byte)
            return false;
    sim_disk_forget_rot(disk);
    return true;
}

bool sim_disk_is_rotten(const struct sim_disk *disk) { return disk->rotten != NULL; }

void sim_disk_mend(struct sim_disk *disk) {
    if (disk->rotten == NULL)
        return;
    /* Not where one worker's recovery wrote over it before another worker refused. */
    if (disk_image_byte(disk->rotten, disk->rotten_offset) == disk->rotten_byte)
        disk_image_flip(disk->rotten, disk->rotten_offset, disk->rotten_mask);
    sim_disk_forget_rot(disk);
}

void sim_disk_forget_rot(struct sim_disk *disk) {
    disk_image_drop(disk->rotten);
    disk->rotten = NULL;
}

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
    names_release(&disk->seen);
    names_release(&disk->safe);
    disk_image_drop(disk->rotten);
    memory_free(disk);
}

struct disk *sim_disk_door(struct sim_disk *disk) {
    return &disk->disk;
}
