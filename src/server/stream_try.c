#include "server/stream_try.h"
#include "base/check.h"
#include "base/memory.h"
#include "server/entropy.h"
#include "server/grpc_frame.h"
#include "server/heartbeat.h"
#include "server/http2.h"
#include "server/socket.h"

struct stream_try {
    struct stream_tries *tries;
    struct http2 http2;
    uv_connect_t connect;
    uv_timer_t timer;
    uint8_t uuid[NODE_UUID_BYTES], nonce[HEARTBEAT_NONCE_BYTES];
    struct net_address address;
    struct buffer request;
    struct grpc_reader reader;
    unsigned open_handles; /* the connection and the timer */
};

void stream_tries_init(struct stream_tries *tries, uv_loop_t *loop, struct seal *seal,
                       void (*answered)(void *context, const uint8_t uuid[NODE_UUID_BYTES],
                                        const struct net_address *address),
                       void *context) {
    *tries =
        (struct stream_tries){.loop = loop, .seal = seal, .answered = answered, .context = context};
}

/* ---- ending ---- */

static void try_free_if_done(struct stream_try *try) {
    struct stream_tries *tries = try->tries;
    if (--try->open_handles > 0)
        return;
    for (unsigned i = 0; i < tries->count; i++)
        if (tries->tries[i] == try)
            tries->tries[i] = tries->tries[--tries->count];
    grpc_reader_release(&try->reader);
    buffer_release(&try->request);
    memory_free(try);
    if (tries->count > 0)
        return;
    memory_free(tries->input); /* mostly there are none */
    tries->input = NULL;
}

static void try_on_timer_closed(uv_handle_t *handle) { try_free_if_done(handle->data); }

static void try_on_ended(void *owner) {
    struct stream_try *try = owner;
    uv_close((uv_handle_t *)&try->timer, try_on_timer_closed);
    try_free_if_done(try);
}

static void try_on_timeout(uv_timer_t *timer) {
    http2_end(&((struct stream_try *)timer->data)->http2);
}

void stream_tries_close(struct stream_tries *tries) {
    tries->answered = NULL;
    for (unsigned i = 0; i < tries->count; i++)
        http2_end(&tries->tries[i]->http2);
}

/* ---- the call ---- */

static ssize_t try_on_data_wanted(nghttp2_session *session, int32_t stream_id, uint8_t *into,
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

static void try_hear(struct stream_try *try, struct bytes message) {
    struct heartbeat_reply reply;
    const struct stream_tries *tries = try->tries;
    bool is_theirs = heartbeat_reply_read(message, tries->seal, &reply) == 0 &&
                     memcmp(reply.nonce, try->nonce, sizeof reply.nonce) == 0 &&
                     memcmp(reply.uuid, try->uuid, sizeof reply.uuid) == 0;
    if (is_theirs && tries->answered != NULL)
        tries->answered(tries->context, try->uuid, &try->address);
}

static int try_on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id,
                       const uint8_t *data, size_t length, void *user_data) {
    (void)session, (void)flags, (void)stream_id;
    struct stream_try *try = user_data;
    struct bytes input = bytes_of(data, length), message;
    if (grpc_reader_next(&try->reader, &input, &message) == 1)
        try_hear(try, message);
    return 0;
}

static int try_on_stream_closed(nghttp2_session *session, int32_t stream_id, uint32_t error_code,
                                void *user_data) {
    (void)session, (void)stream_id, (void)error_code;
    http2_end(&((struct stream_try *)user_data)->http2);
    return 0;
}

static nghttp2_session *try_session(struct stream_try *try) {
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, try_on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, try_on_stream_closed);
    CHECK(nghttp2_session_client_new(&session, callbacks, try) == 0);
    nghttp2_session_callbacks_del(callbacks);
    return session;
}

#define HEADER(header_name, header_value)                                                          \
    ((nghttp2_nv){.name = (uint8_t *)(header_name),                                                \
                  .value = (uint8_t *)(header_value),                                              \
                  .namelen = strlen(header_name),                                                  \
                  .valuelen = strlen(header_value)})

static void try_call(struct stream_try *try, nghttp2_session *session) {
    char authority[NET_HOST_MAXIMUM + 10];
    net_address_format(&try->address, authority);
    nghttp2_nv headers[] = {HEADER(":method", "POST"),
                            HEADER(":scheme", "http"),
                            HEADER(":path", HEARTBEAT_PATH),
                            HEADER(":authority", authority),
                            HEADER("te", "trailers"),
                            HEADER("content-type", "application/grpc"),
                            HEADER("user-agent", "trothdb/" TROTHDB_VERSION)};
    nghttp2_data_provider request = {.source.ptr = &try->request,
                                     .read_callback = try_on_data_wanted};
    heartbeat_request_append(&try->request, try->tries->seal, try->nonce);
    CHECK(nghttp2_submit_request(session, NULL, headers, sizeof headers / sizeof *headers, &request,
                                 NULL) > 0);
}

static void try_on_connected(uv_connect_t *connect, int status) {
    struct stream_try *try = connect->data;
    if (status != 0) {
        http2_end(&try->http2);
        return;
    }
    nghttp2_session *session = try_session(try);
    try_call(try, session);
    http2_open(&try->http2, session);
}

/* ---- beginning ---- */

static bool is_tried(const struct stream_tries *tries, const uint8_t uuid[NODE_UUID_BYTES]) {
    for (unsigned i = 0; i < tries->count; i++)
        if (memcmp(tries->tries[i]->uuid, uuid, NODE_UUID_BYTES) == 0)
            return true;
    return false;
}

static struct stream_try *try_new(struct stream_tries *tries, const uint8_t uuid[NODE_UUID_BYTES],
                                  const struct net_address *address) {
    struct stream_try *try = memory_allocate_zeroed(1, sizeof *try);
    try->tries = tries;
    try->address = *address;
    memcpy(try->uuid, uuid, NODE_UUID_BYTES);
    entropy_uuid(try->nonce);
    buffer_init(&try->request, GRPC_PREFIX_BYTES + HEARTBEAT_MAXIMUM_BYTES);
    grpc_reader_init(&try->reader, HEARTBEAT_MAXIMUM_BYTES);
    try->open_handles = 2;
    tries->tries[tries->count++] = try;
    return try;
}

void stream_tries_begin(struct stream_tries *tries, const uint8_t uuid[NODE_UUID_BYTES],
                        const struct net_address *address) {
    struct sockaddr_storage to;
    if (tries->count == STREAM_TRY_MAXIMUM || is_tried(tries, uuid) ||
        socket_address(address, &to) != 0)
        return;
    if (tries->input == NULL)
        tries->input = memory_allocate(HTTP2_INPUT_BYTES);
    struct stream_try *try = try_new(tries, uuid, address);
    try->connect.data = try->timer.data = try;
    CHECK(uv_timer_init(tries->loop, &try->timer) == 0);
    CHECK(uv_timer_start(&try->timer, try_on_timeout, STREAM_TRY_MS, 0) == 0);
    http2_init(&try->http2, tries->loop, tries->input, try_on_ended, try);
    if (uv_tcp_connect(&try->connect, &try->http2.socket, (struct sockaddr *)&to,
                       try_on_connected) != 0)
        http2_end(&try->http2);
}
