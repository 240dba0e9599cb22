#include "admin/http_server.h"
#include "base/check.h"
#include "base/memory.h"

struct http_connection {
    struct list link;
    struct http_server *server;
    struct list late_link;  /* where others wait for the same answer */
    struct http_late *late; /* NULL: it waits for none */
    uv_tcp_t socket;
    uv_write_t write;
    struct buffer input, output; /* output: one response, while it is written */
    uint64_t active_ms;
    bool is_writing, is_last, is_ending;
};

/* ---- the end of a connection ---- */

static void connection_wait_no_more(struct http_connection *connection) {
    list_remove(&connection->late_link);
    connection->late = NULL;
}

static void connection_on_closed(uv_handle_t *handle) {
    struct http_connection *connection = handle->data;
    list_remove(&connection->link);
    connection->server->connection_count--;
    buffer_release(&connection->input);
    buffer_release(&connection->output);
    memory_free(connection);
}

static void connection_end(struct http_connection *connection) {
    struct http_late *late = connection->late;
    if (connection->is_ending)
        return;
    connection->is_ending = true;
    uv_close((uv_handle_t *)&connection->socket, connection_on_closed);
    connection_wait_no_more(connection);
    if (late && late->abandoned && !http_late_is_wanted(late))
        late->abandoned(late->context);
}

/* ---- one request after the other ---- */

static const char *refusal_status(int code) {
    return code == ERR_LIMIT     ? "431 Request Header Fields Too Large"
           : code == ERR_VERSION ? "505 HTTP Version Not Supported"
                                 : "400 Bad Request";
}

/* Of a request, or of what is none (code < 0). False: its owner answers it. */
static bool is_refused(int code, const struct http_request *request, struct http_answer *answer) {
    if (code < 0) {
        http_answer_text(answer, refusal_status(code),
                         "this is no request that the admin port understands");
    } else if (!request->is_head && !bytes_equal(request->method, BYTES_LITERAL("GET"))) {
        http_answer_text(answer, "405 Method Not Allowed", "only GET and HEAD are answered");
        answer->headers = "Allow: GET, HEAD\r\n";
    } else if (request->has_body) {
        http_answer_text(answer, "413 Content Too Large", "a request must have no body");
    } else {
        return false;
    }
    return true;
}

/* Appends the response, or waits for it. */
static void connection_respond(struct http_connection *connection, int code,
                               const struct http_request *request) {
    const struct http_server *server = connection->server;
    struct http_answer answer = {.type = HTTP_TEXT};
    struct http_late *late = NULL;
    connection->is_last = code < 0 || !request->keeps_alive || request->has_body;
    buffer_init(&answer.body, HTTP_BODY_MAXIMUM_BYTES);
    if (!is_refused(code, request, &answer))
        late = server->answer(server->context, request, &answer);
    answer.is_bodiless |= code > 0 && request->is_head;
    if (late)
        list_append(&late->connections, &connection->late_link);
    else
        http_answer_append(&answer, connection->is_last, &connection->output);
    connection->late = late;
    buffer_release(&answer.body);
}

static void connection_serve(struct http_connection *connection);

static void connection_on_written(uv_write_t *write, int status) {
    struct http_connection *connection = write->data;
    connection->is_writing = false;
    buffer_clear(&connection->output);
    connection->active_ms = uv_now(connection->server->loop);
    if (status != 0 || connection->is_last)
        connection_end(connection);
    else
        connection_serve(connection);
}

static void connection_write(struct http_connection *connection) {
    if (connection->output.is_overflowed) {
        connection_end(connection);
        return;
    }
    uv_buf_t all =
        uv_buf_init((char *)buffer_data(&connection->output), (unsigned)connection->output.length);
    connection->is_writing = true;
    connection->write.data = connection;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->socket, &all, 1,
                 connection_on_written) != 0)
        connection_end(connection);
}

/* Answers the first request that has come whole; the next one when this is written. */
static void connection_serve(struct http_connection *connection) {
    struct http_request request;
    if (connection->is_writing || connection->late || connection->is_ending)
        return;
    int code = http_request_parse(buffer_bytes(&connection->input), &request);
    if (code == 0)
        return;
    connection_respond(connection, code, &request);
    if (code > 0)
        buffer_consume(&connection->input, (size_t)code);
    if (!connection->late)
        connection_write(connection);
}

