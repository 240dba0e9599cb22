/* Somebody who looks around while all else goes wrong: asks nodes by lot what they know, as people
 * and dashboards do. Most of it is gathered from all threads of a node, each of which may stand
 * still or be about to die. Nothing is made of the answers but that they are whole; some commands
 * change what is to be changed at any time: a lead is given away, a snapshot taken, all clients are
 * thrown out. */
#pragma once
#include "sim/cluster/simulation.h"

struct visitor;
struct visitor *visitor_new(struct simulation *simulation);
void visitor_free(struct visitor *visitor);
/* A few questions at once, to one node. */
void visitor_ask(struct visitor *visitor);
