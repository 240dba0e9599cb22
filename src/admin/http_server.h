/* A small HTTP/1.1 server on a loop of its owner. It answers GET and HEAD, one request at a time on
 * each connection: the next one is looked at when the answer is written. What is answered says the
 * owner, at once or later. */
#pragma once
#include "admin/http_answer.h"
#include "admin/http_request.h"
#include "base/containers/list.h"
#include <uv.h>

#define HTTP_TEXT "text/plain; charset=utf-8"

enum {
    HTTP_CONNECTION_MAXIMUM = 64, /* further ones are closed at once */
    HTTP_IDLE_MS =
        30000, /* a connection that asks nothing, or reads nothing, for so long is closed */
    HTTP_BODY_MAXIMUM_BYTES = 64 << 20,
    HTTP_BACKLOG = 64
};

/* An answer that comes later, and who waits for it. */
struct http_late {
    struct list connections;
    /* Nobody waits any more; may be NULL. */
    void (*abandoned)(void *context);
    void *context;
};
void http_late_init(struct http_late *late, void (*abandoned)(void *context), void *context);
static inline bool http_late_is_wanted(const struct http_late *late) {
    return !list_is_empty(&late->connections);
}
/* All who wait get it. */
void http_late_answer(struct http_late *late, const struct http_answer *answer);

struct http_server {
    uv_loop_t *loop;
    uv_tcp_t listener;
    uv_timer_t timer;
    struct list connections;
    unsigned connection_count;
    /* Fills in the answer to a GET or HEAD, whose body HEAD does not get; or returns what has to be
     * waited for. `answer` comes as HTTP_TEXT with an empty body. */
    struct http_late *(*answer)(void *context, const struct http_request *request,
                                struct http_answer *answer);
    void *context;
};

/* `answer` and `context` are the caller's to set. */
void http_server_init(struct http_server *server, uv_loop_t *loop);
/* Accepts on a listening socket, which it takes. 0 or ERR_IO. */
int http_server_listen(struct http_server *server, int socket) MUST_CHECK;
/* Ends all connections: what is late is abandoned. Then the loop has to run. */
void http_server_close(struct http_server *server);