/* ---- answers that come later ---- */

void http_late_init(struct http_late *late, void (*abandoned)(void *context), void *context) {
    *late = (struct http_late){.abandoned = abandoned, .context = context};
    list_init(&late->connections);
}

void http_late_answer(struct http_late *late, const struct http_answer *answer) {
    LIST_EACH (&late->connections, link) {
        struct http_connection *connection = LIST_ELEMENT(link, struct http_connection, late_link);
        connection_wait_no_more(connection);
        connection->active_ms = uv_now(connection->server->loop);
        http_answer_append(answer, connection->is_last, &connection->output);
        connection_write(connection);
    }
}

/* ---- connections ---- */

/* Without room the connection ends (UV_ENOBUFS): more was pipelined than is waited for. */
static void connection_on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room) {
    (void)suggested;
    struct http_connection *connection = handle->data;
    size_t length = connection->input.maximum_bytes - connection->input.length;
    uint8_t *at = length ? buffer_reserve(&connection->input, length) : NULL;
    *room = uv_buf_init((char *)at, (unsigned)length);
}

static void connection_on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *room) {
    (void)room;
    struct http_connection *connection = stream->data;
    if (length == UV_EOF && connection->is_writing) {
        connection->is_last = true; /* it may still be reading */
        return;
    }
    if (length < 0) {
        connection_end(connection);
        return;
    }
    buffer_grew(&connection->input, (size_t)length);
    connection->active_ms = uv_now(connection->server->loop);
    connection_serve(connection);
}

static void server_on_connection(uv_stream_t *listener, int status) {
    struct http_server *server = listener->data;
    if (status != 0)
        return;
    struct http_connection *connection = memory_allocate_zeroed(1, sizeof *connection);
    connection->server = server;
    connection->active_ms = uv_now(server->loop);
    list_init(&connection->late_link);
    buffer_init(&connection->input, 2 * HTTP_HEAD_MAXIMUM_BYTES);
    buffer_init(&connection->output, HTTP_BODY_MAXIMUM_BYTES + HTTP_HEAD_MAXIMUM_BYTES);
    CHECK(uv_tcp_init(server->loop, &connection->socket) == 0);
    connection->socket.data = connection;
    list_append(&server->connections, &connection->link);
    bool is_full = ++server->connection_count > HTTP_CONNECTION_MAXIMUM;
    if (uv_accept(listener, (uv_stream_t *)&connection->socket) != 0 || is_full ||
        uv_read_start((uv_stream_t *)&connection->socket, connection_on_room, connection_on_read) !=
            0)
        connection_end(connection);
}

static void server_on_timer(uv_timer_t *timer) {
    struct http_server *server = timer->data;
    LIST_EACH (&server->connections, link) {
        struct http_connection *connection = LIST_ELEMENT(link, struct http_connection, link);
        if (!connection->late && uv_now(server->loop) - connection->active_ms >= HTTP_IDLE_MS)
            connection_end(connection);
    }
}

void http_server_init(struct http_server *server, uv_loop_t *loop) {
    *server = (struct http_server){.loop = loop};
    list_init(&server->connections);
    CHECK(uv_tcp_init(loop, &server->listener) == 0);
    CHECK(uv_timer_init(loop, &server->timer) == 0);
    server->listener.data = server->timer.data = server;
    CHECK(uv_timer_start(&server->timer, server_on_timer, HTTP_IDLE_MS / 4, HTTP_IDLE_MS / 4) == 0);
}

int http_server_listen(struct http_server *server, int socket) {
    if (uv_tcp_open(&server->listener, socket) != 0 ||
        uv_listen((uv_stream_t *)&server->listener, HTTP_BACKLOG, server_on_connection) != 0)
        return ERR_IO;
    return 0;
}

void http_server_close(struct http_server *server) {
    uv_close((uv_handle_t *)&server->listener, NULL);
    uv_close((uv_handle_t *)&server->timer, NULL);
    LIST_EACH (&server->connections, link)
        connection_end(LIST_ELEMENT(link, struct http_connection, link));
}
