/* A client port: its listener and the connections of the sessions behind it, a worker's or an
 * agent's. Bytes go straight from the socket into the session's input and from its output into the
 * socket; nothing is copied unless the socket is full.
 *
 *     OPEN --worker closes--> CLOSING --output written, or CLIENT_LINGER_MS--> ENDING
 *       \------------------------end of stream, error--------------------------^
 *
 * After ENDING the session hears closed(). */
#pragma once
#include "base/buffer.h"
#include "base/containers/list.h"
#include "base/error.h"
#include "base/log.h"
#include <uv.h>

enum {
    CLIENT_OUTPUT_KEPT_BYTES = 1 << 20, /* after longer replies their memory goes */
    CLIENT_CHUNK_BYTES = 64 << 10, /* copied out of a session's output while its socket is full */
    CLIENT_LINGER_MS =
        2000, /* a client that is being closed has so long to read its last replies */
    CLIENT_KEEPALIVE_S = 300,
    CLIENT_BACKLOG = 511
};

struct client_connection;

/* Whose sessions they are. What each says of a worker's stands in session/clients.h. */
struct client_port_calls {
    /* NULL: the client hears `refusal` and is closed. */
    void *(*open)(void *context, struct client_connection *connection, const char *peer_name,
                  const char *own_name);
    uint8_t *(*room)(void *context, void *session, size_t *length);
    void (*input)(void *context, void *session, size_t length);
    void (*ended)(void *context, void *session);
    void (*closed)(void *context, void *session);
    struct buffer *(*output)(void *session);
    const char *(*refusal)(void);
};

struct client_port {
    uv_loop_t *loop;
    const struct client_port_calls *calls; /* borrowed */
    void *context;
    const struct log *log;
    uv_tcp_t listener;
    uv_timer_t linger;
    struct list connections; /* open ones */
    struct list closing;     /* oldest first */
    bool is_listening;
};

void client_port_init(struct client_port *port, uv_loop_t *loop,
                      const struct client_port_calls *calls, void *context, const struct log *log);
/* Accepts on a listening socket, which it takes. 0 or ERR_IO. */
int client_port_listen(struct client_port *port, int socket) MUST_CHECK;
void client_port_stop_listening(struct client_port *port);
/* Ends everything; then the loop has to run. */
void client_port_close(struct client_port *port);

/* What the sessions ask for. */
void client_connection_output(struct client_connection *connection);
void client_connection_close(struct client_connection *connection);
void client_connection_pause(struct client_connection *connection, bool is_paused);
