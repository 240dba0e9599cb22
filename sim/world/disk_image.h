/* One file of the fake disk: the image that programs see, the image that is safe, and the writes
 * between the two.
 *
 *      write --> [ seen ] + a note of the write          sync --> the notes are applied to [ safe ]
 *      power failure --> each noted write reaches [ safe ] wholly, torn, or not at all;
 *                        then seen = safe
 *
 * Counted by reference: names (seen and safe ones) and open handles hold it. */
#pragma once
#include "base/bytes.h"
#include "base/random.h"

enum { DISK_SECTOR_BYTES = 512, DISK_REMEMBERED_WRITES = 64 };

struct disk_extent {
    uint8_t *bytes;
    size_t length, capacity;
};

struct disk_range { /* where something was written, and by which sync it became safe */
    uint64_t offset, length, sync_number;
};

struct disk_image {
    unsigned reference_count;
    struct disk_extent seen, safe;
    struct disk_image_change *first_write, *last_write; /* not synced, oldest first */
    uint64_t sync_count;    /* of syncs that made something new durable: what is written again is no
                               later round */
    uint64_t written_bytes; /* the end of what was ever synced */
    struct disk_range remembered[DISK_REMEMBERED_WRITES]; /* ring of the latest synced writes */
    unsigned remembered_count;
};

/* How a power failure treats what was not synced. */
enum disk_survival {
    DISK_SURVIVES_ALL,
    DISK_SURVIVES_NOTHING,
    DISK_SURVIVES_PREFIX,
    DISK_SURVIVES_ANY,
    DISK_SURVIVAL_COUNT
};

struct disk_image *disk_image_new(void);
struct disk_image *disk_image_keep(struct disk_image *image);
void disk_image_drop(struct disk_image *image); /* NULL is allowed */
void disk_image_write(struct disk_image *image, uint64_t offset, struct bytes bytes);
void disk_image_sync(struct disk_image *image);
/* A spare becomes a segment of the log: what it held counts no more, and the next write is its
 * first. */
void disk_image_begin_life(struct disk_image *image);
void disk_image_preallocate(struct disk_image *image, uint64_t length); /* zeros, safe at once */
void disk_image_lose_power(struct disk_image *image, enum disk_survival survival,
                           struct random *random);
/* Flips one bit of a write that at least `syncs_behind` later syncs of this file stand behind.
 * False if there is none. */
bool disk_image_rot(struct disk_image *image, uint64_t syncs_behind, struct random *random,
                    uint64_t *offset, uint8_t *mask);
uint8_t disk_image_byte(const struct disk_image *image, uint64_t offset);
void disk_image_flip(struct disk_image *image, uint64_t offset, uint8_t mask);
