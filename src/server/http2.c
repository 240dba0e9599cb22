#include "server/http2.h"
#include "base/check.h"
#include "base/memory.h"

static void http2_on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room) {
    (void)suggested;
    struct http2 *http2 = handle->data;
    *room = uv_buf_init((char *)http2->input, HTTP2_INPUT_BYTES);
}

static void http2_on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *room) {
    struct http2 *http2 = stream->data;
    if (length == 0)
        return;
    if (length < 0) {
        http2_end(http2);
        return;
    }
    http2->heard_ms = uv_now(stream->loop);
    http2->is_pinging = false;
    if (nghttp2_session_mem_recv(http2->session, (uint8_t *)room->base, (size_t)length) < 0) {
        http2_end(http2);
        return;
    }
    http2_flush(http2);
    if (!nghttp2_session_want_read(http2->session) && !nghttp2_session_want_write(http2->session))
        http2_end(http2);
}

void http2_init(struct http2 *http2, uv_loop_t *loop, uint8_t *input, void (*ended)(void *owner),
                void *owner) {
    *http2 =
        (struct http2){.input = input, .heard_ms = uv_now(loop), .ended = ended, .owner = owner};
    buffer_init(&http2->output, 2 * HTTP2_OUTPUT_MAXIMUM_BYTES);
    CHECK(uv_tcp_init(loop, &http2->socket) == 0);
    http2->socket.data = http2;
}

void http2_open(struct http2 *http2, nghttp2_session *session) {
    http2->session = session;
    http2->heard_ms = uv_now(http2->socket.loop);
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_WINDOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, HTTP2_STREAM_MAXIMUM},
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, /* a client's to say */
    };
    bool is_client = nghttp2_session_check_server_session(session) == 0;
    CHECK(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, is_client ? 3 : 2) == 0);
    CHECK(nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                                HTTP2_WINDOW_BYTES) == 0);
    uv_tcp_nodelay(&http2->socket, 1);
    if (uv_read_start((uv_stream_t *)&http2->socket, http2_on_room, http2_on_read) != 0)
        http2_end(http2);
    http2_flush(http2);
}

/* Fills the output from nghttp2. False if there is nothing to write. */
static bool http2_fill(struct http2 *http2) {
    const uint8_t *data;
    ssize_t length = 0;
    while (http2->output.length < HTTP2_OUTPUT_MAXIMUM_BYTES &&
           (length = nghttp2_session_mem_send(http2->session, &data)) > 0)
        buffer_append(&http2->output, data, (size_t)length);
    CHECK(!http2->output.is_overflowed);
    if (length < 0)
        http2_end(http2);
    return length >= 0 && http2->output.length > 0;
}

static void http2_on_written(uv_write_t *write, int status) {
    struct http2 *http2 = write->data;
    http2->is_writing = false;
    if (status != 0) {
        http2_end(http2);
        return;
    }
    buffer_clear(&http2->output);
    http2_flush(http2);
}

static void http2_write_rest(struct http2 *http2) {
    uv_buf_t rest =
        uv_buf_init((char *)buffer_data(&http2->output), (unsigned)http2->output.length);
    http2->write.data = http2;
    if (uv_write(&http2->write, (uv_stream_t *)&http2->socket, &rest, 1, http2_on_written) != 0)
        http2_end(http2);
    else
        http2->is_writing = true;
}

void http2_flush(struct http2 *http2) {
    while (!http2->is_ending && !http2->is_writing && http2_fill(http2)) {
        uv_buf_t all =
            uv_buf_init((char *)buffer_data(&http2->output), (unsigned)http2->output.length);
        int written = uv_try_write((uv_stream_t *)&http2->socket, &all, 1);
        if (written < 0 && written != UV_EAGAIN) {
            http2_end(http2);
            return;
        }
        buffer_consume(&http2->output, written > 0 ? (size_t)written : 0);
        if (http2->output.length > 0)
            http2_write_rest(http2);
    }
}

void http2_check_alive(struct http2 *http2) {
    if (http2->is_ending)
        return;
    bool is_owed = http2->session == NULL || http2->is_pinging;
    uint64_t silent_ms = uv_now(http2->socket.loop) - http2->heard_ms;
    if (is_owed && silent_ms >= HTTP2_DEAD_MS) {
        http2_end(http2);
    } else if (!is_owed && silent_ms >= HTTP2_SILENCE_MS) {
        http2->is_pinging = true;
        if (nghttp2_submit_ping(http2->session, NGHTTP2_FLAG_NONE, NULL) != 0)
            http2_end(http2);
        http2_flush(http2);
    }
}

static void http2_on_closed(uv_handle_t *handle) {
    struct http2 *http2 = handle->data;
    if (http2->session != NULL)
        nghttp2_session_del(http2->session);
    buffer_release(&http2->output);
    http2->ended(http2->owner);
}

void http2_end(struct http2 *http2) {
    if (http2->is_ending)
        return;
    http2->is_ending = true;
    uv_close((uv_handle_t *)&http2->socket, http2_on_closed);
}
