/* The report of a run, for programs as JSON and for people as one HTML page that holds all it
 * shows: the same JSON with the plots drawn from it. The fields are told in docs/guide/chaos.md. */
#pragma once
#include <limits.h>

#include "base/buffer.h"
#include "chaos/verdict.h"

enum {
    REPORT_BYTES_MAXIMUM = 64 << 20,
    REPORT_VIEWS_MAXIMUM = 400 /* points of a death's curve */
};

#define REPORT_NEVER_FELL UINT_MAX

struct report {
    const struct scenario *scenario; /* all borrowed */
    const struct tally *tally;
    const struct verdict *verdicts; /* one for each expectation */
    const char *version;
    uint64_t begun_unix_ms, seed;
    const unsigned *fell_on; /* by step, the fewest agents of all its times, or REPORT_NEVER_FELL */
    const char *problem;     /* why the run ended before its time; NULL: it did not */
};

/* Were there too few agents for a step: who was to be killed had ended, say? */
bool report_is_short(const struct report *report, unsigned step);
/* Appends one JSON object. */
void report_append_json(const struct report *report, struct buffer *out);
/* Appends the page. */
void report_append_page(const struct report *report, struct buffer *out);
