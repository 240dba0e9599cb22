/* A client's turns: it thinks, asks, and waits until all is answered, its patience is over or the
 * connection is lost. */
#pragma once
#include "sim/workload/client_state.h"

/* It asks next within so long. */
void client_ask_later(struct client *client, uint64_t most_us);
/* All was answered: it thinks before it asks again. */
void client_think(struct client *client);
/* It was refused: it asks again soon. */
void client_retry(struct client *client);
/* For struct connection_user; `context` is the client. */
void client_lost(void *context, unsigned node, enum connection_loss loss);
