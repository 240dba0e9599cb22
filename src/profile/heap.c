#include "profile/heap.h"
#include "base/memory.h"
#include "profile/pprof.h"
#include "profile/process_file.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* jemalloc's MALLCTL_ARENAS_ALL. */
#define ALL_ARENAS "4096"

enum { HEAP_DEPTH_MAXIMUM = 256 };

/* jemalloc's. Weak, because a build with sanitizers has another allocator. */
int mallctl(const char *name, void *old, size_t *old_bytes, void *new, size_t new_bytes)
    __attribute__((weak));
void malloc_stats_print(void (*write)(void *context, const char *text), void *context,
                        const char *options) __attribute__((weak));

/* ---- statistics ---- */

static void append_text(void *context, const char *text) { buffer_append_text(context, text); }

int heap_write_statistics(struct buffer *out) {
    if (malloc_stats_print == NULL)
        return ERR_NOT_FOUND;
    malloc_stats_print(append_text, out, NULL);
    return out->is_overflowed ? ERR_LIMIT : 0;
}

/* ---- what was freed ---- */

void heap_give_back(void) {
    if (mallctl == NULL)
        return;
    /* Neither can fail but by a name that this release of jemalloc does not know. */
    (void)mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    (void)mallctl("arena." ALL_ARENAS ".purge", NULL, NULL, NULL, 0);
}

/* ---- the profile ---- */

static bool is_profiling(void) {
    bool is_on = false;
    size_t bytes = sizeof is_on;
    return mallctl("opt.prof", &is_on, &bytes, NULL, 0) == 0 && is_on;
}

/* jemalloc dumps to a file by name; this one lies in memory and has no other. */
static int dump(struct buffer *out) {
    char path[64];
    const char *name = path;
    int file = memfd_create("heap", MFD_CLOEXEC);
    if (file < 0)
        return ERR_IO;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int error = mallctl("prof.dump", NULL, NULL, &name, sizeof name) == 0
                    ? process_file_read(path, out)
                    : ERR_IO;
    close(file);
    return error;
}

int heap_write_profile(struct buffer *out) {
    if (mallctl == NULL)
        return ERR_NOT_FOUND;
    if (!is_profiling())
        return ERR_REFUSED;
    struct buffer text;
    struct timespec now;
    buffer_init(&text, HEAP_TEXT_MAXIMUM_BYTES);
    clock_gettime(CLOCK_REALTIME, &now);
    int error = dump(&text);
    if (error == 0)
        error = heap_profile_convert(
            buffer_bytes(&text), (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, out);
    buffer_release(&text);
    return error;
}

/* ---- from jemalloc's text to pprof's bytes ----
 *
 *   heap_v2/524288                         the mean number of bytes between two samples
 *     t*: 12: 4096 [0: 0]                  all of it
 *   @ 0x55d0 0x55e0                        a stack, innermost first
 *     t*: 3: 768 [0: 0]                    objects, bytes in use [, since the start], as sampled
 *     t0: ...                              the same by thread
 *   MAPPED_LIBRARIES:
 *   ...                                    /proc/self/maps
 */

static bool next_line(const char **at, const char *end, char *line, size_t line_bytes) {
    if (*at >= end)
        return false;
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    stop = stop ? stop : end;
    snprintf(line, line_bytes, "%.*s", (int)(stop - *at), *at);
    *at = stop < end ? stop + 1 : end;
    return true;
}

static size_t parse_stack(const char *line, uint64_t addresses[HEAP_DEPTH_MAXIMUM]) {
    size_t depth = 0;
    char *next;
    for (const char *at = line + 1; depth < HEAP_DEPTH_MAXIMUM; at = next) {
        uint64_t address = strtoull(at, &next, 16);
        if (next == at)
            break;
        addresses[depth++] = address ? address - 1 : 0; /* within the call, not behind it */
    }
    return depth;
}

/* Each byte is sampled with the same small chance, so of small objects few are seen: each seen one
 * stands for many. */
static void scale(uint64_t values[PPROF_VALUE_MAXIMUM], double period) {
    if (values[0] == 0 || values[1] == 0 || period <= 1)
        return;
    double mean = (double)values[1] / (double)values[0];
    double factor = 1 / (1 - exp(-mean / period));
    values[0] = (uint64_t)((double)values[0] * factor + 0.5);
    values[1] = (uint64_t)((double)values[1] * factor + 0.5);
}

static struct bytes convert_samples(struct bytes dump, double period, struct pprof *pprof) {
    const char *at = (const char *)dump.data, *end = at + dump.length;
    char *line = memory_allocate(HEAP_DEPTH_MAXIMUM * 24);
    uint64_t addresses[HEAP_DEPTH_MAXIMUM], values[PPROF_VALUE_MAXIMUM];
    size_t depth = 0;
    while (next_line(&at, end, line, HEAP_DEPTH_MAXIMUM * 24)) {
        if (strcmp(line, "MAPPED_LIBRARIES:") == 0)
            break;
        if (line[0] == '@') {
            depth = parse_stack(line, addresses);
        } else if (depth &&
                   sscanf(line, " t*: %" SCNu64 ": %" SCNu64, &values[0], &values[1]) == 2) {
            scale(values, period);
            pprof_add(pprof, addresses, depth, values, NULL);
            depth = 0;
        }
    }
    memory_free(line);
    return bytes_of(at, (size_t)(end - at));
}

int heap_profile_convert(struct bytes dump, uint64_t now_ns, struct buffer *out) {
    char head[64];
    uint64_t period;
    snprintf(head, sizeof head, "%.*s", (int)(dump.length < 63 ? dump.length : 63),
             (const char *)dump.data);
    if (sscanf(head, "heap_v2/%" SCNu64, &period) != 1)
        return ERR_MALFORMED;
    struct pprof *pprof = pprof_new(
        &(struct pprof_options){.kinds = {{"inuse_objects", "count"}, {"inuse_space", "bytes"}},
                                .period_kind = {"space", "bytes"},
                                .period = period,
                                .begun_ns = now_ns});
    struct bytes maps = convert_samples(dump, (double)period, pprof);
    pprof_finish(pprof, maps, out);
    pprof_free(pprof);
    return out->is_overflowed ? ERR_LIMIT : 0;
}
