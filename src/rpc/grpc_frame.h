/* gRPC's framing of messages inside an HTTP/2 stream (gRPC over HTTP2, "Length-Prefixed-Message"):
 *
 *     +---------------+---------------------+-----------------+
 *     | compressed 1  | length 4 big-endian | message         |   repeated
 *     +---------------+---------------------+-----------------+
 *
 * The reader takes pieces of any size and gives out whole messages. A message that came in one
 * piece is not copied. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

enum {
    GRPC_PREFIX_BYTES = 5,
    GRPC_READER_KEPT_BYTES = 512 << 10, /* memory that a stream keeps between messages, */
    GRPC_READER_BUSY_BYTES = 8 << 20,   /* and while it is needed */
    GRPC_READER_TRUST = 16 /* room is made for so many times what came of a message, not for more */
};

struct grpc_reader {
    struct buffer held; /* the beginning of a message whose rest has not come */
    size_t given;       /* bytes of `held` that were given out, and go at the next call */
    size_t maximum_bytes;
};

void grpc_prefix_write(uint8_t out[GRPC_PREFIX_BYTES], size_t message_length);
void grpc_reader_init(struct grpc_reader *reader, size_t maximum_bytes);
void grpc_reader_release(struct grpc_reader *reader);
/* Takes from *input (which it shortens) up to the next whole message. 1: *message borrows, until
 * the next call, from the reader or from the input, and may be changed in place. 0: all of the
 * input is taken. ERR_LIMIT: longer than maximum_bytes. ERR_VERSION: compressed, which nobody
 * negotiated. After an error the stream is of no use. */
int grpc_reader_next(struct grpc_reader *reader, struct bytes *input,
                     struct bytes *message) MUST_CHECK;
/* Is there a message of which only the beginning came? */
bool grpc_reader_is_amid(const struct grpc_reader *reader);
