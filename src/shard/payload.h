/* The payload of a log entry of commands (docs/format/commands.md): the leader's clock, a seed, and
 * the commands of one turn.
 *
 *   0 u8  version (1)
 *   1 u64 stamp_ms
 *   9 u64 seed
 *  17 u32 command_count, at least 1
 *  21     commands: varint argument count (at least 1), then each argument as varint length and
 * bytes */
#pragma once
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"

enum { PAYLOAD_VERSION = 1, PAYLOAD_HEADER_BYTES = 21 };

struct payload_header {
    uint64_t stamp_ms, seed;
    uint32_t command_count;
};

/* The arguments of one command; memory that is used again for the next. Zeroed at first. */
struct payload_arguments {
    struct bytes *items; /* owned; what they say is borrowed from the payload */
    size_t count, capacity;
};

void payload_encode_header(struct buffer *out, const struct payload_header *header);
void payload_encode_command(struct buffer *out, const struct bytes *arguments, size_t count);
size_t payload_command_bytes(const struct bytes *arguments, size_t count); /* encoded */

/* ERR_MALFORMED, ERR_VERSION. */
int payload_decode_header(struct cursor *in, struct payload_header *header) MUST_CHECK;
int payload_decode_command(struct cursor *in, struct payload_arguments *arguments) MUST_CHECK;
void payload_arguments_release(struct payload_arguments *arguments);
/* Can all of it be decoded, and is nothing left over? Without allocating. */
int payload_check(struct bytes payload) MUST_CHECK;
