/* The operator who passes from one cluster key to the next, as `trothdb gossip keys rotate` does:
 * each step on every node before the next one begins, and again where no answer came. Meanwhile
 * every node opens what any other has sealed (sim/life/delivery.c looks at each datagram, and at
 * each message on a peer stream). */
#pragma once
#include "sim/cluster/simulation.h"

struct rotation;
struct rotation *rotation_new(struct simulation *simulation);
void rotation_free(struct rotation *rotation); /* NULL is allowed */
/* One at a time; nothing where nothing is sealed. */
void rotation_begin(struct rotation *rotation);
