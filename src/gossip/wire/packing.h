/* Datagrams that are compressed: a PACKED one holds a FILL, so that one datagram brings about twice
 * as much of the state. Only FILLs: what is told to keep the cluster going is short, and is not to
 * wait for a compressor. Members of version 0 get none.
 *
 *     a FILL is written ...... 1,160 bytes:   what is there is compressed, to 800 say;
 *                                             so 300 more bytes fit, whatever they are: grow
 *              ............... 1,460 bytes:   again, until it does not pay
 *     sent                                    compressed, unless that saves less than a sixth
 *
 * Messages of streams are packed as well; they do not grow.
 *
 * What is unpacked is at most PACKING_RAW_MAXIMUM bytes (GOSSIP_STREAM_MESSAGE_MAXIMUM of a
 * stream's), whatever a datagram says of itself, and nothing packed is in it again
 * (docs/decisions/). */
#pragma once
#include "gossip/wire/codec.h"

enum { PACKING_RAW_MAXIMUM = 4 * GOSSIP_DATAGRAM_MAXIMUM };

/* The datagram that is being written is full: makes room for more if it will shrink. What is
 * shorter than `least_bytes` is not compressed; 0: nothing is. */
bool packing_grow(struct codec_writer *writer, size_t least_bytes) MUST_CHECK;
/* What the writer holds, as it is to be sent: packed or not, in at most so many bytes. Empty: it
 * cannot be sent. Borrows the writer, or `packed`, which it overwrites. */
struct bytes packing_pack(const struct codec_writer *writer, size_t least_bytes, size_t maximum,
                          struct buffer *packed);
/* The datagram behind a datagram: itself, or what is packed in it, at most `raw_maximum` bytes of
 * sections, written to `unpacked`. 0 or ERR_MALFORMED. */
int packing_unpack(struct bytes datagram, size_t raw_maximum, struct buffer *unpacked,
                   struct bytes *out) MUST_CHECK;
