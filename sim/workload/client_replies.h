/* What a client hears: each reply belongs to what it asked next, and goes into the history. MOVED
 * is followed; an error of an operation says that nothing was done, or that nobody knows. */
#pragma once
#include "sim/workload/client_state.h"

/* For struct connection_user; `context` is the client. */
void client_reply(void *context, unsigned node, const struct response *response);
