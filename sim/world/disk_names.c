#include "sim/world/disk_names.h"
#include "base/check.h"
#include "base/memory.h"
#include <stdio.h>
#include <string.h>

static size_t position_of(const struct disk_names *names, const char *name, bool *is_found) {
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

struct disk_image *disk_names_get(const struct disk_names *names, const char *name) {
    bool is_found;
    size_t position = position_of(names, name, &is_found);
    return is_found ? names->entries[position].image : NULL;
}

void disk_names_remove(struct disk_names *names, const char *name) {
    bool is_found;
    size_t position = position_of(names, name, &is_found);
    if (!is_found)
        return;
    disk_image_drop(names->entries[position].image);
    names->count--;
    memmove(&names->entries[position], &names->entries[position + 1],
            (names->count - position) * sizeof *names->entries);
}

void disk_names_put(struct disk_names *names, const char *name, struct disk_image *image) {
    disk_image_keep(image);
    disk_names_remove(names, name);
    bool is_found;
    size_t position = position_of(names, name, &is_found);
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

void disk_names_release(struct disk_names *names) {
    for (size_t i = 0; i < names->count; i++)
        disk_image_drop(names->entries[i].image);
    memory_free(names->entries);
    *names = (struct disk_names){0};
}

void disk_names_copy(struct disk_names *to, const struct disk_names *from) {
    disk_names_release(to);
    for (size_t i = 0; i < from->count; i++)
        disk_names_put(to, from->entries[i].name, from->entries[i].image);
}
