/* What a client asks at once: operations, modes of the connection around them, and at times a large
 * write, a flush, a wait, or long answers that it will not read for a while. */
#pragma once
#include "sim/workload/client_state.h"

/* Notes in `client` and in the history what it asks, of which node, and appends it as bytes. */
void client_gather_request(struct client *client, struct buffer *request);
/* The text of an ECHO, "17:xxxx": no two say the same. */
void client_echo_text(uint64_t number, size_t length, char out[CLIENT_ECHO_MOST_BYTES + 1]);
