#include "rpc/grpc_server.h"
#include "base/check.h"
#include "base/memory.h"
#include "rpc/catch_up_call.h"
#include "rpc/grpc_call.h"
#include "rpc/http2.h"

struct grpc_server {
    struct grpc_server_options options;
    uv_tcp_t listener;
    uv_timer_t timer;
    struct list connections;
    unsigned connection_count;
    uint64_t stream_count; /* numbers the calls of CatchUp */
    size_t strange_bytes;  /* at most options.strange_maximum, and what one read brings */
    unsigned open_handles; /* the listener and the timer */
    bool is_freeing;
};

struct grpc_connection {
    struct list link;
    struct grpc_server *server;
    struct http2 http2;
    struct list calls;
    unsigned exchange_count;
};

static void server_free_if_done(struct grpc_server *server) {
    if (server->is_freeing && server->open_handles == 0 && list_is_empty(&server->connections))
        memory_free(server);
}

static void connection_on_ended(void *owner) {
    struct grpc_connection *connection = owner;
    struct grpc_server *server = connection->server;
    LIST_EACH (&connection->calls, link)
        grpc_call_free(LIST_ELEMENT(link, struct grpc_call, link));
    list_remove(&connection->link);
    server->connection_count--;
    memory_free(connection);
    server_free_if_done(server);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data) {
    struct grpc_connection *connection = user_data;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct grpc_call *call =
        grpc_call_new(&connection->server->options, session, frame->hd.stream_id);
    call->http2 = &connection->http2;
    call->strange_bytes = &connection->server->strange_bytes;
    call->stream = ++connection->server->stream_count;
    list_append(&connection->calls, &call->link);
    return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, call);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *user_data) {
    (void)flags, (void)user_data;
    struct grpc_call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (call != NULL)
        grpc_call_header(call, bytes_of(name, name_length), bytes_of(value, value_length));
    return 0;
}

static void connection_start_call(struct grpc_connection *connection, struct grpc_call *call) {
    call->is_counted = call->method == GRPC_METHOD_EXCHANGE;
    if (call->is_counted && connection->exchange_count++ > 0)
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED, "one Exchange is allowed on a connection");
    else
        grpc_call_start(call);
}

static struct grpc_call *connection_find_call(struct grpc_connection *connection, uint64_t stream) {
    LIST_EACH (&connection->calls, link)
        if (LIST_ELEMENT(link, struct grpc_call, link)->stream == stream)
            return LIST_ELEMENT(link, struct grpc_call, link);
    return NULL;
}

/* Those that only ask whether the peer is there (http2.h) have the number 0, which is no call's. */
static void connection_hear_ping(struct grpc_connection *connection, const nghttp2_ping *ping) {
    uint64_t stream;
    memcpy(&stream, ping->opaque_data, sizeof stream);
    struct grpc_call *call = connection_find_call(connection, stream);
    if ((ping->hd.flags & NGHTTP2_FLAG_ACK) && call != NULL)
        catch_up_call_acknowledged(call);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data) {
    struct grpc_call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_PING)
        connection_hear_ping(user_data, &frame->ping);
    if (call == NULL || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        connection_start_call(user_data, call);
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        grpc_call_input_ended(call);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data,
                   size_t length, void *user_data) {
    (void)flags, (void)user_data;
    struct grpc_call *call = nghttp2_session_get_stream_user_data(session, stream_id);
    if (call != NULL)
        grpc_call_input(call, bytes_of(data, length));
    return 0;
}

/* A response that is complete before its request is: the client is told to stop sending (RFC
 * 9113, 8.1). */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user_data) {
    (void)user_data;
    bool ends = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                (frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
    if (ends && nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0)
        return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                         NGHTTP2_NO_ERROR);
    return 0;
}

static int on_stream_closed(nghttp2_session *session, int32_t stream_id, uint32_t error_code,
                            void *user_data) {
    (void)error_code;
    struct grpc_connection *connection = user_data;
    struct grpc_call *call = nghttp2_session_get_stream_user_data(session, stream_id);
    if (call == NULL)
        return 0;
    if (call->is_counted)
        connection->exchange_count--;
    grpc_call_free(call);
    return 0;
}

