/* Who sees whom: one bit for each observer and subject, set while the observer believes the subject
 * to be alive in the life that it has now. What should be seen is known, so all that is left to
 * find out is how many bits are wrong: 0 means that all who run know exactly all who run. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sight {
    uint64_t *bits; /* a row an observer */
    size_t words;   /* of a row */
    unsigned count;
    bool *is_running;
    unsigned *seen_by; /* by subject: running observers, itself not counted */
    unsigned running;
    uint64_t wrong_count; /* of running observers */
};

void sight_init(struct sight *sight, unsigned count);
void sight_release(struct sight *sight);
/* A life begins (nobody sees it yet, and it sees nobody) or ends (what it saw is void). */
void sight_begin(struct sight *sight, unsigned node);
void sight_end(struct sight *sight, unsigned node);
void sight_set(struct sight *sight, unsigned observer, unsigned subject, bool is_seen);
/* How many running others see it alive. */
unsigned sight_seen_by(const struct sight *sight, unsigned subject);
