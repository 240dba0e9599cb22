/* A client: asks one thing (or a few at once, as a pipeline) of the node that it believes to lead
 * the key's shard, follows MOVED, gives up after a while and notes the outcome as unknown, thinks,
 * asks again. */
#pragma once
#include "sim/life/connection.h"

struct client *client_new(struct simulation *simulation, unsigned number);
void client_free(struct client *client);
void client_start(struct client *client);
/* Stops asking new things by itself. What is under way goes on. */
void client_stop(struct client *client);
bool client_is_idle(const struct client *client);
uint64_t client_done_count(const struct client *client); /* operations answered */
/* Asks for exactly this read, again and again until it is answered; the client must be idle and
 * stopped. */
void client_read_until_answered(struct client *client, const struct operation *operation);
