#include "rpc/grpc_client.h"
#include "base/check.h"
#include "base/memory.h"
#include "io/socket_address.h"
#include "rpc/grpc_frame.h"
#include "rpc/grpc_headers.h"
#include "rpc/http2.h"
#include <stdio.h>

enum { GRPC_REASON_BYTES = 160 };

/* One life of the connection. It outlives the client's interest in it until its socket is closed.
 */
struct grpc_attempt {
    struct http2 http2;
    uv_connect_t connect;
    struct grpc_client *client;
    int32_t stream_id;
    bool is_open;
    uint64_t opened_us;
    bool was_answered; /* the other end sent something of HTTP/2 */
    char reason[GRPC_REASON_BYTES];
};

struct grpc_client {
    struct grpc_client_options options;
    struct net_address address;
    struct grpc_attempt *attempt; /* NULL while waiting */
    uv_timer_t retry;
    uint64_t retry_ms; /* 0: at once */
    struct buffer queue;
    struct bytes lent[2]; /* behind the queue, within grpc_client_send: a prefix and its message */
    bool is_freeing, is_timer_closed;
};

static void client_connect(struct grpc_client *client);

/* Frees once the timer and the attempt are gone. */
static void client_free_if_done(struct grpc_client *client) {
    if (!client->is_freeing || !client->is_timer_closed || client->attempt != NULL)
        return;
    void (*freed)(void *) = client->options.freed;
    void *context = client->options.context;
    buffer_release(&client->queue);
    memory_free(client);
    if (freed != NULL)
        freed(context);
}

static void client_on_retry(uv_timer_t *timer) { client_connect(timer->data); }

static void client_retry_later(struct grpc_client *client) {
    CHECK(uv_timer_start(&client->retry, client_on_retry, client->retry_ms, 0) == 0);
    uint64_t next_ms = client->retry_ms ? client->retry_ms * 2 : GRPC_CLIENT_RETRY_FIRST_MS;
    client->retry_ms = next_ms < GRPC_CLIENT_RETRY_LAST_MS ? next_ms : GRPC_CLIENT_RETRY_LAST_MS;
}

static void attempt_on_ended(void *owner) {
    struct grpc_attempt *attempt = owner;
    struct grpc_client *client = attempt->client;
    CHECK(client->attempt == attempt);
    client->attempt = NULL;
    buffer_clear(&client->queue);
    if (attempt->was_answered)
        client->retry_ms = 0;
    if (client->is_freeing) {
        client_free_if_done(client);
    } else {
        client_retry_later(client);
        if (attempt->is_open)
            client->options.lost(client->options.context,
                                 attempt->reason[0] ? attempt->reason : "connection closed");
    }
    memory_free(attempt);
}

/* Data of the call: what waits in the queue, then what is lent. It is only said here how much;
 * attempt_on_data_sent lends it to the connection. */
static ssize_t attempt_on_data_wanted(nghttp2_session *session, int32_t stream_id, uint8_t *into,
                                      size_t room, uint32_t *flags, nghttp2_data_source *source,
                                      void *user_data) {
    (void)session, (void)stream_id, (void)into, (void)user_data;
    const struct grpc_client *client = source->ptr;
    size_t waiting = client->queue.length + client->lent[0].length + client->lent[1].length;
    if (waiting == 0)
        return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return (ssize_t)(waiting < room ? waiting : room);
}

static struct bytes take_front(struct bytes *from, size_t *wanted) {
    struct bytes taken = bytes_of(from->data, from->length < *wanted ? from->length : *wanted);
    *from = bytes_of(from->data + taken.length, from->length - taken.length);
    *wanted -= taken.length;
    return taken;
}