static nghttp2_session *connection_session(struct grpc_connection *connection) {
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_closed);
    CHECK(nghttp2_session_server_new(&session, callbacks, connection) == 0);
    nghttp2_session_callbacks_del(callbacks);
    return session;
}

static void server_on_connection(uv_stream_t *listener, int status) {
    struct grpc_server *server = listener->data;
    if (status != 0) {
        log_line(server->options.log, LOG_WARN, "a peer's connection could not be accepted",
                 LOG_T("cause", uv_strerror(status)));
        return;
    }
    struct grpc_connection *connection = memory_allocate_zeroed(1, sizeof *connection);
    connection->server = server;
    list_init(&connection->calls);
    list_append(&server->connections, &connection->link);
    server->connection_count++;
    http2_init(&connection->http2, server->options.loop, server->options.input, connection_on_ended,
               connection);
    bool is_full = server->connection_count > server->options.connection_maximum;
    if (uv_accept(listener, (uv_stream_t *)&connection->http2.socket) != 0 || is_full)
        http2_end(&connection->http2);
    else
        http2_open(&connection->http2, connection_session(connection));
}

/* A few times a second: are the connections alive, and is there news for those who watch? */
static void server_on_timer(uv_timer_t *timer) {
    struct grpc_server *server = timer->data;
    bool is_serving = server->options.is_serving(server->options.context);
    LIST_EACH (&server->connections, link) {
        struct grpc_connection *connection = LIST_ELEMENT(link, struct grpc_connection, link);
        bool has_news = false;
        LIST_EACH (&connection->calls, call)
            has_news |= grpc_call_watch(LIST_ELEMENT(call, struct grpc_call, link), is_serving);
        if (has_news)
            http2_flush(&connection->http2);
        http2_check_alive(&connection->http2);
    }
}

struct grpc_server *grpc_server_new(const struct grpc_server_options *options) {
    struct grpc_server *server = memory_allocate_zeroed(1, sizeof *server);
    server->options = *options;
    if (options->connection_maximum == 0)
        server->options.connection_maximum = GRPC_SERVER_CONNECTION_MAXIMUM;
    if (options->strange_maximum == 0)
        server->options.strange_maximum = GRPC_SERVER_STRANGE_BYTES;
    list_init(&server->connections);
    CHECK(uv_tcp_init(options->loop, &server->listener) == 0);
    CHECK(uv_timer_init(options->loop, &server->timer) == 0);
    server->open_handles = 2;
    server->listener.data = server->timer.data = server;
    return server;
}

int grpc_server_listen(struct grpc_server *server, int socket) {
    if (uv_tcp_open(&server->listener, socket) != 0 ||
        uv_listen((uv_stream_t *)&server->listener, GRPC_SERVER_BACKLOG, server_on_connection) != 0)
        return ERR_IO;
    CHECK(uv_timer_start(&server->timer, server_on_timer, GRPC_SERVER_CHECK_MS,
                         GRPC_SERVER_CHECK_MS) == 0);
    return 0;
}

static struct grpc_call *server_find_call(struct grpc_server *server, uint64_t stream) {
    struct grpc_call *call = NULL;
    LIST_EACH (&server->connections, link)
        if (call == NULL)
            call = connection_find_call(LIST_ELEMENT(link, struct grpc_connection, link), stream);
    return call;
}

void grpc_server_stream(struct grpc_server *server, const struct gossip_stream_action *action) {
    struct grpc_call *call = server_find_call(server, action->stream);
    if (call == NULL || call->http2->is_ending)
        return;
    catch_up_call_answer(call, action);
    http2_flush(call->http2);
}

static void server_on_handle_closed(uv_handle_t *handle) {
    struct grpc_server *server = handle->data;
    server->open_handles--;
    server_free_if_done(server);
}

void grpc_server_free(struct grpc_server *server) {
    server->is_freeing = true;
    uv_close((uv_handle_t *)&server->listener, server_on_handle_closed);
    uv_close((uv_handle_t *)&server->timer, server_on_handle_closed);
    LIST_EACH (&server->connections, link)
        http2_end(&LIST_ELEMENT(link, struct grpc_connection, link)->http2);
}
