/* A blocking client of the Redis protocol, for the subcommands: one connection, one reply at a time
 * or many in flight. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "io/net.h"
#include "wire/response.h"

#define CLIENT_ADDRESS_DEFAULT "127.0.0.1:7001" /* who is asked where nobody is named */

enum { CLIENT_TIMEOUT_MS = 5000, CLIENT_PROBLEM_BYTES = 256 };

struct client {
    int socket; /* -1: closed */
    struct net_address address;
    struct buffer input;
    struct buffer output;
    char problem[CLIENT_PROBLEM_BYTES]; /* after an error: what failed, and where */
};

/* The clock by which whatever waits for nodes measures. */
uint64_t client_now_ms(void);

/* "host:port" as a person writes it: a name is looked up. Of its addresses, as "localhost" has two,
 * the first is taken at which somebody listens; if nobody does, the first. ERR_INVALID with
 * `problem` (CLIENT_PROBLEM_BYTES). */
int client_address(struct net_address *address, const char *text, char *problem) MUST_CHECK;

/* Connects, and logs in where the environment has TROTHDB_PASSWORD and the node asks for one;
 * ERR_IO or ERR_REFUSED with `problem`, and closed. Reads and writes give up after timeout_ms. */
int client_open(struct client *client, const struct net_address *address,
                int timeout_ms) MUST_CHECK;
void client_close(struct client *client); /* may be called again */

/* Appends one command; client_flush() writes what was appended. */
void client_append(struct client *client, const struct bytes *arguments, size_t count);
int client_flush(struct client *client) MUST_CHECK;
/* Waits for the next reply, in order. Release it before the next call: its texts borrow from the
 * input. */
int client_read(struct client *client, struct response *response, size_t *consumed) MUST_CHECK;
void client_consume(struct client *client, struct response *response, size_t consumed);

/* As client_read() where pushes may come before the reply: each goes to `heard`, and is over then.
 * An error reply is ERR_REFUSED with its text in `problem`. */
int client_await(struct client *client, struct response *response, size_t *consumed,
                 void (*heard)(void *context, const struct response *push),
                 void *context) MUST_CHECK;

/* For many connections in one loop: what can be sent or received at once, without waiting. 0, also
 * when nothing could; ERR_IO when the connection is over. */
int client_send_some(struct client *client) MUST_CHECK;
int client_receive_some(struct client *client) MUST_CHECK;

/* client_open() in pieces, for such loops. Begins to connect; ERR_IO with `problem`, and closed. */
int client_begin(struct client *client, const struct net_address *address) MUST_CHECK;
/* Once the socket can be written to: whether it is connected. ERR_IO likewise. */
int client_begun(struct client *client) MUST_CHECK;
/* Appends the login, where the environment has one; whether it did. */
bool client_append_login(struct client *client);
/* The reply to it: 0 where the node takes it, or asks for none. ERR_REFUSED with `problem`. */
int client_check_login(struct client *client, const struct response *reply) MUST_CHECK;
/* What an error reply says becomes the `problem`: ERR_REFUSED. */
int client_refused(struct client *client, struct bytes error);
/* "WHAT ADDRESS: WHY" becomes the `problem`, and the connection is closed: ERR_IO. */
int client_fail(struct client *client, const char *what, const char *why);
/* Ends the connection and keeps what has come. */
void client_hang_up(struct client *client);

/* One command and its reply. An error reply is ERR_REFUSED with its text in `problem`. The reply
 * stands until the next call. */
int client_call(struct client *client, const struct bytes *arguments, size_t count,
                struct response *response) MUST_CHECK;
int client_call_text(struct client *client, const char *command,
                     struct response *response) MUST_CHECK; /* words by spaces */
