/* Reads requests of the Redis protocol: multibulk ("*2\r\n$4\r\nECHO...") and inline commands, one
 * at a time from the front of a connection's input. A request is bounded by limits; a broken one
 * ends the connection, with Redis's own words. */
#pragma once
#include "base/buffer.h"

struct request_limits {
    size_t bulk_bytes;       /* proto-max-bulk-len */
    size_t argument_count;   /* proto-max-arguments */
    size_t inline_bytes;     /* 64 KiB, as Redis */
    bool is_unauthenticated; /* until the client has logged in: at most 10 arguments of 16 KiB, as
                                Redis */
};

/* Remembers how far an incomplete request was parsed, so that long requests are not parsed again
 * from the start. */
struct request_parser {
    struct request_limits limits;
    struct bytes
        *arguments; /* after REQUEST_READY: borrowed from the input (or from `inline_arguments`) */
    size_t argument_count, argument_capacity;
    size_t offset; /* into the input: everything before it is parsed */
    int64_t multibulk_left, bulk_length;
    size_t *positions; /* offsets of arguments, as the input may move in memory */
    struct buffer inline_arguments;
    char problem[128]; /* after REQUEST_BROKEN: "Protocol error: invalid bulk length" */
};

/* What a client may send before it has logged in (CVE-2025-21605: input of strangers is bounded).
 */
enum { REQUEST_UNAUTHENTICATED_ARGUMENTS = 10, REQUEST_UNAUTHENTICATED_BULK_BYTES = 16384 };

enum request_status { REQUEST_READY, REQUEST_INCOMPLETE, REQUEST_BROKEN };

void request_parser_init(struct request_parser *parser, const struct request_limits *limits);
void request_parser_release(struct request_parser *parser);
/* On REQUEST_READY *consumed bytes belong to this request (argument_count may be 0: an empty line,
 * to be skipped); the caller uses the arguments, then consumes them from its buffer and calls
 * again. The limits may be changed between two requests. REQUEST_BROKEN stays: every later call
 * says it again. */
enum request_status request_parse(struct request_parser *parser, struct bytes input,
                                  size_t *consumed);

/* What stands next in the input, for whoever wants to prepare for it: the bytes of the request at
 * the front, and its first two arguments, borrowed. 0: it is not whole, or none of the plain ones
 * (multibulk, two to REQUEST_GLANCE_ARGUMENTS arguments). It promises nothing, as it checks less
 * than request_parse(), which decides. */
enum { REQUEST_GLANCE_ARGUMENTS = 8 };
size_t request_glance(struct bytes input, struct bytes first_two[2]);

/* Encodes a request as multibulk. For clients: the CLI, the simulator, the demo. */
void request_encode(struct buffer *out, const struct bytes *arguments, size_t count);
