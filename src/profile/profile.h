/* A CPU profile of this process, in pprof's format. While one runs every thread has a timer on its
 * own CPU time that sends it SIGPROF; the handler walks the frame pointers of the thread it
 * interrupts and notes the addresses. Nothing of it exists while none runs: no timer, no handler,
 * no memory.
 *
 *     idle --profile_start--> sampling --profile_stop--> stopped --profile_write--> idle
 *
 * Threads that are made later are not in it. A library without frame pointers hides its own callers
 * within itself; the caller in this program is found all the same, as a rule. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

enum {
    PROFILE_HZ = 100,
    PROFILE_SECONDS_DEFAULT = 10,
    PROFILE_SECONDS_MAXIMUM = 300,
    PROFILE_DEPTH_MAXIMUM = 61,
    PROFILE_SAMPLE_MAXIMUM = 65536, /* later samples are dropped */
    PROFILE_THREAD_MAXIMUM = 1024
};

struct profile;

/* ERR_IO with a sentence in `problem`, and nothing runs. Returns owned in *out. One at a time in a
 * process: SIGPROF is one. */
int profile_start(unsigned seconds, struct profile **out, struct buffer *problem) MUST_CHECK;
void profile_stop(struct profile *profile);
/* Of a stopped one: appends the file. ERR_LIMIT, ERR_IO. */
int profile_write(const struct profile *profile, struct buffer *out) MUST_CHECK;
/* Of a stopped one. */
void profile_free(struct profile *profile);
