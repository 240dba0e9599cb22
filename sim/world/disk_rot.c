#include "sim/world/disk_rot.h"
#include <limits.h>
#include <string.h>

enum { SYNCS_BEHIND = 1 };

static bool has_prefix(const struct disk_name *name, const char *prefix) {
    return strncmp(name->name, prefix, strlen(prefix)) == 0;
}

static bool is_at_rest(const struct disk_name *name) {
    return has_prefix(name, "wal-0") || has_prefix(name, "chunk") || has_prefix(name, "snapshot");
}

/* Names are sorted: another segment follows where the next name is one. */
static bool is_newest_segment(const struct disk_names *names, size_t position) {
    const struct disk_name *name = &names->entries[position];
    return has_prefix(name, "wal-0") &&
           (position + 1 == names->count || !has_prefix(name + 1, "wal-0"));
}

/* A log may lose what nothing was written behind: that looks like a write that never was finished.
 */
static uint64_t syncs_behind(const struct disk_names *names, size_t position) {
    return is_newest_segment(names, position) ? SYNCS_BEHIND : 0;
}

const char *disk_rot_begin(struct disk_rot *rot, const struct disk_names *names,
                           const char *name_prefix, struct random *random) {
    if (rot->image || names->count == 0)
        return NULL;
    size_t start = (size_t)random_below(random, names->count);
    for (size_t i = 0; i < names->count; i++) {
        size_t position = (start + i) % names->count;
        struct disk_name *name = &names->entries[position];
        if (name_prefix ? !has_prefix(name, name_prefix) : !is_at_rest(name))
            continue;
        if (!disk_image_rot(name->image, syncs_behind(names, position), random, &rot->offset,
                            &rot->mask))
            continue;
        rot->image = disk_image_keep(name->image);
        rot->byte = disk_image_byte(name->image, rot->offset);
        return name->name;
    }
    return NULL;
}

void disk_rot_make_unreadable(struct disk_rot *rot, unsigned failing_reads) {
    disk_image_flip(rot->image, rot->offset, rot->mask);
    rot->mask = 0;
    rot->byte = disk_image_byte(rot->image, rot->offset);
    rot->is_unreadable = true;
    rot->failing_reads = failing_reads;
}

static bool is_within(const struct disk_rot *rot, const struct disk_image *image, uint64_t offset,
                      size_t length) {
    return rot->is_unreadable && rot->image == image && offset <= rot->offset &&
           rot->offset < offset + length;
}

bool disk_rot_fails_read(struct disk_rot *rot, const struct disk_image *image, uint64_t offset,
                         size_t length) {
    if (!is_within(rot, image, offset, length))
        return false;
    if (rot->failing_reads != UINT_MAX && --rot->failing_reads == 0)
        rot->is_unreadable = false;
    return true;
}

void disk_rot_note_write(struct disk_rot *rot, const struct disk_image *image, uint64_t offset,
                         size_t length) {
    if (is_within(rot, image, offset, length))
        rot->is_unreadable = false;
}

/* Whole again, though nothing was changed. */
static bool is_readable_again(const struct disk_rot *rot) {
    return rot->mask == 0 && !rot->is_unreadable;
}

bool disk_rot_is_there(const struct disk_rot *rot, const struct disk_names *names) {
    if (is_readable_again(rot))
        return false;
    for (size_t i = 0; rot->image && i < names->count; i++)
        if (names->entries[i].image == rot->image && !has_prefix(&names->entries[i], "wal-spare") &&
            disk_image_byte(rot->image, rot->offset) == rot->byte)
            return true;
    return false;
}

void disk_rot_mend(struct disk_rot *rot) {
    /* Not where one worker's recovery wrote over it before another worker refused. */
    if (rot->image && disk_image_byte(rot->image, rot->offset) == rot->byte)
        disk_image_flip(rot->image, rot->offset, rot->mask);
    disk_rot_forget(rot);
}

void disk_rot_forget(struct disk_rot *rot) {
    disk_image_drop(rot->image);
    *rot = (struct disk_rot){0};
}
