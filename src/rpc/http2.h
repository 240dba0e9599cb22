/* One HTTP/2 connection: moves bytes between a TCP socket and nghttp2, and notices when the other
 * end is gone.
 *
 *     socket --> nghttp2_session_mem_recv --> the owner's callbacks of nghttp2
 *     socket <-- output <-- nghttp2_session_mem_send
 *            <-- lent   <-- the owner's nghttp2_send_data_callback
 *
 * http2_flush writes at once what the socket takes; the rest goes when the socket can take it. A
 * message need not be copied into a frame and from there into the output: its owner lends it, and
 * one write gathers both. What the socket does not take is copied then, so that nothing is borrowed
 * any longer than http2_flush runs.
 *
 * Ending is never sudden: http2_end only closes the socket, and the owner hears of it by `ended`,
 * from the loop, when no callback of nghttp2 runs any more. Only then may it free the struct. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include <nghttp2/nghttp2.h>
#include <uv.h>

enum {
    HTTP2_WINDOW_BYTES = 64 << 20, /* a message never waits for a window update */
    HTTP2_STREAM_MAXIMUM = 64,     /* calls of one connection at a time */
    HTTP2_OUTPUT_MAXIMUM_BYTES =
        1 << 20, /* taken from nghttp2 and not yet by the socket; then nghttp2 is not asked */
    HTTP2_OUTPUT_KEPT_BYTES = 512 << 10, /* memory that a connection keeps between writes, */
    HTTP2_OUTPUT_BUSY_BYTES = 4 << 20,   /* and while it is needed */
    HTTP2_PIECE_MAXIMUM = 256,           /* of one write; a megabyte in frames of 16 kB makes 130 */
    HTTP2_INPUT_BYTES = 256 << 10,       /* of one read; shared by the connections of a loop */
    HTTP2_FRAME_HEAD_BYTES = 9,          /* RFC 9113, 4.1 */
    HTTP2_LENT_MAXIMUM = 4,              /* pieces of the data of one frame */
    HTTP2_SILENCE_MS = 1000,             /* heard nothing for so long: ping */
    HTTP2_DEAD_MS = 3000                 /* heard nothing for so long: gone */
};

/* What is written next: `length` bytes that are lent, or where `lent` is NULL of the output. */
struct http2_piece {
    const uint8_t *lent;
    size_t length;
};

struct http2 {
    uv_tcp_t socket;
    nghttp2_session *session;    /* NULL before http2_open */
    struct buffer output, spare; /* the two change places, so that memory is used again */
    struct http2_piece pieces[HTTP2_PIECE_MAXIMUM]; /* empty but within http2_flush */
    unsigned piece_count;
    size_t piece_bytes;
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
/* For a nghttp2_send_data_callback, which nghttp2 calls within http2_flush: the head of a frame,
 * copied, and its data, borrowed until http2_flush returns; at most HTTP2_LENT_MAXIMUM pieces of
 * them. False: no room now; NGHTTP2_ERR_WOULDBLOCK is the callback's answer, and it is asked again.
 */
bool http2_lend(struct http2 *http2, const uint8_t head[HTTP2_FRAME_HEAD_BYTES],
                const struct bytes *data, unsigned count) MUST_CHECK;
/* Sends what nghttp2 has to send. Not from within one of its callbacks. */
void http2_flush(struct http2 *http2);
/* Pings a silent end; ends a connection that is dead or takes too long to be made. To be called a
 * few times a second. */
void http2_check_alive(struct http2 *http2);
void http2_end(struct http2 *http2);
