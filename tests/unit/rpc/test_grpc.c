/* Messages of a stream arrive, in order and whole, or the stream ends and says why. */
#include "../unit.h"
#include "base/memory.h"
#include "io/real/socket.h"
#include "loopback.h"
#include "rpc/grpc_client.h"
#include "rpc/grpc_server.h"
#include "rpc/http2.h"
#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

/* A client and a server of the peer plane in one loop. Message n begins with n as 4 bytes, and no
 * two of its stretches are alike. */
struct world {
    uv_loop_t loop;
    uint8_t *input;
    struct net_address address;
    struct grpc_server *server;
    struct grpc_client *client;
    unsigned received, lost;
    size_t *lengths; /* of the messages expected, in order */
    unsigned wanted;
    int answer;           /* of exchange */
    unsigned connections; /* the server's limits; 0: as they are */
    size_t strange_bytes;
    char reason[200];
    bool is_freed;
};

static uint8_t content_at(uint32_t number, size_t position) {
    return (uint8_t)(number * 7 + position + position / 251);
}

static int on_exchange(void *context, struct bytes message) {
    struct world *world = context;
    if (world->answer != 0)
        return world->answer;
    uint32_t number = 0;
    memcpy(&number, message.data, message.length < 4 ? message.length : 4);
    if (world->lengths != NULL) {
        assert_true(world->received < world->wanted);
        assert_int_equal(message.length, world->lengths[world->received]);
    }
    if (message.length >= 4)
        assert_int_equal(number, world->received);
    size_t same = 4;
    while (same < message.length && message.data[same] == content_at(world->received, same))
        same++;
    assert_true(same >= message.length);
    world->received++;
    return 0;
}

static bool on_is_serving(void *context) {
    (void)context;
    return true;
}

static void on_lost(void *context, const char *reason) {
    struct world *world = context;
    world->lost++;
    snprintf(world->reason, sizeof world->reason, "%s", reason);
}

static void on_freed(void *context) { ((struct world *)context)->is_freed = true; }

static void open_server(struct world *world, struct seal *seal) {
    world->server =
        grpc_server_new(&(struct grpc_server_options){.loop = &world->loop,
                                                      .input = world->input,
                                                      .seal = seal,
                                                      .connection_maximum = world->connections,
                                                      .strange_maximum = world->strange_bytes,
                                                      .exchange = on_exchange,
                                                      .is_serving = on_is_serving,
                                                      .context = world});
    assert_int_equal(grpc_server_listen(world->server, loopback_listen(&world->address)), 0);
}

static void open_client(struct world *world, struct seal *seal) {
    world->client = grpc_client_new(&(struct grpc_client_options){.loop = &world->loop,
                                                                  .input = world->input,
                                                                  .seal = seal,
                                                                  .lost = on_lost,
                                                                  .freed = on_freed,
                                                                  .context = world});
    grpc_client_set_address(world->client, &world->address);
}

static void world_init(struct world *world) {
    *world = (struct world){.address = loopback_address()};
    world->input = memory_allocate(HTTP2_INPUT_BYTES);
    assert_int_equal(uv_loop_init(&world->loop), 0);
}

static void world_release(struct world *world) {
    if (world->client != NULL)
        grpc_client_free(world->client);
    if (world->server != NULL)
        grpc_server_free(world->server);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_true(world->client == NULL || world->is_freed);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    memory_free(world->input);
}

static bool send_message(struct world *world, unsigned number, size_t length) {
    uint8_t *message = memory_allocate(length + 4);
    for (size_t i = 0; i < length; i++)
        message[i] = content_at(number, i);
    memcpy(message, &number, length < 4 ? length : 4);
    bool is_sent = grpc_client_send(world->client, bytes_of(message, length));
    memory_free(message);
    return is_sent;
}

static bool all_received(void *context) {
    struct world *world = context;
    return world->received == world->wanted;
}

static bool is_lost(void *context) { return ((struct world *)context)->lost > 0; }

static void send_all(struct world *world, size_t lengths[], unsigned count) {
    world->lengths = lengths;
    world->wanted = count;
    uint64_t begin_ns = uv_hrtime();
    for (unsigned n = 0; n < count && uv_hrtime() - begin_ns < 20000000000ull;)
        if (send_message(world, n, lengths[n]))
            n++;
        else
            uv_run(&world->loop, UV_RUN_ONCE);
    run_until(&world->loop, all_received, world);
}

