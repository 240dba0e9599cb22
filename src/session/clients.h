/* What the owner of the connections tells of them: opened, bytes came, ended, closed. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct worker;
struct session;
struct buffer;

/* `handle` is the owner's. `peer_name` is "host:port", copied. NULL when maxclients is reached:
 * write clients_refusal() and close. */
struct session *clients_open(struct worker *worker, void *handle, const char *peer_name,
                             const char *own_name);
const char *clients_refusal(void);
/* Room in the session's input to read into, at least 1 byte; then tell how much came. NULL: there
 * is none (client-query-buffer-limit), and the connection is to be closed. */
uint8_t *clients_room(struct worker *worker, struct session *session, size_t *room);
void clients_input(struct worker *worker, struct session *session, size_t length);
/* The client will send no more: what it sent is still answered, then the connection is closed. */
void clients_ended(struct worker *worker, struct session *session);
/* The connection is gone; the session ends (its writes in flight go on). */
void clients_closed(struct worker *worker, struct session *session);
/* Replies not written yet; the owner consumes what it wrote with buffer_consume(). */
struct buffer *clients_output(struct session *session);

void clients_process(struct session *session); /* what its input holds */
