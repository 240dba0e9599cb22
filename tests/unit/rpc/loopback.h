/* For tests with sockets: a loopback port that is free now, and a loop that runs until something
 * holds. */
#pragma once
#include "io/net.h"
#include <uv.h>

/* Never the same one twice in a process. */
struct net_address loopback_address(void);
/* A socket that listens there, or the test fails. */
int loopback_listen(const struct net_address *address);
/* Runs the loop until is_done(context), or fails the test when that takes for ever. */
void run_until(uv_loop_t *loop, bool (*is_done)(void *context), void *context);
