#include "io/real/real_process.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "io/whole_file.h"

/* The second number of statm is pages. */
static uint64_t resident_bytes(void) {
    enum { STATM_MAXIMUM_BYTES = 256 };
    struct buffer text, problem;
    unsigned long long pages = 0;
    buffer_init(&text, STATM_MAXIMUM_BYTES);
    buffer_init(&problem, STATM_MAXIMUM_BYTES);
    if (whole_file_read("/proc/self/statm", &text, &problem) == 0) {
        buffer_append_u8(&text, 0);
        if (sscanf((const char *)buffer_data(&text), "%*u %llu", &pages) != 1)
            pages = 0;
    }
    buffer_release(&text);
    buffer_release(&problem);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t micros(const struct timeval *time) {
    return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

void process_real_facts(struct process_facts *out) {
    struct utsname system;
    struct rusage usage;
    *out = (struct process_facts){.id = (uint64_t)getpid(),
                                  .resident_bytes = resident_bytes(),
                                  .machine_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) *
                                                   (uint64_t)sysconf(_SC_PAGESIZE)};
    if (uname(&system) == 0)
        snprintf(out->system, sizeof out->system, "%s %s %s", system.sysname, system.release,
                 system.machine);
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        out->resident_most_bytes = (uint64_t)usage.ru_maxrss * 1024;
        out->user_us = micros(&usage.ru_utime);
        out->system_us = micros(&usage.ru_stime);
    }
    if (getrusage(RUSAGE_THREAD, &usage) == 0) {
        out->thread_user_us = micros(&usage.ru_utime);
        out->thread_system_us = micros(&usage.ru_stime);
    }
}
