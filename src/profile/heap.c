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
 *   heap_v2/524288                       the mean number of bytes between two samples
 *     t*: 12: 4096 [90: 30000]           all of it
 *   @ 0x55d0 0x55e0                      a stack, innermost first
 *     t*: 3: 768 [5: 1280]               objects, bytes in use [since the start], as sampled
 *     t0: ...                            the same by thread
 *   MAPPED_LIBRARIES:
 *   ...                                  /proc/self/maps
 *
 * In the brackets is nothing but zeros where the process runs without prof_accum:true.
 */

struct amount {
    uint64_t objects, bytes;
};

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
static void scale(struct amount *seen, double period) {
    if (seen->objects == 0 || seen->bytes == 0 || period <= 1)
        return;
    double mean = (double)seen->bytes / (double)seen->objects;
    double factor = 1 / (1 - exp(-mean / period));
    seen->objects = (uint64_t)((double)seen->objects * factor + 0.5);
    seen->bytes = (uint64_t)((double)seen->bytes * factor + 0.5);
}

/* A line of "t*"; false: it is another. */
static bool parse_amounts(const char *line, struct amount *in_use, struct amount *ever) {
    return sscanf(line, " t*: %" SCNu64 ": %" SCNu64 " [%" SCNu64 ": %" SCNu64 "]",
                  &in_use->objects, &in_use->bytes, &ever->objects, &ever->bytes) == 4;
}

enum { HEAP_LINE_BYTES = HEAP_DEPTH_MAXIMUM * 24 };

/* Whether all that was ever allocated is told, which the second line shows. */
static bool is_accumulated(struct bytes dump) {
    const char *at = (const char *)dump.data, *end = at + dump.length;
    char line[128];
    struct amount in_use, ever;
    return next_line(&at, end, line, sizeof line) && next_line(&at, end, line, sizeof line) &&
           parse_amounts(line, &in_use, &ever) && ever.objects > 0;
}

/* Of everything first, then of what is in use: pprof shows the last kind unless told. */
enum { HEAP_KIND_COUNT = 4, HEAP_KIND_IN_USE = 2 };
static const struct pprof_kind heap_kinds[HEAP_KIND_COUNT] = {{"alloc_objects", "count"},
                                                              {"alloc_space", "bytes"},
                                                              {"inuse_objects", "count"},
                                                              {"inuse_space", "bytes"}};

static void add_sample(struct pprof *pprof, unsigned first_kind, const uint64_t *addresses,
                       size_t depth, const struct amount *in_use, const struct amount *ever) {
    const uint64_t values[HEAP_KIND_COUNT] = {ever->objects, ever->bytes, in_use->objects,
                                              in_use->bytes};
    pprof_add(pprof, addresses, depth, values + first_kind, NULL);
}

/* Returns what stands behind the samples. */
static struct bytes convert_samples(struct bytes dump, double period, unsigned first_kind,
                                    struct pprof *pprof) {
    const char *at = (const char *)dump.data, *end = at + dump.length;
    char *line = memory_allocate(HEAP_LINE_BYTES);
    uint64_t addresses[HEAP_DEPTH_MAXIMUM];
    struct amount in_use, ever;
    size_t depth = 0;
    while (next_line(&at, end, line, HEAP_LINE_BYTES)) {
        if (strcmp(line, "MAPPED_LIBRARIES:") == 0)
            break;
        if (line[0] == '@') {
            depth = parse_stack(line, addresses);
        } else if (depth && parse_amounts(line, &in_use, &ever)) {
            scale(&in_use, period);
            scale(&ever, period);
            add_sample(pprof, first_kind, addresses, depth, &in_use, &ever);
            depth = 0;
        }
    }
    memory_free(line);
    return bytes_of(at, (size_t)(end - at));
}

/* The ways into the allocator: who called them is what one looks for. */
static const char ways_in[] =
    "malloc|calloc|realloc|posix_memalign|aligned_alloc|[a-z_]*allocx|"
    "memory_(allocate|allocate_zeroed|resize|copy|copy_text)|(je_)?prof_[a-z_]*";

int heap_profile_convert(struct bytes dump, uint64_t now_ns, struct buffer *out) {
    char head[64];
    uint64_t period;
    snprintf(head, sizeof head, "%.*s", (int)(dump.length < 63 ? dump.length : 63),
             (const char *)dump.data);
    if (sscanf(head, "heap_v2/%" SCNu64, &period) != 1)
        return ERR_MALFORMED;
    unsigned first_kind = is_accumulated(dump) ? 0 : HEAP_KIND_IN_USE;
    struct pprof_options options = {.kind_count = HEAP_KIND_COUNT - first_kind,
                                    .period_kind = {"space", "bytes"},
                                    .drop_frames = ways_in,
                                    .period = period,
                                    .begun_ns = now_ns};
    memcpy(options.kinds, heap_kinds + first_kind, options.kind_count * sizeof heap_kinds[0]);
    struct pprof *pprof = pprof_new(&options);
    struct bytes maps = convert_samples(dump, (double)period, first_kind, pprof);
    pprof_finish(pprof, maps, out);
    pprof_free(pprof);
    return out->is_overflowed ? ERR_LIMIT : 0;
}
