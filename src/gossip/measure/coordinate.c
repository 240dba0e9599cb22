#include "gossip/measure/coordinate.h"
#include "base/text/number.h"
#include <assert.h>
#include <math.h>

/* The paper's c_e and c_c (3.4), its least height (5.4), and how sure of itself a node can get. */
#define ERROR_WEIGHT      0.25
#define FORCE_WEIGHT      0.25
#define HEIGHT_LEAST_US   10.0
#define ERROR_FIRST       1.5
#define ERROR_LEAST       0.01
#define GRAVITY_RADIUS_US 2e6  /* half the way to here is pulled back by a 4th of itself */
#define SAME_PLACE_US     1e-3 /* closer than this there is no direction */

void coordinate_init(struct coordinate *coordinate) {
    *coordinate = (struct coordinate){.height = HEIGHT_LEAST_US, .error = ERROR_FIRST};
}

static double length_of(const double vector[COORDINATE_DIMENSIONS]) {
    double sum = 0;
    for (unsigned i = 0; i < COORDINATE_DIMENSIONS; i++)
        sum += vector[i] * vector[i];
    return sqrt(sum);
}

/* From b to a. */
static double way_between(const struct coordinate *a, const struct coordinate *b,
                          double way[COORDINATE_DIMENSIONS]) {
    for (unsigned i = 0; i < COORDINATE_DIMENSIONS; i++)
        way[i] = a->at[i] - b->at[i];
    return length_of(way);
}

double coordinate_round_trip_us(const struct coordinate *a, const struct coordinate *b) {
    double way[COORDINATE_DIMENSIONS];
    return way_between(a, b, way) + a->height + b->height;
}

double coordinate_moved_us(const struct coordinate *from, const struct coordinate *to) {
    double way[COORDINATE_DIMENSIONS];
    return way_between(from, to, way) + fabs(from->height - to->height);
}

static double between(double least, double value, double most) {
    return value < least ? least : value > most ? most : value;
}

/* Two in one place part in a direction by lot. */
static double way_by_lot(double way[COORDINATE_DIMENSIONS], struct random *random) {
    for (unsigned i = 0; i < COORDINATE_DIMENSIONS; i++)
        way[i] = random_unit(random) - 0.5;
    double length = length_of(way);
    return length > 0 ? length : 1;
}

static void coordinate_push(struct coordinate *own, const struct coordinate *other, double force_us,
                            struct random *random) {
    double way[COORDINATE_DIMENSIONS];
    double apart_us = way_between(own, other, way);
    double heights_us = own->height + other->height, whole_us = apart_us + heights_us;
    if (apart_us < SAME_PLACE_US)
        whole_us = way_by_lot(way, random);
    else
        own->height += force_us * heights_us / whole_us;
    for (unsigned i = 0; i < COORDINATE_DIMENSIONS; i++)
        own->at[i] += force_us * way[i] / whole_us;
    double pull = length_of(own->at) / GRAVITY_RADIUS_US;
    pull = between(0, pull * pull, 1);
    for (unsigned i = 0; i < COORDINATE_DIMENSIONS; i++)
        own->at[i] =
            between(-COORDINATE_LONGEST_US, own->at[i] * (1 - pull), COORDINATE_LONGEST_US);
    own->height = between(HEIGHT_LEAST_US, own->height, COORDINATE_LONGEST_US);
}

/* The paper's figure 3. */
void coordinate_update(struct coordinate *own, const struct coordinate *other,
                       uint64_t round_trip_us, struct random *random) {
    double measured_us = (double)round_trip_us;
    if (round_trip_us == 0 || measured_us > COORDINATE_LONGEST_US)
        return;
    double weight = own->error / (own->error + between(ERROR_LEAST, other->error, ERROR_FIRST));
    double missed_us = measured_us - coordinate_round_trip_us(own, other);
    double rate = ERROR_WEIGHT * weight;
    double error = fabs(missed_us) / measured_us * rate + own->error * (1 - rate);
    own->error = between(ERROR_LEAST, error, ERROR_FIRST);
    coordinate_push(own, other, FORCE_WEIGHT * weight * missed_us, random);
}

/* As text. */

/* Five numbers of at most 9 characters, with a comma each, and the room that the last one asks for.
 */
static_assert(5 * 10 + (int)NUMBER_I64_TEXT_BYTES <= (int)COORDINATE_TEXT_MAXIMUM,
              "six numbers fit");

struct bytes coordinate_print(const struct coordinate *coordinate,
                              char out[COORDINATE_TEXT_MAXIMUM]) {
    size_t length = 0;
    for (unsigned i = 0; i < COORDINATE_DIMENSIONS; i++) {
        length += number_format_i64(out + length, lround(coordinate->at[i]));
        out[length++] = ',';
    }
    length += number_format_i64(out + length, lround(coordinate->height));
    out[length++] = ',';
    length += number_format_i64(out + length, lround(coordinate->error * 1000));
    return bytes_of(out, length);
}

/* The next whole number of at most 9 digits, and the comma behind it unless it is the last. */
static bool number_parse(struct bytes text, size_t *at, bool is_last, double *number) {
    bool is_negative = *at < text.length && text.data[*at] == '-';
    *at += is_negative;
    size_t first = *at;
    int32_t value = 0; /* nine digits fit */
    while (*at < text.length && text.data[*at] >= '0' && text.data[*at] <= '9' && *at - first < 9)
        value = value * 10 + (text.data[(*at)++] - '0');
    *number = is_negative ? -value : value;
    if (*at == first || value > COORDINATE_LONGEST_US)
        return false;
    if (is_last)
        return *at == text.length;
    return *at < text.length && text.data[(*at)++] == ',';
}

bool coordinate_parse(struct coordinate *coordinate, struct bytes text) {
    enum { NUMBERS = COORDINATE_DIMENSIONS + 2 };
    double numbers[NUMBERS];
    size_t at = 0;
    for (unsigned i = 0; i < NUMBERS; i++)
        if (!number_parse(text, &at, i + 1 == NUMBERS, &numbers[i]))
            return false;
    for (unsigned i = 0; i < COORDINATE_DIMENSIONS; i++)
        coordinate->at[i] = numbers[i];
    coordinate->height = between(HEIGHT_LEAST_US, numbers[NUMBERS - 2], COORDINATE_LONGEST_US);
    coordinate->error = between(ERROR_LEAST, numbers[NUMBERS - 1] / 1000, ERROR_FIRST);
    return true;
}
