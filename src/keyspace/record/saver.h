/* Writes records as the blocks that docs/format/keyspace.md draws; keyspace/load.c reads them. */
#pragma once
#include "base/buffer.h"
#include "keyspace/record/record.h"

enum {
    SAVER_FORMAT_VERSION = 2,
    SAVER_FORMAT_VERSION_WHOLE = 1,                /* without pieces of strings */
    SAVER_STRING_BYTES = STRING_IN_RECORD_MAXIMUM, /* a longer string may be saved in pieces */
    SAVER_BLOCK_BYTES = 64 * 1024,
    SAVER_BLOCK_HEADER_BYTES = 1 + 8, /* the version; how many bytes of records follow */
    SAVER_HAS_EXPIRY = 1,
    SAVER_CONTINUES = 2, /* more of the object, or string, that the record before it began */
    SAVER_IS_PIECE = 4   /* the first piece of a string; how long that is stands before it */
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
/* A piece of a string, the first or a later one: `length` bytes that stand behind each other. */
void saver_append_piece(struct saver *saver, struct buffer *out, const struct record *record,
                        size_t offset, size_t length);
/* A record with all that it holds; returns its part of the state's hash. */
uint64_t saver_append_whole(struct saver *saver, struct buffer *out, const struct record *record);
void saver_end_block(struct saver *saver, struct buffer *out);