/* Whatever their sizes, messages arrive whole and in order; also the largest. */
static void exchange_many_sizes(struct seal *seal) {
    struct world world;
    size_t lengths[300];
    for (unsigned i = 0; i < 300; i++)
        lengths[i] = i % 50 == 0 ? 1 << 20 : i % 7 == 0 ? 16384 + i : i;
    lengths[200] = NET_PEER_MESSAGE_MAXIMUM;
    world_init(&world);
    open_server(&world, seal);
    open_client(&world, seal);
    send_all(&world, lengths, 300);
    assert_int_equal(world.lost, 0);
    world_release(&world);
}

static void test_messages_of_all_sizes_arrive_in_order(void **state) {
    (void)state;
    exchange_many_sizes(NULL);
}

static const struct seal_key key = {{1}}, other_key = {{2}};

static void test_sealed_messages_arrive_in_order(void **state) {
    (void)state;
    struct seal *seal = seal_new(&key, 1, "");
    exchange_many_sizes(seal);
    seal_free(seal);
}

/* A client whose first message the server refuses: the loss says why, and nothing was taken. */
static void expect_refusal(struct seal *of_server, struct seal *of_client, int answer,
                           const char *status) {
    struct world world;
    world_init(&world);
    world.answer = answer;
    open_server(&world, of_server);
    open_client(&world, of_client);
    while (!send_message(&world, 0, 100))
        uv_run(&world.loop, UV_RUN_ONCE);
    run_until(&world.loop, is_lost, &world);
    assert_int_equal(world.received, 0);
    if (strstr(world.reason, status) == NULL)
        fail_msg("lost because: %s", world.reason);
    world_release(&world);
}

static void test_refused_messages_end_the_stream_with_a_status(void **state) {
    (void)state;
    struct seal *seal = seal_new(&key, 1, ""), *other = seal_new(&other_key, 1, "");
    expect_refusal(seal, NULL, 0, "grpc-status 16");
    expect_refusal(seal, other, 0, "grpc-status 16");
    seal_free(seal);
    seal_free(other);
    expect_refusal(NULL, NULL, ERR_REFUSED, "grpc-status 9");
    expect_refusal(NULL, NULL, ERR_MALFORMED, "grpc-status 3");
}

/* The server goes and comes back: the client notices, drops what waited, and reconnects by itself.
 */
static void test_a_client_reconnects_by_itself(void **state) {
    (void)state;
    struct world world;
    size_t lengths[20] = {0};
    world_init(&world);
    open_client(&world, NULL); /* nobody listens yet */
    for (unsigned i = 0; i < 50; i++)
        uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_false(send_message(&world, 0, 10));
    for (unsigned round = 0; round < 3; round++) {
        open_server(&world, NULL);
        world.received = 0;
        send_all(&world, lengths, 20);
        assert_int_equal(world.lost, 0);
        grpc_server_free(world.server);
        run_until(&world.loop, is_lost, &world);
        assert_false(send_message(&world, 0, 10));
        assert_int_equal(world.lost, 1);
        world.lost = 0;
    }
    world.server = NULL;
    world_release(&world);
}

/* Nothing is queued without end: past the queue's maximum messages are dropped, and the stream
 * lives. */
static void test_the_queue_is_bounded(void **state) {
    (void)state;
    struct world world;
    size_t one[] = {10};
    world_init(&world);
    open_server(&world, NULL);
    open_client(&world, NULL);
    send_all(&world, one, 1);
    world.lengths = NULL;
    unsigned sent = 1;
    while (send_message(&world, sent, 1 << 20)) /* the loop does not run: the socket fills up */
        assert_true(++sent < 200);
    assert_in_range(sent, GRPC_CLIENT_QUEUE_BYTES >> 20, 2 * (GRPC_CLIENT_QUEUE_BYTES >> 20));
    world.wanted = sent;
    run_until(&world.loop, all_received, &world);
    assert_false(
        grpc_client_send(world.client, bytes_of("", (size_t)NET_PEER_MESSAGE_MAXIMUM + 1)));
    world.wanted = sent + 1;
    assert_true(send_message(&world, sent, 100));
    run_until(&world.loop, all_received, &world);
    assert_int_equal(world.lost, 0);
    world_release(&world);
}

