/* Wraps bytes as a gzip file (RFC 1952) of stored blocks (RFC 1951): whoever wants gzip gets it,
 * and nothing is compressed. */
#pragma once
#include "base/buffer.h"

void gzip_wrap(struct bytes content, struct buffer *out);
