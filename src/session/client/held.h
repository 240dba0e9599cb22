/* How much the clients of a worker hold of its memory, all together: input that is not parsed yet,
 * and replies that are not sent. Past the worker's share of maxmemory-clients whoever holds most is
 * closed, and whoever holds most then, but none that asked not to be (CLIENT NO-EVICT).
 *
 * A client is counted when it was read from, and at the end of a turn in which it was written to;
 * what its socket takes later is found out when too much seems to be held: then all are counted
 * again. So a turn may go past the limit by what it reads and answers. */
#pragma once
#include "session/client/state.h"

enum { HELD_LEAST_BYTES = 1 << 20 }; /* of a worker, however little is set */

void held_count(struct session *session);
/* At the end of a turn. True: some were closed, which their connections are to be told. */
bool held_limit(struct worker *worker);
