/* etcd's own protocol: gRPC over HTTP/2, one connection a client, one stream an operation. The
 * messages are small enough to be written by hand:
 *
 *     etcdserverpb.PutRequest     bytes key = 1; bytes value = 2;
 *     etcdserverpb.RangeRequest   bytes key = 1;                    linearizable unless it says
 * else
 *
 * each behind the five bytes of gRPC: not compressed, length big-endian. */
#include "load.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>

#include "base/memory.h"

enum { GRPC_HEAD_BYTES = 5, ETCD_WINDOW_BYTES = 16 << 20 };

struct etcd_message {
    struct buffer bytes;
};

struct etcd_session {
    nghttp2_session *http;
    struct load *load;
    struct load_connection *connection;
};

static bool prepare(struct load *load) {
    load_deal_all_keys(load);
    return true;
}

/* ---- messages ---- */

static void append_field(struct buffer *out, unsigned number, struct bytes value) {
    buffer_append_u8(out, (uint8_t)(number << 3 | 2));
    buffer_append_varint(out, value.length);
    buffer_append_bytes(out, value);
}

static struct etcd_message *message_new(const struct load *load, uint32_t key) {
    char text[LOAD_KEY_BYTES + 1];
    struct buffer body;
    struct etcd_message *message = memory_allocate(sizeof *message);
    buffer_init(&body, LOAD_BUFFER_MAXIMUM);
    buffer_init(&message->bytes, LOAD_BUFFER_MAXIMUM);
    snprintf(text, sizeof text, "key:%012u", key);
    append_field(&body, 1, bytes_of(text, LOAD_KEY_BYTES));
    if (load->operation != LOAD_GET)
        append_field(&body, 2, bytes_of(load->value, load->value_bytes));
    uint8_t head[GRPC_HEAD_BYTES] = {0, (uint8_t)(body.length >> 24), (uint8_t)(body.length >> 16),
                                     (uint8_t)(body.length >> 8), (uint8_t)body.length};
    buffer_append(&message->bytes, head, sizeof head);
    buffer_append_bytes(&message->bytes, buffer_bytes(&body));
    buffer_release(&body);
    return message;
}

static void message_free(struct etcd_message *message) {
    buffer_release(&message->bytes);
    memory_free(message);
}

/* ---- HTTP/2 ---- */

static ssize_t write_output(nghttp2_session *http, const uint8_t *data, size_t length, int flags,
                            void *context) {
    (void)http;
    (void)flags;
    struct etcd_session *session = context;
    buffer_append(&session->connection->output, data, length);
    return (ssize_t)length;
}

static ssize_t read_message(nghttp2_session *http, int32_t stream, uint8_t *out, size_t room,
                            uint32_t *flags, nghttp2_data_source *source, void *context) {
    (void)http;
    (void)stream;
    (void)context;
    struct etcd_message *message = source->ptr;
    size_t length = message->bytes.length < room ? message->bytes.length : room;
    memcpy(out, buffer_data(&message->bytes), length);
    buffer_consume(&message->bytes, length);
    if (message->bytes.length == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)length;
}

static int note_header(nghttp2_session *http, const nghttp2_frame *frame, const uint8_t *name,
                       size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                       void *context) {
    (void)http;
    (void)frame;
    (void)flags;
    struct etcd_session *session = context;
    if (bytes_equal(bytes_of(name, name_length), BYTES_LITERAL("grpc-status")) &&
        !bytes_equal(bytes_of(value, value_length), BYTES_LITERAL("0")))
        load_note_error(session->load, BYTES_LITERAL("etcd answers with an error"));
    return 0;
}

static int end_stream(nghttp2_session *http, int32_t stream, uint32_t code, void *context) {
    struct etcd_session *session = context;
    message_free(nghttp2_session_get_stream_user_data(http, stream));
    if (code != NGHTTP2_NO_ERROR)
        load_note_error(session->load, BYTES_LITERAL("a stream was reset"));
    session->connection->awaited--;
    return 0;
}

static bool open_connection(struct load *load, struct load_connection *connection) {
    struct etcd_session *session = memory_allocate_zeroed(1, sizeof *session);
    nghttp2_session_callbacks *callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_send_callback(callbacks, write_output);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, note_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, end_stream);
    *session = (struct etcd_session){.load = load, .connection = connection};
    connection->session = session;
    int error = nghttp2_session_client_new(&session->http, callbacks, session);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
                                             ETCD_WINDOW_BYTES};
    return error == 0 &&
           nghttp2_submit_settings(session->http, NGHTTP2_FLAG_NONE, &settings, 1) == 0 &&
           nghttp2_session_set_local_window_size(session->http, NGHTTP2_FLAG_NONE, 0,
                                                 ETCD_WINDOW_BYTES) == 0;
}

static void close_connection(struct load_connection *connection) {
    struct etcd_session *session = connection->session;
    if (session) {
        nghttp2_session_del(session->http);
        memory_free(session);
    }
}

#define HEADER(name, value)                                                                        \
    { (uint8_t *)(name), (uint8_t *)(value), sizeof(name) - 1, sizeof(value) - 1, 0 }
static void append(struct load *load, struct load_connection *connection, const uint32_t *keys,
                   unsigned count) {
    nghttp2_nv headers[] = {HEADER(":method", "POST"),
                            HEADER(":scheme", "http"),
                            HEADER(":path", "/etcdserverpb.KV/Put"),
                            HEADER(":authority", "etcd"),
                            HEADER("content-type", "application/grpc"),
                            HEADER("te", "trailers")};
    if (load->operation == LOAD_GET)
        headers[2] = (nghttp2_nv)HEADER(":path", "/etcdserverpb.KV/Range");
    struct etcd_session *session = connection->session;
    for (unsigned i = 0; i < count; i++) {
        struct etcd_message *message = message_new(load, keys[i]);
        nghttp2_data_provider body = {.source.ptr = message, .read_callback = read_message};
        nghttp2_submit_request(session->http, NULL, headers, sizeof headers / sizeof headers[0],
                               &body, message);
    }
    nghttp2_session_send(session->http);
}

static bool take(struct load *load, struct load_connection *connection) {
    struct etcd_session *session = connection->session;
    struct bytes input = buffer_bytes(&connection->input);
    ssize_t taken = nghttp2_session_mem_recv(session->http, input.data, input.length);
    if (taken < 0) {
        snprintf(load->problem, sizeof load->problem, "%s", nghttp2_strerror((int)taken));
        return false;
    }
    buffer_consume(&connection->input, (size_t)taken);
    nghttp2_session_send(session->http); /* window updates, the answer to a ping */
    return true;
}

const struct load_protocol LOAD_ETCD = {prepare, open_connection, close_connection, append, take};
