/* Where a node lies in a space in which distance is round-trip time: Vivaldi (Dabek, Cox, Kaashoek,
 * Morris 2004) with heights, and a slight pull to the origin so that the whole does not drift
 * (Ledlie, Gardner, Seltzer 2007). Each measured round trip moves a node a little, as a spring
 * between the two would; whoever is less sure of its place moves more.
 *
 *     round trip of a and b  =  | a.at - b.at |  +  a.height  +  b.height
 *
 * `height` is the way into the core that all traffic of the node takes, whoever it is with. The
 * same measurements and the same random numbers give the same coordinates. */
#pragma once
#include "base/bytes.h"
#include "base/random.h"
#include "gossip/terms/keys.h"

enum { COORDINATE_DIMENSIONS = 4, COORDINATE_TEXT_MAXIMUM = 80 };
#define COORDINATE_LONGEST_US 60e6 /* no node lies farther from the origin, or higher */

struct coordinate {
    double at[COORDINATE_DIMENSIONS]; /* microseconds, as is `height` */
    double height;
    double error; /* of what it predicts, relative: 0.1 is a tenth; above 1 it knows nothing */
};

void coordinate_init(struct coordinate *coordinate);
/* Moves `own` by one measurement; one of 0 or of more than a minute says nothing. */
void coordinate_update(struct coordinate *own, const struct coordinate *other,
                       uint64_t round_trip_us, struct random *random);
double coordinate_round_trip_us(const struct coordinate *a, const struct coordinate *b);
/* How far apart two places of the same node are: microseconds. */
double coordinate_moved_us(const struct coordinate *from, const struct coordinate *to);
/* As a key's value: six whole numbers, the last in thousandths. Returns its bytes, in `out`. */
struct bytes coordinate_print(const struct coordinate *coordinate,
                              char out[COORDINATE_TEXT_MAXIMUM]);
bool coordinate_parse(struct coordinate *coordinate, struct bytes text); /* false: it is none */
/* Under this key each member says its own; nobody but gossip itself sets or lists it. */
#define COORDINATE_KEY BYTES_LITERAL(GOSSIP_KEY_COORDINATE)
static inline bool coordinate_is_key(struct bytes key) { return bytes_equal(key, COORDINATE_KEY); }