static int attempt_on_data_sent(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                                size_t length, nghttp2_data_source *source, void *user_data) {
    (void)session, (void)frame;
    struct grpc_attempt *attempt = user_data;
    struct grpc_client *client = source->ptr;
    struct bytes queued = buffer_bytes(&client->queue);
    struct bytes lent[2] = {client->lent[0], client->lent[1]}, data[3];
    data[0] = take_front(&queued, &length);
    data[1] = take_front(&lent[0], &length);
    data[2] = take_front(&lent[1], &length);
    CHECK(length == 0);
    if (!http2_lend(&attempt->http2, head, data, 3))
        return NGHTTP2_ERR_WOULDBLOCK;
    buffer_consume(&client->queue, data[0].length);
    client->lent[0] = lent[0];
    client->lent[1] = lent[1];
    return 0;
}

static int attempt_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data) {
    (void)session, (void)frame;
    ((struct grpc_attempt *)user_data)->was_answered = true;
    return 0;
}

/* The status of the call, from headers or trailers, becomes the reason of the loss. */
static int attempt_on_header(nghttp2_session *session, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_length, const uint8_t *value,
                             size_t value_length, uint8_t flags, void *user_data) {
    (void)session, (void)frame, (void)flags;
    struct grpc_attempt *attempt = user_data;
    struct bytes header = bytes_of(name, name_length);
    size_t used = strlen(attempt->reason);
    if (bytes_equal(header, BYTES_LITERAL("grpc-status")) ||
        bytes_equal(header, BYTES_LITERAL("grpc-message")))
        snprintf(attempt->reason + used, sizeof attempt->reason - used, "%s%.*s %.*s",
                 used ? ", " : "", BYTES_PRINT(header),
                 (int)(value_length < 80 ? value_length : 80), (const char *)value);
    return 0;
}

static int attempt_on_stream_closed(nghttp2_session *session, int32_t stream_id,
                                    uint32_t error_code, void *user_data) {
    (void)session, (void)stream_id, (void)error_code;
    struct grpc_attempt *attempt = user_data;
    attempt->was_answered = false; /* it answers only to refuse: go on backing off */
    http2_end(&attempt->http2);
    return 0;
}

static nghttp2_session *attempt_session(struct grpc_attempt *attempt) {
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, attempt_on_frame);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, attempt_on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, attempt_on_stream_closed);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, attempt_on_data_sent);
    CHECK(nghttp2_session_client_new(&session, callbacks, attempt) == 0);
    nghttp2_session_callbacks_del(callbacks);
    return session;
}

static int32_t attempt_call(struct grpc_attempt *attempt, nghttp2_session *session) {
    nghttp2_data_provider data = {.source.ptr = attempt->client,
                                  .read_callback = attempt_on_data_wanted};
    return grpc_submit_request(session, "/trothdb.peer.v1.Peer/Exchange", &attempt->client->address,
                               &data);
}

static void attempt_on_connected(uv_connect_t *connect, int status) {
    struct grpc_attempt *attempt = connect->data;
    if (status != 0) {
        http2_end(&attempt->http2);
        return;
    }
    nghttp2_session *session = attempt_session(attempt);
    attempt->stream_id = attempt_call(attempt, session);
    CHECK(attempt->stream_id > 0);
    attempt->is_open = true;
    attempt->opened_us = uv_hrtime() / 1000;
    http2_open(&attempt->http2, session);
}

static void client_connect(struct grpc_client *client) {
    CHECK(client->attempt == NULL);
    struct grpc_attempt *attempt = memory_allocate_zeroed(1, sizeof *attempt);
    client->attempt = attempt;
    attempt->client = client;
    attempt->connect.data = attempt;
    http2_init(&attempt->http2, client->options.loop, client->options.input, attempt_on_ended,
               attempt);
    struct sockaddr_storage to;
    if (socket_address(&client->address, &to) == 0 ||
        uv_tcp_connect(&attempt->connect, &attempt->http2.socket, (struct sockaddr *)&to,
                       attempt_on_connected) != 0)
        http2_end(&attempt->http2);
}

