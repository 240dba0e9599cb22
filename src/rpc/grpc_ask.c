#include "rpc/grpc_ask.h"
#include "base/check.h"
#include "base/memory.h"
#include "io/socket_address.h"
#include "rpc/grpc_frame.h"
#include "rpc/grpc_headers.h"
#include "rpc/http2.h"
#include <stdlib.h>

enum { GRPC_STATUS_DIGITS = 2 };

struct grpc_ask {
    struct grpc_asks *asks;
    struct grpc_ask_options options; /* but for `to` and `request` */
    struct net_address to;
    struct http2 http2;
    uv_connect_t connect;
    uv_timer_t timer;
    struct buffer request;
    struct grpc_reader reader;
    int status;
    bool is_given_up;
    unsigned open_handles; /* the connection and the timer */
};

void grpc_asks_init(struct grpc_asks *asks, uv_loop_t *loop) {
    *asks = (struct grpc_asks){.loop = loop};
}

/* ---- ending ---- */

static void ask_free_if_done(struct grpc_ask *ask) {
    struct grpc_asks *asks = ask->asks;
    if (--ask->open_handles > 0)
        return;
    grpc_reader_release(&ask->reader);
    buffer_release(&ask->request);
    if (--asks->count == 0) {
        memory_free(asks->input);
        asks->input = NULL;
    }
    ask->options.ended(ask->options.context, ask->is_given_up ? GRPC_ASK_BROKEN : ask->status);
    memory_free(ask);
}

static void ask_on_timer_closed(uv_handle_t *handle) { ask_free_if_done(handle->data); }

static void ask_on_ended(void *owner) {
    struct grpc_ask *ask = owner;
    uv_close((uv_handle_t *)&ask->timer, ask_on_timer_closed);
    ask_free_if_done(ask);
}

void grpc_ask_end(struct grpc_ask *ask) {
    ask->is_given_up = true;
    http2_end(&ask->http2);
}

static void ask_on_timeout(uv_timer_t *timer) { grpc_ask_end(timer->data); }

/* ---- the call ---- */

static ssize_t ask_on_data_wanted(nghttp2_session *session, int32_t stream_id, uint8_t *into,
                                  size_t room, uint32_t *flags, nghttp2_data_source *source,
                                  void *user_data) {
    (void)session, (void)stream_id, (void)user_data;
    struct buffer *request = source->ptr;
    size_t length = request->length < room ? request->length : room;
    memcpy(into, buffer_data(request), length);
    buffer_consume(request, length);
    if (request->length == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)length;
}

static int ask_on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id,
                       const uint8_t *data, size_t length, void *user_data) {
    (void)session, (void)flags, (void)stream_id;
    struct grpc_ask *ask = user_data;
    struct bytes input = bytes_of(data, length), message;
    int code = 0;
    while (!ask->is_given_up && (code = grpc_reader_next(&ask->reader, &input, &message)) == 1)
        ask->options.heard(ask->options.context, message);
    if (code < 0)
        grpc_ask_end(ask);
    return 0;
}

/* From the headers or the trailers. */
static int ask_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                         size_t name_length, const uint8_t *value, size_t value_length,
                         uint8_t flags, void *user_data) {
    (void)session, (void)frame, (void)flags;
    char digits[GRPC_STATUS_DIGITS + 1] = {0};
    if (!bytes_equal(bytes_of(name, name_length), BYTES_LITERAL("grpc-status")) ||
        value_length == 0 || value_length > GRPC_STATUS_DIGITS)
        return 0;
    memcpy(digits, value, value_length);
    ((struct grpc_ask *)user_data)->status = atoi(digits);
    return 0;
}

static int ask_on_stream_closed(nghttp2_session *session, int32_t stream_id, uint32_t error_code,
                                void *user_data) {
    (void)session, (void)stream_id, (void)error_code;
    http2_end(&((struct grpc_ask *)user_data)->http2);
    return 0;
}

static nghttp2_session *ask_session(struct grpc_ask *ask) {
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, ask_on_data);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, ask_on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, ask_on_stream_closed);
    CHECK(nghttp2_session_client_new(&session, callbacks, ask) == 0);
    nghttp2_session_callbacks_del(callbacks);
    return session;
}

static void ask_on_connected(uv_connect_t *connect, int status) {
    struct grpc_ask *ask = connect->data;
    if (status != 0) {
        http2_end(&ask->http2);
        return;
    }
    nghttp2_session *session = ask_session(ask);
    nghttp2_data_provider body = {.source.ptr = &ask->request, .read_callback = ask_on_data_wanted};
    CHECK(grpc_submit_request(session, ask->options.path, &ask->to, &body) > 0);
    http2_open(&ask->http2, session);
}

/* ---- beginning ---- */

static struct grpc_ask *ask_new(struct grpc_asks *asks, const struct grpc_ask_options *options) {
    struct grpc_ask *ask = memory_allocate_zeroed(1, sizeof *ask);
    ask->asks = asks;
    ask->options = *options;
    ask->to = *options->to;
    ask->status = GRPC_ASK_BROKEN;
    buffer_init(&ask->request, options->request.length);
    buffer_append_bytes(&ask->request, options->request);
    grpc_reader_init(&ask->reader, options->message_maximum_bytes);
    ask->connect.data = ask->timer.data = ask;
    ask->open_handles = 2;
    if (asks->count++ == 0)
        asks->input = memory_allocate(HTTP2_INPUT_BYTES);
    return ask;
}

struct grpc_ask *grpc_ask_begin(struct grpc_asks *asks, const struct grpc_ask_options *options) {
    struct sockaddr_storage to;
    if (socket_address(options->to, &to) == 0)
        return NULL;
    struct grpc_ask *ask = ask_new(asks, options);
    CHECK(uv_timer_init(asks->loop, &ask->timer) == 0);
    if (options->limit_ms > 0)
        CHECK(uv_timer_start(&ask->timer, ask_on_timeout, options->limit_ms, 0) == 0);
    http2_init(&ask->http2, asks->loop, asks->input, ask_on_ended, ask);
    if (uv_tcp_connect(&ask->connect, &ask->http2.socket, (struct sockaddr *)&to,
                       ask_on_connected) != 0)
        http2_end(&ask->http2);
    return ask;
}
