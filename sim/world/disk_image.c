#include "sim/world/disk_image.h"
#include "base/check.h"
#include "base/memory.h"

struct disk_image_change {
    struct disk_image_change *next;
    uint64_t offset;
    size_t length;
    uint8_t data[];
};

struct disk_image *disk_image_new(void) {
    struct disk_image *image = memory_allocate_zeroed(1, sizeof *image);
    image->reference_count = 1;
    return image;
}

struct disk_image *disk_image_keep(struct disk_image *image) {
    image->reference_count++;
    return image;
}

static void image_forget_writes(struct disk_image *image) {
    for (struct disk_image_change *write = image->first_write, *next; write; write = next) {
        next = write->next;
        memory_free(write);
    }
    image->first_write = image->last_write = NULL;
}

void disk_image_drop(struct disk_image *image) {
    if (image == NULL)
        return;
    CHECK(image->reference_count > 0);
    if (--image->reference_count > 0)
        return;
    image_forget_writes(image);
    memory_free(image->seen.bytes);
    memory_free(image->safe.bytes);
    memory_free(image);
}

/* Makes the extent at least so long; what is between is zero, as in a file with a hole. */
static void extent_lengthen(struct disk_extent *extent, size_t length) {
    if (length <= extent->length)
        return;
    if (length > extent->capacity) {
        extent->capacity = length * 3 / 2;
        extent->bytes = memory_resize(extent->bytes, extent->capacity);
    }
    memset(extent->bytes + extent->length, 0, length - extent->length);
    extent->length = length;
}

static void extent_write(struct disk_extent *extent, uint64_t offset, struct bytes bytes) {
    if (bytes.length == 0)
        return;
    extent_lengthen(extent, (size_t)offset + bytes.length);
    memcpy(extent->bytes + offset, bytes.data, bytes.length);
}

void disk_image_write(struct disk_image *image, uint64_t offset, struct bytes bytes) {
    if (bytes.length == 0)
        return;
    extent_write(&image->seen, offset, bytes);
    struct disk_image_change *write = memory_allocate(sizeof *write + bytes.length);
    write->next = NULL;
    write->offset = offset;
    write->length = bytes.length;
    memcpy(write->data, bytes.data, bytes.length);
    if (image->last_write)
        image->last_write->next = write;
    else
        image->first_write = write;
    image->last_write = write;
}

static void image_remember(struct disk_image *image, const struct disk_image_change *write) {
    image->remembered[image->remembered_count++ % DISK_REMEMBERED_WRITES] = (struct disk_range){
        .offset = write->offset, .length = write->length, .sync_number = image->sync_count};
}

void disk_image_sync(struct disk_image *image) {
    if (image->first_write == NULL)
        return;
    uint64_t known_bytes = image->written_bytes;
    for (struct disk_image_change *write = image->first_write; write; write = write->next) {
        extent_write(&image->safe, write->offset, bytes_of(write->data, write->length));
        if (write->offset + write->length <= known_bytes)
            continue;
        if (image->written_bytes == known_bytes)
            image->sync_count++;
        if (write->offset + write->length > image->written_bytes)
            image->written_bytes = write->offset + write->length;
        image_remember(image, write);
    }
    image_forget_writes(image);
}

void disk_image_begin_life(struct disk_image *image) {
    image->written_bytes = image->sync_count = 0;
    image->remembered_count = 0;
}

void disk_image_preallocate(struct disk_image *image, uint64_t length) {
    extent_lengthen(&image->seen, (size_t)length);
    extent_lengthen(&image->safe, (size_t)length);
}

/* Torn: some of the sectors that it touches, or a prefix that ends at any byte. */
static void image_write_torn(struct disk_image *image, const struct disk_image_change *write,
                             struct random *random) {
    if (random_chance(random, 0.5)) {
        size_t held = (size_t)random_below(random, write->length + 1);
        extent_write(&image->safe, write->offset, bytes_of(write->data, held));
        return;
    }
    for (size_t at = 0, length; at < write->length; at += length) {
        length = DISK_SECTOR_BYTES - (size_t)((write->offset + at) % DISK_SECTOR_BYTES);
        if (length > write->length - at)
            length = write->length - at;
        if (random_chance(random, 0.5))
            extent_write(&image->safe, write->offset + at, bytes_of(write->data + at, length));
    }
}

static void image_lose_write(struct disk_image *image, const struct disk_image_change *write,
                             enum disk_survival survival, struct random *random) {
    struct bytes whole = bytes_of(write->data, write->length);
    switch (survival) {
    case DISK_SURVIVES_ALL:
    case DISK_SURVIVES_PREFIX:
        extent_write(&image->safe, write->offset, whole);
        break;
    case DISK_SURVIVES_ANY: {
        uint64_t fate = random_below(random, 3);
        if (fate == 0)
            extent_write(&image->safe, write->offset, whole);
        if (fate == 1)
            image_write_torn(image, write, random);
        break;
    }
    case DISK_SURVIVES_NOTHING:
    case DISK_SURVIVAL_COUNT:
        break;
    }
}

void disk_image_lose_power(struct disk_image *image, enum disk_survival survival,
                           struct random *random) {
    for (struct disk_image_change *write = image->first_write; write; write = write->next) {
        if (survival == DISK_SURVIVES_PREFIX && random_chance(random, 0.3)) {
            image_write_torn(image, write, random);
            break;
        }
        image_lose_write(image, write, survival, random);
    }
    image_forget_writes(image);
    image->seen.length = 0;
    extent_write(&image->seen, 0, bytes_of(image->safe.bytes, image->safe.length));
}

/* What stands there now is of a later sync. */
static bool is_written_again(const struct disk_image *image, const struct disk_range *range,
                             unsigned held) {
    for (unsigned i = 0; i < held; i++) {
        const struct disk_range *other = &image->remembered[i];
        if (other->sync_number > range->sync_number &&
            other->offset < range->offset + range->length &&
            range->offset < other->offset + other->length)
            return true;
    }
    return false;
}

bool disk_image_rot(struct disk_image *image, uint64_t syncs_behind, struct random *random,
                    uint64_t *offset, uint8_t *mask) {
    unsigned held = image->remembered_count < DISK_REMEMBERED_WRITES ? image->remembered_count
                                                                     : DISK_REMEMBERED_WRITES;
    unsigned candidates = 0;
    const struct disk_range *chosen = NULL;
    for (unsigned i = 0; i < held; i++) {
        const struct disk_range *range = &image->remembered[i];
        if (range->sync_number + syncs_behind > image->sync_count ||
            range->offset + range->length > image->safe.length ||
            is_written_again(image, range, held))
            continue;
        if (random_below(random, ++candidates) == 0)
            chosen = range;
    }
    if (chosen == NULL)
        return false;
    *offset = chosen->offset + random_below(random, chosen->length);
    *mask = (uint8_t)(1u << random_below(random, 8));
    disk_image_flip(image, *offset, *mask);
    return true;
}

uint8_t disk_image_byte(const struct disk_image *image, uint64_t offset) {
    CHECK(offset < image->seen.length);
    return image->seen.bytes[offset];
}

void disk_image_flip(struct disk_image *image, uint64_t offset, uint8_t mask) {
    CHECK(offset < image->safe.length && offset < image->seen.length);
    image->safe.bytes[offset] ^= mask;
    image->seen.bytes[offset] ^= mask;
}
