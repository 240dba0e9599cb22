#include "process/client_port.h"
#include "base/check.h"
#include "base/memory.h"
#include "io/socket_address.h"

struct client_connection {
    struct list link;
    struct client_port *port;
    void *session; /* NULL: refused */
    uv_tcp_t socket;
    uv_write_t write;
    uint8_t *chunk; /* being written, when the socket was full; else NULL */
    uint64_t closing_ms;
    bool is_closing, is_ending;
};

static void connection_on_closed(uv_handle_t *handle) {
    struct client_connection *connection = handle->data;
    list_remove(&connection->link);
    if (connection->session != NULL)
        connection->port->calls->closed(connection->port->context, connection->session);
    memory_free(connection);
}

static void connection_end(struct client_connection *connection) {
    if (connection->is_ending)
        return;
    connection->is_ending = true;
    uv_close((uv_handle_t *)&connection->socket, connection_on_closed);
}

static void connection_on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room) {
    (void)suggested;
    struct client_connection *connection = handle->data;
    size_t length;
    uint8_t *at =
        connection->port->calls->room(connection->port->context, connection->session, &length);
    *room = uv_buf_init((char *)at, (unsigned)(length < UINT32_MAX ? length : UINT32_MAX));
}

static void connection_on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *room) {
    (void)room;
    struct client_connection *connection = stream->data;
    if (length > 0)
        connection->port->calls->input(connection->port->context, connection->session,
                                       (size_t)length);
    else if (length == UV_EOF) {
        uv_read_stop(stream);
        connection->port->calls->ended(connection->port->context, connection->session);
    } else if (length < 0)
        connection_end(connection);
}

static void connection_on_written(uv_write_t *write, int status) {
    struct client_connection *connection = write->data;
    memory_free(connection->chunk);
    connection->chunk = NULL;
    if (status != 0)
        connection_end(connection);
    else
        client_connection_output(connection);
}

/* The socket is full: a piece of the output waits for it. */
static void connection_write_later(struct client_connection *connection, struct buffer *output) {
    size_t length = output->length < CLIENT_CHUNK_BYTES ? output->length : CLIENT_CHUNK_BYTES;
    connection->chunk = memory_copy(buffer_data(output), length);
    buffer_consume(output, length);
    connection->write.data = connection;
    uv_buf_t piece = uv_buf_init((char *)connection->chunk, (unsigned)length);
    if (uv_write(&connection->write, (uv_stream_t *)&connection->socket, &piece, 1,
                 connection_on_written) == 0)
        return;
    memory_free(connection->chunk);
    connection->chunk = NULL;
    connection_end(connection);
}

void client_connection_output(struct client_connection *connection) {
    if (connection->is_ending || connection->chunk != NULL)
        return;
    struct buffer *output = connection->port->calls->output(connection->session);
    while (output->length > 0) {
        size_t length = output->length < INT32_MAX ? output->length : INT32_MAX;
        uv_buf_t piece = uv_buf_init((char *)buffer_data(output), (unsigned)length);
        int written = uv_try_write((uv_stream_t *)&connection->socket, &piece, 1);
        if (written == UV_EAGAIN) {
            connection_write_later(connection, output);
            return;
        }
        if (written < 0) {
            connection_end(connection);
            return;
        }
        buffer_consume(output, (size_t)written);
    }
    buffer_recycle(output, CLIENT_OUTPUT_KEPT_BYTES);
    if (connection->is_closing)
        connection_end(connection);
}

void client_connection_close(struct client_connection *connection) {
    if (connection->is_ending || connection->is_closing)
        return;
    connection->is_closing = true;
    connection->closing_ms = uv_now(connection->port->loop);
    list_remove(&connection->link);
    list_append(&connection->port->closing, &connection->link);
    uv_read_stop((uv_stream_t *)&connection->socket);
    client_connection_output(connection);
}

void client_connection_pause(struct client_connection *connection, bool is_paused) {
    if (connection->is_ending || connection->is_closing)
        return;
    if (is_paused)
        uv_read_stop((uv_stream_t *)&connection->socket);
    else if (uv_read_start((uv_stream_t *)&connection->socket, connection_on_room,
                           connection_on_read) != 0)
        connection_end(connection);
}

