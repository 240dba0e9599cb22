/* How far another node's wall clock is from this node's clocks, from four time stamps (RFC 5905,
 * section 8, the on-wire protocol):
 *
 *     T1 the ping leaves ----------> T2 it arrives     T1, T4: this node's monotonic clock
 *     T4 the answer arrives <------- T3 it leaves      T2, T3: the other's wall clock
 *
 *     apart = ((T2 - T1) + (T3 - T4)) / 2        error = ((T4 - T1) - (T3 - T2)) / 2 at the most
 *
 * T1 and T4 are monotonic, so that a step of this node's own wall clock changes nothing. The error
 * grows with age, since clocks run at different speeds; a new sample takes the place of the one
 * kept if its error is smaller than that one's is by now (RFC 5905, section 10: of the last samples
 * the one of the least distance; here all age alike, so that what was once worse never becomes
 * better, and one is enough). It does as well where the two contradict each other: then the
 * other's wall clock has been set.
 *
 * Nothing is decided by it: a clock may lie. It corrects what is measured and shown. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct clock_offset {
    int64_t apart_us;     /* the other's wall clock minus this node's monotonic clock */
    uint64_t error_us;    /* of it, at the most, when it was measured */
    uint64_t measured_us; /* by this node's monotonic clock; 0: never */
};

struct clock_stamps {
    uint64_t sent_us, answered_us, heard_us; /* T1, T3, T4 */
    uint64_t held_us;                        /* T3 - T2 */
};

/* False for stamps that no honest exchange can have: nothing is changed. */
bool clock_offset_measure(struct clock_offset *offset, const struct clock_stamps *stamps);
static inline bool clock_offset_is_known(const struct clock_offset *offset) {
    return offset->measured_us > 0;
}
/* How large the error may be by now. */
uint64_t clock_offset_error_us(const struct clock_offset *offset, uint64_t now_us);