static void on_check(uv_timer_t *timer) {
    grpc_client_check_alive(((struct world *)timer->data)->client);
}

/* The other end accepts and then says nothing, as a stopped process does: it is given up in time.
 */
static void test_a_silent_peer_is_given_up(void **state) {
    (void)state;
    struct world world;
    uv_timer_t timer;
    world_init(&world);
    int socket = loopback_listen(&world.address);
    open_client(&world, NULL);
    uv_timer_init(&world.loop, &timer);
    timer.data = &world;
    uv_timer_start(&timer, on_check, 100, 100);
    uint64_t begin_ns = uv_hrtime();
    run_until(&world.loop, is_lost, &world);
    assert_true(uv_hrtime() - begin_ns > (HTTP2_DEAD_MS - 500) * 1000000ull);
    uv_close((uv_handle_t *)&timer, NULL);
    close(socket);
    world_release(&world);
}

/* A port that somebody has is refused in words, though sockets of one process share it. */
static void test_a_port_is_taken_once(void **state) {
    (void)state;
    struct buffer problem;
    struct net_address address = loopback_address();
    int sockets[3], again;
    buffer_init(&problem, 1000);
    assert_int_equal(socket_listen(&address, "port", sockets, 3, &problem), 0);
    assert_int_equal(socket_listen(&address, "port", &again, 1, &problem), ERR_IO);
    assert_non_null(memmem(buffer_data(&problem), problem.length, "another process has it", 22));
    for (unsigned i = 0; i < 3; i++)
        close(sockets[i]);
    assert_int_equal(socket_bind_datagram(&address, "port", sockets, &problem), 0);
    assert_int_equal(socket_bind_datagram(&address, "port", &again, &problem), ERR_IO);
    close(sockets[0]);
    buffer_release(&problem);
}

/* ---- a peer that breaks the rules of HTTP/2 ---- */

static void append_frame(struct buffer *out, uint8_t type, uint8_t flags, uint8_t stream,
                         const struct buffer *payload) {
    const uint8_t head[HTTP2_FRAME_HEAD_BYTES] = {
        0, (uint8_t)(payload->length >> 8), (uint8_t)payload->length, type, flags, 0, 0, 0, stream};
    buffer_append(out, head, sizeof head);
    buffer_append_bytes(out, buffer_bytes(payload));
}

/* HPACK's plainest form: a literal that is not indexed, its name new (RFC 7541, 6.2.2). */
static void append_header(struct buffer *out, const char *name, const char *value) {
    buffer_append_u8(out, 0);
    buffer_append_u8(out, (uint8_t)strlen(name));
    buffer_append_text(out, name);
    buffer_append_u8(out, (uint8_t)strlen(value));
    buffer_append_text(out, value);
}

/* Begins an Exchange, and sends a message of no bytes if the call is well-formed. */
static void append_exchange(struct buffer *out, uint8_t stream, bool is_well_formed) {
    struct buffer block, message;
    buffer_init(&block, 1000);
    buffer_init(&message, 1000);
    append_header(&block, ":method", "POST");
    append_header(&block, ":scheme", "http");
    append_header(&block, ":authority", "a");
    append_header(&block, ":path", "/trothdb.peer.v1.Peer/Exchange");
    append_header(&block, "content-type", "application/grpc");
    if (!is_well_formed)
        append_header(&block, "Upper", "case");
    append_frame(out, 1, 4, stream, &block);
    buffer_append(&message, (uint8_t[5]){0}, 5);
    if (is_well_formed)
        append_frame(out, 0, 0, stream, &message);
    buffer_release(&message);
    buffer_release(&block);
}

/* Sends it, and lets the server run until it answers with these bytes. */
static void talk(struct world *world, int client, struct buffer *out, struct bytes wanted) {
    struct buffer answer;
    buffer_init(&answer, 10000);
    assert_int_equal(write(client, buffer_data(out), out->length), out->length);
    buffer_clear(out);
    while (answer.length == 0 ||
           memmem(buffer_data(&answer), answer.length, wanted.data, wanted.length) == NULL) {
        uint8_t *room = buffer_reserve(&answer, 1000);
        uv_run(&world->loop, UV_RUN_NOWAIT);
        ssize_t got = recv(client, room, 1000, MSG_DONTWAIT);
        assert_true(got > 0 || (got < 0 && errno == EAGAIN));
        buffer_grew(&answer, got > 0 ? (size_t)got : 0);
    }
    buffer_release(&answer);
}

