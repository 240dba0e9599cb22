/* Lets a run go on: until a time, or until something is so. */
#pragma once
#include "sim/cluster/simulation.h"

enum { COURSE_POLL_US = 50000 };

/* Lets events happen until the time comes or something fails. */
void course_until(struct simulation *simulation, uint64_t until_us);
/* Polls `is_reached` until it is true; false when limit_us passed or something failed. */
bool course_until_reached(struct simulation *simulation, uint64_t limit_us,
                          bool (*is_reached)(struct simulation *simulation, void *context),
                          void *context);
/* Has every client stop, and then every key read by one of them, as often as it takes to be
 * answered. */
void course_read_everything(struct simulation *simulation);
