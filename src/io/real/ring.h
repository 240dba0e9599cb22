/* An io_uring that holds one write at a time: handed to the kernel and reported without a thread in
 * between. By raw system calls, so that it needs no library. */
#pragma once
#include "base/bytes.h"
#include "base/error.h"

struct ring;

/* `descriptor`, an eventfd, is written to when a write is finished. Returns owned in *out. NULL
 * there, and the errno returned, where the kernel has none or forbids it. */
int ring_open(int descriptor, struct ring **out) MUST_CHECK;
void ring_close(struct ring *ring); /* nothing may be under way */
bool ring_is_busy(const struct ring *ring);
/* Writes and makes durable. `bytes` are borrowed until it is reported. False: the kernel took
 * nothing. */
bool ring_write(struct ring *ring, int descriptor, uint64_t offset, struct bytes bytes) MUST_CHECK;
/* Is the write finished? *result: bytes written, or a negative errno. */
bool ring_take(struct ring *ring, int64_t *result);
void ring_wait(struct ring *ring); /* until ring_take() says so */
