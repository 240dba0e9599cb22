#include "sim/cluster/simulation.h"
#include <stdarg.h>
#include <stdio.h>

void simulation_fail(struct simulation *simulation, const char *format, ...) {
    if (simulation_has_failed(simulation))
        return;
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_append_format(&simulation->failure, "at %.6f s: %s",
                         (double)simulation->queue.now_us / 1e6, text);
    trace_line(&simulation->trace, "FAILED: %s", text);
}
