/* Writes to a file past the kernel's page cache (O_DIRECT), which saves the copy into it and what
 * it takes to find the pages and to write them out later. Such writes are of whole blocks:
 *
 *     file      | ...........xx|xxxxxxxx|xxx00000 |        x: what is to be written
 *     block(s)  |  known   xx|xxxxxxxx|xxx00000 |        0: zeros, or what stood there
 *
 * What stands before it in its first block is known from the write before, or read. What stands
 * behind it in its last block becomes zero, and if it is wanted so do blocks behind that. Writes
 * stay within the file. */
#pragma once
#include "io/disk.h"

struct direct_file {
    int descriptor; /* -1: the file system has no such thing */
    uint8_t *memory;
    size_t capacity;        /* of `blocks` */
    uint8_t *blocks;        /* in `memory`, aligned: */
    uint64_t blocks_offset; /* where they lie in the file, */
    size_t blocks_length;   /* and how many bytes; 0: none are known */
};

/* What one write comes to: these bytes at this offset, both multiples of the block. */
struct direct_write {
    uint64_t offset;
    struct bytes bytes; /* borrowed until the next one */
};

void direct_file_init(struct direct_file *direct);
/* Without success it stays without a descriptor. */
void direct_file_open(struct direct_file *direct, int directory, const char *name);
void direct_file_close(struct direct_file *direct);
/* `descriptor` is the same file with the page cache. Zeros follow the pieces, at least up to
 * `least_end`, which is within the file. False: the write must go through the cache. */
bool direct_file_prepare(struct direct_file *direct, int descriptor, uint64_t file_bytes,
                         uint64_t least_end, const struct disk_write *write,
                         struct direct_write *out) MUST_CHECK;
/* The write failed, or the file was changed in another way: nothing is known of it. */
void direct_file_forget(struct direct_file *direct);
