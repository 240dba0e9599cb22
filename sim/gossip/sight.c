#include "sim/gossip/sight.h"
#include "base/check.h"
#include "base/memory.h"

enum { WORD_BITS = 64 };

void sight_init(struct sight *sight, unsigned count) {
    size_t words = (count + WORD_BITS - 1) / WORD_BITS;
    *sight = (struct sight){.bits = memory_allocate_zeroed(count * words, sizeof(uint64_t)),
                            .words = words,
                            .count = count,
                            .is_running = memory_allocate_zeroed(count, sizeof(bool)),
                            .seen_by = memory_allocate_zeroed(count, sizeof(unsigned))};
}

void sight_release(struct sight *sight) {
    memory_free(sight->bits);
    memory_free(sight->is_running);
    memory_free(sight->seen_by);
}

static uint64_t *word_of(const struct sight *sight, unsigned observer, unsigned subject) {
    return &sight->bits[observer * sight->words + subject / WORD_BITS];
}

static uint64_t bit_of(unsigned subject) { return UINT64_C(1) << (subject % WORD_BITS); }

static bool sight_get(const struct sight *sight, unsigned observer, unsigned subject) {
    return (*word_of(sight, observer, subject) & bit_of(subject)) != 0;
}

void sight_set(struct sight *sight, unsigned observer, unsigned subject, bool is_seen) {
    if (observer == subject || sight_get(sight, observer, subject) == is_seen)
        return;
    *word_of(sight, observer, subject) ^= bit_of(subject);
    if (!sight->is_running[observer])
        return;
    sight->seen_by[subject] += is_seen ? 1 : -1u;
    sight->wrong_count += is_seen == sight->is_running[subject] ? -UINT64_C(1) : 1;
}

/* Blind: an observer that begins or ends sees nothing, whatever is true. */
static void forget_row(struct sight *sight, unsigned observer) {
    for (unsigned subject = 0; subject < sight->count; subject++)
        sight_set(sight, observer, subject, false);
}

static void forget_column(struct sight *sight, unsigned subject) {
    for (unsigned observer = 0; observer < sight->count; observer++)
        sight_set(sight, observer, subject, false);
}

void sight_begin(struct sight *sight, unsigned node) {
    CHECK(!sight->is_running[node]);
    forget_column(sight, node);
    sight->wrong_count += 2 * (uint64_t)sight->running; /* they lack it, and it lacks them */
    sight->is_running[node] = true;
    sight->running++;
}

void sight_end(struct sight *sight, unsigned node) {
    CHECK(sight->is_running[node]);
    forget_row(sight, node);
    unsigned others = --sight->running;
    sight->wrong_count -= others; /* what it saw does not count any more */
    sight->is_running[node] = false;
    /* Who still sees it is wrong now; who did not see it is right. */
    sight->wrong_count += sight->seen_by[node];
    sight->wrong_count -= others - sight->seen_by[node];
}

unsigned sight_seen_by(const struct sight *sight, unsigned subject) {
    return sight->seen_by[subject];
}
