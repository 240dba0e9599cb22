/* One HTTP/2 connection: moves bytes between a TCP socket and nghttp2, and notices when the other
 * end is gone.
 *
 *     socket --> nghttp2_session_mem_recv --> the owner's callbacks of nghttp2
 *     socket <-- output <-- nghttp2_session_mem_send
 *
 * http2_flush writes at once what the socket takes; the rest goes when the socket can take it.
 *
 * Ending is never sudden: http2_end only closes the socket, and the owner hears of it by `ended`,
 * from the loop, when no callback of nghttp2 runs any more. Only then may it free the struct. */
#pragma once
#include "base/buffer.h"
#include <nghttp2/nghttp2.h>
#include <uv.h>

enum {
    HTTP2_WINDOW_BYTES = 64 << 20, /* a message never waits for a window update */
    HTTP2_STREAM_MAXIMUM = 64,     /* calls of one connection at a time */
    HTTP2_OUTPUT_MAXIMUM_BYTES =
        1 << 20, /* taken from nghttp2 and not yet by the socket; then nghttp2 is not asked */
    HTTP2_INPUT_BYTES = 256 << 10, /* of one read; shared by the connections of a loop */
    HTTP2_SILENCE_MS = 1000,       /* heard nothing for so long: ping */
    HTTP2_DEAD_MS = 3000           /* heard nothing for so long: gone */
};

struct http2 {
    uv_tcp_t socket;
    nghttp2_session *session; /* NULL before http2_open */
    struct buffer output;
    uv_write_t write;
    uint8_t *input;    /* HTTP2_INPUT_BYTES, borrowed */
    uint64_t heard_ms; /* of the loop's clock */
    bool is_pinging, is_writing, is_ending;
    void (*ended)(void *owner);
    void *owner;
};

/* After this the socket exists and http2_end must be called, then `ended` comes. `input` outlives
 * the connection. */
void http2_init(struct http2 *http2, uv_loop_t *loop, uint8_t *input, void (*ended)(void *owner),
                void *owner);
/* The socket is connected: takes the session, sends the settings, begins to read. */
void http2_open(struct http2 *http2, nghttp2_session *session);
/* Sends what nghttp2 has to send. Not from within one of its callbacks. */
void http2_flush(struct http2 *http2);
/* Pings a silent end; ends a connection that is dead or takes too long to be made. To be called a
 * few times a second. */
void http2_check_alive(struct http2 *http2);
void http2_end(struct http2 *http2);
