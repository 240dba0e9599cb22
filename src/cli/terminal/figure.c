#include "cli/terminal/figure.h"

#include <stdio.h>
#include <time.h>

const char *figure_thousands(uint64_t number, char out[FIGURE_BYTES]) {
    char digits[FIGURE_BYTES];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            out[length++] = ',';
        out[length++] = digits[i];
    }
    out[length] = '\0';
    return out;
}

const char *figure_duration(uint64_t us, char out[FIGURE_BYTES]) {
    unsigned long long ms = (us + 500) / 1000, tenths = (us + 50000) / 100000,
                       seconds = (us + 500000) / 1000000;
    if (ms < 1000)
        snprintf(out, FIGURE_BYTES, "%llu ms", ms);
    else if (tenths < 100)
        snprintf(out, FIGURE_BYTES, "%llu.%llu s", tenths / 10, tenths % 10);
    else if (seconds < 60)
        snprintf(out, FIGURE_BYTES, "%llu s", seconds);
    else
        snprintf(out, FIGURE_BYTES, "%llu min %llu s", seconds / 60, seconds % 60);
    return out;
}

uint64_t figure_now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
