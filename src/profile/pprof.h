/* Builds a profile in pprof's format: the protobuf message perftools.profiles.Profile, gzipped.
 * Functions have their names, so that it can be read where the program is not; lines and what was
 * inlined pprof finds in the files, which the mappings name, if it is asked to. */
#pragma once
#include "base/buffer.h"

enum { PPROF_VALUE_MAXIMUM = 4, PPROF_MAXIMUM_BYTES = 60 << 20 };

struct pprof_kind {
    const char *type, *unit; /* "cpu", "nanoseconds" */
};

struct pprof_options {
    struct pprof_kind kinds[PPROF_VALUE_MAXIMUM]; /* of a sample's values; pprof shows the last */
    unsigned kind_count;
    struct pprof_kind period_kind;
    const char *drop_frames; /* a regular expression: functions that are not shown, nor what they
                                called; NULL: all are */
    uint64_t period;         /* between two samples */
    uint64_t begun_ns, duration_ns; /* wall clock; duration 0: of one moment */
};

struct pprof;
struct pprof *pprof_new(const struct pprof_options *options);
void pprof_free(struct pprof *pprof);
/* One stack, the innermost frame first; of a caller, an address within the call. `values`: one of
 * each kind. `thread` may be NULL. */
void pprof_add(struct pprof *pprof, const uint64_t *addresses, size_t depth, const uint64_t *values,
               const char *thread);
/* With the text of /proc/self/maps; reads the files that are named there. Appends the whole file to
 * `out`; once. */
void pprof_finish(struct pprof *pprof, struct bytes maps, struct buffer *out);
