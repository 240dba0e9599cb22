#include "io/real/direct_file.h"
#include "base/memory.h"
#include <fcntl.h>
#include <unistd.h>

static const size_t least_bytes = 256 << 10;
static const uint64_t block_mask = DISK_BLOCK_BYTES - 1;

void direct_file_init(struct direct_file *direct) {
    *direct = (struct direct_file){.descriptor = -1};
}

void direct_file_open(struct direct_file *direct, int directory, const char *name) {
    direct->descriptor = openat(directory, name, O_WRONLY | O_DIRECT | O_CLOEXEC | O_NOFOLLOW);
}

void direct_file_close(struct direct_file *direct) {
    if (direct->descriptor >= 0)
        close(direct->descriptor);
    memory_free(direct->memory);
    direct_file_init(direct);
}

void direct_file_forget(struct direct_file *direct) { direct->blocks_length = 0; }

/* Room for so many bytes; of what is known the first block is kept. */
static void make_room(struct direct_file *direct, size_t bytes) {
    if (bytes <= direct->capacity)
        return;
    size_t capacity = (bytes + bytes / 2 + least_bytes) & ~block_mask;
    uint8_t *memory = memory_allocate(capacity + DISK_BLOCK_BYTES);
    uint8_t *blocks = memory + (-(uintptr_t)memory & block_mask);
    if (direct->blocks_length)
        memcpy(blocks, direct->blocks, DISK_BLOCK_BYTES);
    memory_free(direct->memory);
    direct->memory = memory;
    direct->blocks = blocks;
    direct->capacity = capacity;
}

/* Brings the block at `offset` to the front: from the write before, or from the file. */
static bool find_first_block(struct direct_file *direct, int descriptor, uint64_t offset) {
    uint64_t end = direct->blocks_offset + direct->blocks_length;
    bool is_known = offset >= direct->blocks_offset && offset + DISK_BLOCK_BYTES <= end;
    if (is_known)
        memmove(direct->blocks, direct->blocks + (offset - direct->blocks_offset),
                DISK_BLOCK_BYTES);
    else if (pread(descriptor, direct->blocks, DISK_BLOCK_BYTES, (off_t)offset) != DISK_BLOCK_BYTES)
        return false;
    direct->blocks_offset = offset;
    direct->blocks_length = DISK_BLOCK_BYTES;
    return true;
}

bool direct_file_prepare(struct direct_file *direct, int descriptor, uint64_t file_bytes,
                         uint64_t least_end, const struct disk_write *write,
                         struct direct_write *out) {
    size_t lead = (size_t)(write->offset & block_mask), used = lead + disk_write_bytes(write);
    uint64_t first = write->offset - lead;
    size_t wanted = least_end > first + used ? (size_t)(least_end - first) : used;
    size_t length = (wanted + block_mask) & ~block_mask;
    if (direct->descriptor < 0 || first + length > file_bytes)
        return false;
    make_room(direct, DISK_BLOCK_BYTES);
    if (lead && !find_first_block(direct, descriptor, first)) {
        direct_file_forget(direct);
        return false;
    }
    make_room(direct, length);
    uint8_t *at = direct->blocks + lead;
    for (size_t i = 0; i < write->count; at += write->pieces[i++].length)
        if (write->pieces[i].length)
            memcpy(at, write->pieces[i].data, write->pieces[i].length);
    memset(at, 0, length - used);
    direct->blocks_offset = first;
    direct->blocks_length = length;
    *out = (struct direct_write){.offset = first, .bytes = bytes_of(direct->blocks, length)};
    return true;
}
