/* The trace: every delivery, disk call, log line and reply is folded into one hash, so that two
 * runs of a seed can be compared by one number; with --print the same is printed as lines. Nothing
 * that differs between two runs of the same seed (pointers, real time) may be folded in. */
#pragma once
#include "base/bytes.h"

struct trace {
    uint64_t hash;
    uint64_t event_count;
    const uint64_t *now_us; /* borrows */
    bool is_printed;
};

void trace_init(struct trace *trace, const uint64_t *now_us, bool is_printed);
/* `what` is a word; a and b are numbers that say which; bytes may be BYTES_NONE. */
void trace_event(struct trace *trace, const char *what, uint64_t a, uint64_t b, struct bytes bytes);
/* A line for people, of which everything is folded in as well. */
void trace_line(struct trace *trace, const char *format, ...) __attribute__((format(printf, 2, 3)));
