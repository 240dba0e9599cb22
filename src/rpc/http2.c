#include "rpc/http2.h"
#include "base/check.h"

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
    buffer_init(&http2->spare, 2 * HTTP2_OUTPUT_MAXIMUM_BYTES);
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

/* ---- what is written next ---- */

static void add_piece(struct http2 *http2, const uint8_t *lent, size_t length) {
    unsigned count = http2->piece_count;
    http2->piece_bytes += length;
    if (count > 0 && lent == NULL && http2->pieces[count - 1].lent == NULL) {
        http2->pieces[count - 1].length += length;
        return;
    }
    CHECK(count < HTTP2_PIECE_MAXIMUM);
    http2->pieces[http2->piece_count++] = (struct http2_piece){.lent = lent, .length = length};
}

static void add_output(struct http2 *http2, const uint8_t *data, size_t length) {
    buffer_append(&http2->output, data, length);
    CHECK(!http2->output.is_overflowed);
    add_piece(http2, NULL, length);
}

static bool has_room(const struct http2 *http2) {
    return http2->piece_bytes < HTTP2_OUTPUT_MAXIMUM_BYTES &&
           http2->piece_count + 1 + HTTP2_LENT_MAXIMUM < HTTP2_PIECE_MAXIMUM;
}

bool http2_lend(struct http2 *http2, const uint8_t head[HTTP2_FRAME_HEAD_BYTES],
                const struct bytes *data, unsigned count) {
    CHECK(count <= HTTP2_LENT_MAXIMUM);
    if (!has_room(http2))
        return false;
    add_output(http2, head, HTTP2_FRAME_HEAD_BYTES);
    for (unsigned i = 0; i < count; i++)
        if (data[i].length > 0)
            add_piece(http2, data[i].data, data[i].length);
    return true;
}

/* Asks nghttp2 for what is to be written. False if there is nothing. */
static bool http2_fill(struct http2 *http2) {
    const uint8_t *data;
    ssize_t length = 0;
    while (has_room(http2) && (length = nghttp2_session_mem_send(http2->session, &data)) > 0)
        add_output(http2, data, (size_t)length);
    if (length < 0)
        http2_end(http2);
    return length >= 0 && http2->piece_bytes > 0;
}

static int write_pieces(struct http2 *http2) {
    uv_buf_t gathered[HTTP2_PIECE_MAXIMUM];
    uint8_t *output = buffer_data(&http2->output);
    for (unsigned i = 0; i < http2->piece_count; i++) {
        const struct http2_piece *piece = &http2->pieces[i];
        uint8_t *from = piece->lent ? (uint8_t *)piece->lent : output;
        output += piece->lent ? 0 : piece->length;
        gathered[i] = uv_buf_init((char *)from, (unsigned)piece->length);
    }
    return uv_try_write((uv_stream_t *)&http2->socket, gathered, http2->piece_count);
}

/* What was not written, in the output; nothing is lent any more. */
static void keep_rest(struct http2 *http2, size_t written) {
    struct buffer rest = http2->spare;
    (void)buffer_reserve(&rest, http2->piece_bytes - written);
    uint8_t *output = buffer_data(&http2->output);
    for (unsigned i = 0; i < http2->piece_count; i++) {
        const struct http2_piece *piece = &http2->pieces[i];
        const uint8_t *from = piece->lent ? piece->lent : output;
        output += piece->lent ? 0 : piece->length;
        size_t skipped = written < piece->length ? written : piece->length;
        buffer_append(&rest, from + skipped, piece->length - skipped);
        written -= skipped;
    }
    CHECK(!rest.is_overflowed);
    buffer_reuse(&http2->output, HTTP2_OUTPUT_KEPT_BYTES, HTTP2_OUTPUT_BUSY_BYTES);
    http2->spare = http2->output;
    http2->output = rest;
}

/* ---- writing ---- */

static void http2_on_written(uv_write_t *write, int status) {
    struct http2 *http2 = write->data;
    http2->is_writing = false;
    if (status != 0) {
        http2_end(http2);
        return;
    }
    buffer_reuse(&http2->output, HTTP2_OUTPUT_KEPT_BYTES, HTTP2_OUTPUT_BUSY_BYTES);
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
        int written = write_pieces(http2);
        if (written < 0 && written != UV_EAGAIN) {
            http2_end(http2);
        } else if (written == (int)http2->piece_bytes) {
            buffer_reuse(&http2->output, HTTP2_OUTPUT_KEPT_BYTES, HTTP2_OUTPUT_BUSY_BYTES);
        } else {
            keep_rest(http2, written > 0 ? (size_t)written : 0);
            http2_write_rest(http2);
        }
        http2->piece_count = 0;
        http2->piece_bytes = 0;
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
    buffer_release(&http2->spare);
    http2->ended(http2->owner);
}

void http2_end(struct http2 *http2) {
    if (http2->is_ending)
        return;
    http2->is_ending = true;
    uv_close((uv_handle_t *)&http2->socket, http2_on_closed);
}