struct grpc_client *grpc_client_new(const struct grpc_client_options *options) {
    struct grpc_client *client = memory_allocate_zeroed(1, sizeof *client);
    client->options = *options;
    buffer_init(&client->queue, GRPC_CLIENT_QUEUE_BYTES);
    CHECK(uv_timer_init(options->loop, &client->retry) == 0);
    client->retry.data = client;
    return client;
}

static void client_on_timer_closed(uv_handle_t *handle) {
    struct grpc_client *client = handle->data;
    client->is_timer_closed = true;
    client_free_if_done(client);
}

void grpc_client_free(struct grpc_client *client) {
    client->is_freeing = true;
    uv_close((uv_handle_t *)&client->retry, client_on_timer_closed);
    if (client->attempt != NULL)
        http2_end(&client->attempt->http2);
}

void grpc_client_set_address(struct grpc_client *client, const struct net_address *address) {
    if (net_address_equal(&client->address, address))
        return;
    client->address = *address;
    client->retry_ms = 0;
    if (client->attempt != NULL)
        http2_end(&client->attempt->http2);
    else
        client_retry_later(client);
}

const struct net_address *grpc_client_address(const struct grpc_client *client) {
    return &client->address;
}

static bool client_queue(struct grpc_client *client, struct bytes message) {
    struct seal *seal = client->options.seal;
    size_t length = message.length + (seal ? SEAL_EXTRA_BYTES : 0);
    uint8_t *room = buffer_reserve(&client->queue, GRPC_PREFIX_BYTES + length);
    if (room == NULL) {
        client->queue.is_overflowed = false; /* this message is dropped; later ones may fit again */
        return false;
    }
    grpc_prefix_write(room, length);
    if (seal != NULL)
        seal_close(seal, SEAL_EXCHANGE, message, room + GRPC_PREFIX_BYTES);
    else
        memcpy(room + GRPC_PREFIX_BYTES, message.data, message.length);
    buffer_grew(&client->queue, GRPC_PREFIX_BYTES + length);
    return true;
}

static void client_flush(struct grpc_client *client) {
    nghttp2_session_resume_data(client->attempt->http2.session, client->attempt->stream_id);
    http2_flush(&client->attempt->http2);
}

/* Where nothing waits, a message goes to the socket from where it lies; only what the socket does
 * not take now is copied. */
static void client_send_lent(struct grpc_client *client, struct bytes message) {
    uint8_t prefix[GRPC_PREFIX_BYTES];
    grpc_prefix_write(prefix, message.length);
    client->lent[0] = bytes_of(prefix, sizeof prefix);
    client->lent[1] = message;
    client_flush(client);
    for (unsigned i = 0; i < 2; i++) {
        buffer_append_bytes(&client->queue, client->lent[i]);
        client->lent[i] = BYTES_NONE;
    }
    CHECK(!client->queue.is_overflowed); /* it was empty */
}

bool grpc_client_send(struct grpc_client *client, struct bytes message) {
    struct grpc_attempt *attempt = client->attempt;
    if (attempt == NULL || !attempt->is_open || attempt->http2.is_ending ||
        message.length > NET_PEER_MESSAGE_MAXIMUM)
        return false;
    if (client->queue.length == 0)
        buffer_recycle(&client->queue, HTTP2_OUTPUT_MAXIMUM_BYTES); /* a large message was rare */
    if (client->queue.length == 0 && client->options.seal == NULL) {
        client_send_lent(client, message);
        return true;
    }
    if (!client_queue(client, message))
        return false;
    client_flush(client);
    return true;
}

bool grpc_client_link(const struct grpc_client *client, struct net_link *link) {
    if (client->attempt == NULL || !client->attempt->is_open)
        return false;
    *link = (struct net_link){.age_us = uv_hrtime() / 1000 - client->attempt->opened_us,
                              .queued_bytes = client->queue.length,
                              .queue_bytes = client->queue.capacity};
    return true;
}

void grpc_client_check_alive(struct grpc_client *client) {
    if (client->attempt != NULL)
        http2_check_alive(&client->attempt->http2);
}