static int connect_to(const struct world *world) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(world->address.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof to), 0);
    return client;
}

/* A call that nghttp2 refuses before it begins is no Exchange that ends: the one that follows is
 * still the connection's first. */
static void test_a_refused_call_is_not_counted(void **state) {
    (void)state;
    struct world world;
    struct buffer out, nothing;
    world_init(&world);
    open_server(&world, NULL);
    buffer_init(&out, 10000);
    buffer_init(&nothing, 1);
    int client = connect_to(&world);
    buffer_append_text(&out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    append_frame(&out, 4, 0, 0, &nothing);
    append_exchange(&out, 1, false);
    talk(&world, client, &out, bytes_of("\0\0\4\3\0\0\0\0\1", 9)); /* RST_STREAM */
    append_exchange(&out, 3, true);
    talk(&world, client, &out, bytes_of("\1\4\0\0\0\3", 6)); /* HEADERS */
    assert_int_equal(world.received, 1);
    close(client);
    buffer_release(&out);
    world_release(&world);
}

/* ---- strangers ---- */

static void send_first(struct world *world, size_t length) {
    world->lost = 0;
    while (!send_message(world, world->received, length))
        uv_run(&world->loop, UV_RUN_ONCE);
}

/* A first message that is not whole yet may be anybody's, and takes no more memory than all such
 * are given. It is given back, and a peer that is known has all that a message may have. */
static void test_what_strangers_hold_is_bounded(void **state) {
    (void)state;
    enum { BOUND = 300000 };
    struct world world;
    struct seal *seal = seal_new(&key, 1, "");
    world_init(&world);
    world.strange_bytes = BOUND;
    open_server(&world, seal);
    open_client(&world, seal);
    for (unsigned i = 0; i < 3; i++) {
        send_first(&world, (size_t)2 * BOUND);
        run_until(&world.loop, is_lost, &world);
        assert_non_null(strstr(world.reason, "grpc-status 8"));
        assert_int_equal(world.received, 0);
    }
    send_first(&world, BOUND - 1000);
    world.wanted = 1;
    run_until(&world.loop, all_received, &world);
    assert_true(send_message(&world, 1, (size_t)3 * BOUND));
    world.wanted = 2;
    run_until(&world.loop, all_received, &world);
    assert_int_equal(world.lost, 0);
    seal_free(seal);
    world_release(&world);
}

/* More connections than there may be are closed, and those that are there stay. */
static void test_connections_are_bounded(void **state) {
    (void)state;
    struct world world;
    uint8_t byte;
    world_init(&world);
    world.connections = 2;
    open_server(&world, NULL);
    int clients[3];
    for (unsigned i = 0; i < 3; i++)
        clients[i] = connect_to(&world);
    while (recv(clients[2], &byte, 1, MSG_DONTWAIT) != 0)
        uv_run(&world.loop, UV_RUN_NOWAIT);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(recv(clients[i], &byte, 1, MSG_DONTWAIT), 1); /* of its SETTINGS */
    for (unsigned i = 0; i < 3; i++)
        close(clients[i]);
    world_release(&world);
}

RUN_TESTS(cmocka_unit_test(test_a_refused_call_is_not_counted),
          cmocka_unit_test(test_what_strangers_hold_is_bounded),
          cmocka_unit_test(test_connections_are_bounded),
          cmocka_unit_test(test_messages_of_all_sizes_arrive_in_order),
          cmocka_unit_test(test_sealed_messages_arrive_in_order),
          cmocka_unit_test(test_refused_messages_end_the_stream_with_a_status),
          cmocka_unit_test(test_a_client_reconnects_by_itself),
          cmocka_unit_test(test_the_queue_is_bounded),
          cmocka_unit_test(test_a_silent_peer_is_given_up),
          cmocka_unit_test(test_a_port_is_taken_once))