static void connection_refuse(struct client_connection *connection) {
    const char *text = connection->port->calls->refusal();
    uv_buf_t all = uv_buf_init((char *)text, (unsigned)strlen(text));
    (void)uv_try_write((uv_stream_t *)&connection->socket, &all,
                       1); /* a full socket hears nothing */
    connection_end(connection);
}

static void connection_names(struct client_connection *connection, char peer[SOCKET_NAME_BYTES],
                             char own[SOCKET_NAME_BYTES]) {
    struct sockaddr_storage address = {.ss_family = AF_INET};
    int length = sizeof address;
    (void)uv_tcp_getpeername(&connection->socket, (struct sockaddr *)&address, &length);
    socket_address_format((struct sockaddr *)&address, peer);
    length = sizeof address;
    (void)uv_tcp_getsockname(&connection->socket, (struct sockaddr *)&address, &length);
    socket_address_format((struct sockaddr *)&address, own);
}

static void port_on_connection(uv_stream_t *listener, int status) {
    struct client_port *port = listener->data;
    if (status != 0) {
        log_line(port->log, LOG_WARN, "a client's connection could not be accepted",
                 LOG_T("cause", uv_strerror(status)));
        return;
    }
    struct client_connection *connection = memory_allocate_zeroed(1, sizeof *connection);
    connection->port = port;
    CHECK(uv_tcp_init(port->loop, &connection->socket) == 0);
    connection->socket.data = connection;
    list_append(&port->connections, &connection->link);
    if (uv_accept(listener, (uv_stream_t *)&connection->socket) != 0) {
        connection_end(connection);
        return;
    }
    char peer[SOCKET_NAME_BYTES], own[SOCKET_NAME_BYTES];
    connection_names(connection, peer, own);
    uv_tcp_nodelay(&connection->socket, 1);
    uv_tcp_keepalive(&connection->socket, 1, CLIENT_KEEPALIVE_S);
    connection->session = port->calls->open(port->context, connection, peer, own);
    if (connection->session == NULL)
        connection_refuse(connection);
    else
        client_connection_pause(connection, false);
}

static void port_on_linger(uv_timer_t *timer) {
    struct client_port *port = timer->data;
    LIST_EACH (&port->closing, link) {
        struct client_connection *connection = LIST_ELEMENT(link, struct client_connection, link);
        if (uv_now(port->loop) - connection->closing_ms >= CLIENT_LINGER_MS)
            connection_end(connection);
    }
}

void client_port_init(struct client_port *port, uv_loop_t *loop,
                      const struct client_port_calls *calls, void *context, const struct log *log) {
    *port = (struct client_port){.loop = loop, .calls = calls, .context = context, .log = log};
    list_init(&port->connections);
    list_init(&port->closing);
    CHECK(uv_tcp_init(loop, &port->listener) == 0);
    CHECK(uv_timer_init(loop, &port->linger) == 0);
    port->listener.data = port->linger.data = port;
    CHECK(uv_timer_start(&port->linger, port_on_linger, CLIENT_LINGER_MS, CLIENT_LINGER_MS / 2) ==
          0);
}

int client_port_listen(struct client_port *port, int socket) {
    if (uv_tcp_open(&port->listener, socket) != 0 ||
        uv_listen((uv_stream_t *)&port->listener, CLIENT_BACKLOG, port_on_connection) != 0)
        return ERR_IO;
    port->is_listening = true;
    return 0;
}

void client_port_stop_listening(struct client_port *port) {
    if (!uv_is_closing((uv_handle_t *)&port->listener))
        uv_close((uv_handle_t *)&port->listener, NULL);
}

void client_port_close(struct client_port *port) {
    client_port_stop_listening(port);
    uv_close((uv_handle_t *)&port->linger, NULL);
    LIST_EACH (&port->connections, link)
        connection_end(LIST_ELEMENT(link, struct client_connection, link));
    LIST_EACH (&port->closing, link)
        connection_end(LIST_ELEMENT(link, struct client_connection, link));
}
