#include "sim/world/trace.h"
#include <stdarg.h>
#include <stdio.h>

enum { TRACE_LINE_MAXIMUM = 4096 };

void trace_init(struct trace *trace, const uint64_t *now_us, bool is_printed) {
    *trace = (struct trace){.now_us = now_us, .is_printed = is_printed};
}

static void trace_fold(struct trace *trace, uint64_t value) {
    uint64_t mixed = (trace->hash ^ value) * 0x9e3779b97f4a7c15u;
    trace->hash = mixed ^ (mixed >> 29);
}

void trace_event(struct trace *trace, const char *what, uint64_t a, uint64_t b,
                 struct bytes bytes) {
    trace->event_count++;
    trace_fold(trace, *trace->now_us);
    trace_fold(trace, (uint64_t)(uint8_t)what[0] << 8 | (uint8_t)what[1]);
    trace_fold(trace, a << 32 ^ b);
    if (bytes.length)
        trace_fold(trace, bytes_hash(bytes, trace->hash));
    if (trace->is_printed)
        printf("%12.6f  %-10s %llu %llu (%zu bytes)\n", (double)*trace->now_us / 1e6, what,
               (unsigned long long)a, (unsigned long long)b, bytes.length);
}

void trace_line(struct trace *trace, const char *format, ...) {
    char line[TRACE_LINE_MAXIMUM];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    size_t held = length < 0 ? 0 : (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    trace->event_count++;
    trace_fold(trace, *trace->now_us);
    trace_fold(trace, bytes_hash(bytes_of(line, held), trace->hash));
    if (trace->is_printed)
        printf("%12.6f  %.*s\n", (double)*trace->now_us / 1e6, (int)held, line);
}
