/* Writes records as the blocks that docs/format/keyspace.md draws; keyspace_load.c reads them. */
#pragma once
#include "base/buffer.h"
#include "keyspace/record.h"

enum {
    SAVER_FORMAT_VERSION = 1,
    SAVER_BLOCK_BYTES = 64 * 1024,
    SAVER_BLOCK_HEADER_BYTES = 1 + 8, /* the version; how many bytes of records follow */
    SAVER_HAS_EXPIRY = 1,
    SAVER_CONTINUES = 2, /* more elements for the object that the record before it began */
    SAVER_FLAGS_KNOWN = SAVER_HAS_EXPIRY | SAVER_CONTINUES
};

/* All zeros is a saver that has begun no block. */
struct saver {
    size_t block_start, block_bytes; /* in the buffer; 0 bytes: none is begun */
};

/* The first record of a key. */
void saver_append(struct saver *saver, struct buffer *out, const struct record *record,
                  uint8_t encoding, struct bytes payload);
/* More of its object. */
void saver_append_more(struct saver *saver, struct buffer *out, const struct record *record,
                       uint8_t encoding, struct bytes payload);
/* A record with all that it holds; returns its part of the state's hash. */
uint64_t saver_append_whole(struct saver *saver, struct buffer *out, const struct record *record);
void saver_end_block(struct saver *saver, struct buffer *out);
