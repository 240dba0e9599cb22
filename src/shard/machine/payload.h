/* The payload of a log entry of commands (docs/format/commands.md): the leader's clock, a seed, and
 * the commands of one turn.
 *
 *   0 u8  version: 1, or 2 with traces
 *   1 u64 stamp_ms
 *   9 u64 seed
 *  17 u32 command_count, at least 1
 *  21     version 2: varint trace count (1 to 16), then for each a varint position among the
 *         commands, ascending, and the id as varint length and bytes
 *         commands: varint argument count (at least 1), then each argument as varint length and
 * bytes */
#pragma once
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"

enum {
    PAYLOAD_VERSION = 1,
    PAYLOAD_VERSION_TRACED = 2,
    PAYLOAD_HEADER_BYTES = 21, /* without traces */
    PAYLOAD_TRACE_MAXIMUM = 16,
    PAYLOAD_TRACE_ID_MAXIMUM = 64,
    PAYLOAD_TRACES_BYTES_MAXIMUM = 1 + PAYLOAD_TRACE_MAXIMUM * (5 + 1 + PAYLOAD_TRACE_ID_MAXIMUM)
};

struct payload_header {
    uint64_t stamp_ms, seed;
    uint32_t command_count;
    uint32_t trace_count;
    struct bytes traces; /* encoded: trace_count times payload_encode_trace() */
};

/* The arguments of one command; memory that is used again for the next. Zeroed at first. */
struct payload_arguments {
    struct bytes *items; /* owned; what they say is borrowed from the payload */
    size_t count, capacity;
};

void payload_encode_header(struct buffer *out, const struct payload_header *header);
void payload_encode_command(struct buffer *out, const struct bytes *arguments, size_t count);
void payload_encode_trace(struct buffer *out, uint32_t position, struct bytes id);
/* Of `traces` of a header that was decoded; the id is borrowed. */
struct bytes payload_decode_trace(struct cursor *traces, uint32_t *position);
/* Has the payload traces? One byte tells, so that entries without cost nothing. */
static inline bool payload_is_traced(struct bytes payload) {
    return payload.length > 0 && payload.data[0] == PAYLOAD_VERSION_TRACED;
}
/* 1 to PAYLOAD_TRACE_ID_MAXIMUM letters, digits, '-', '_', '.' or ':', so that it stands in a log
 * line as it is. */
bool payload_is_trace_id(struct bytes id);
size_t payload_command_bytes(const struct bytes *arguments, size_t count); /* encoded */

/* ERR_MALFORMED, ERR_VERSION. */
int payload_decode_header(struct cursor *in, struct payload_header *header) MUST_CHECK;
int payload_decode_command(struct cursor *in, struct payload_arguments *arguments) MUST_CHECK;
/* The same into `room`, of *count arguments. ERR_LIMIT, and nothing is read, if there are more than
 * room_count of them. */
int payload_decode_within(struct cursor *in, struct bytes *room, size_t room_count,
                          size_t *count) MUST_CHECK;
void payload_arguments_release(struct payload_arguments *arguments);
/* Can all of it be decoded, and is nothing left over? Without allocating. */
int payload_check(struct bytes payload) MUST_CHECK;
