/* The names of a directory, sorted, and the file that each stands for. */
#pragma once
#include "io/disk.h"
#include "sim/world/disk_image.h"

enum { DISK_NAMES_MAXIMUM = 4096 };

struct disk_name {
    char name[DISK_NAME_MAXIMUM];
    struct disk_image *image; /* kept */
};
struct disk_names { /* sorted; zeroed: none */
    struct disk_name *entries;
    size_t count, capacity;
};

/* NULL: it is no name. Borrows. */
struct disk_image *disk_names_get(const struct disk_names *names, const char *name);
void disk_names_put(struct disk_names *names, const char *name,
                    struct disk_image *image); /* instead of what it stood for */
void disk_names_remove(struct disk_names *names, const char *name);
void disk_names_copy(struct disk_names *to, const struct disk_names *from);
void disk_names_release(struct disk_names *names);
