/* A CPU profile of this process, in pprof's format. While one runs every thread has a timer on its
 * own CPU time that sends it SIGPROF; the handler walks the frame pointers of the thread it
 * interrupts and notes the addresses. Nothing of it exists before the first runs; between two there
 * is no timer and no handler, but 16 KiB: what a handler looks at that begins late.
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
struct profiler;

/* One for a process. It is told to the handler, and so outlives every profile: free it when no
 * other thread runs any more. Returns owned. */
struct profiler *profiler_new(void);
void profiler_free(struct profiler *profiler);

/* ERR_IO with a sentence in `problem`, and nothing runs. Returns owned in *out; borrows the
 * profiler. One at a time: SIGPROF is one. */
int profile_start(struct profiler *profiler, unsigned seconds, struct profile **out,
                  struct buffer *problem) MUST_CHECK;
void profile_stop(struct profile *profile);
/* Of a stopped one: appends the file. ERR_LIMIT, ERR_IO. */
int profile_write(const struct profile *profile, struct buffer *out) MUST_CHECK;
/* Of a stopped one. */
void profile_free(struct profile *profile);
