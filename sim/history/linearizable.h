/* Is the history of one key linearizable (Herlihy and Wing 1990)? Exact, by just-in-time
 * linearization (Lowe, "Testing for linearizability", 2017), walking forward in time with the set
 * of all configurations that are still possible:
 *
 *   a configuration           = the key's state
 *                               + which of the operations that are under way have taken effect
 *   an operation is invoked:  it is under way
 *   an operation returns X:   each configuration lets operations under way take effect, in any
 *                             order, until X does with X's answer; those in which X has taken
 *                             effect go on. None left: not linearizable
 *
 * One that was done before it returned, or never will be, returns in either state.
 *
 * An operation of unknown outcome never returns: it stays under way for ever. Of two configurations
 * of equal state the one that used more of those is dropped, as all that it can do the other can do
 * too; so the set stays small although unknown operations pile up, and where nothing is under way
 * it is the set of states (the cut at quiescent points). */
#pragma once
#include "sim/history/model.h"

enum {
    LINEARIZABLE_UNDER_WAY_MAXIMUM = 256,
    LINEARIZABLE_CONFIGURATION_MAXIMUM = 50000,
    LINEARIZABLE_STEP_MAXIMUM = 2000000 /* configurations looked at for one key */
};

enum verdict {
    LINEARIZABLE,
    NOT_LINEARIZABLE,
    UNDECIDED /* past one of the limits above */
};

/* Operations of one key, in any order; `after` refers to positions in this array, + 1. On
 * NOT_LINEARIZABLE *culprit is the operation whose answer no order explains. */
enum verdict linearizable_check(const struct operation *operations, size_t count, size_t *culprit);
