/* Frames of HTTP/2 at the peer port, from somebody who has no key or breaks every rule: a
 * connection ends, or its calls do, and each stream that gossip was asked for is ended once.
 *
 * The first byte: bit 0, a cluster key is set; bit 1, all that follows is sent as it is. Else it is
 * frames: type, flags, stream, length (1 byte each), so many bytes. Type 0x80 + n begins a call of
 * method n with half-closing by flag 1; type 0x40 is DATA that holds one message. */
#include "base/check.h"
#include "base/memory.h"
#include "rpc/grpc_frame.h"
#include "rpc/grpc_server.h"
#include "rpc/http2.h"
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { STREAM_MAXIMUM = 64, PIECES_MAXIMUM = 3, OUTPUT_MAXIMUM = 1 << 20 };
enum { FRAME_DATA = 0, FRAME_HEADERS = 1, FRAME_SETTINGS = 4, END_STREAM = 1, END_HEADERS = 4 };

/* ---- the server, and gossip behind it ---- */

struct asked {
    uint64_t stream;
    unsigned pieces; /* that were given */
    bool is_open, has_room;
};

struct world {
    uv_loop_t loop;
    struct grpc_server *servers[2]; /* without a key, and with one */
    struct sockaddr_in addresses[2];
    struct seal *seal;
    struct identity identity;
    struct log log;
    uint8_t *input;
    struct asked asked[STREAM_MAXIMUM];
    size_t asked_count;
};

static int on_exchange(void *context, struct bytes message) {
    (void)context;
    static const int answers[] = {0, 0, ERR_REFUSED, ERR_MALFORMED};
    return answers[message.length ? message.data[0] & 3 : 0];
}

static bool on_is_serving(void *context) {
    (void)context;
    return true;
}

static struct asked *find(struct world *world, uint64_t stream) {
    for (size_t i = 0; i < world->asked_count; i++)
        if (world->asked[i].stream == stream && world->asked[i].is_open)
            return &world->asked[i];
    return NULL;
}

static void on_gossip_stream(void *context, enum gossip_event_kind kind, uint64_t stream,
                             struct bytes request) {
    struct world *world = context;
    struct asked *asked = find(world, stream);
    if (kind == GOSSIP_STREAM_ASKED) {
        CHECK(asked == NULL && request.length > 0 && world->asked_count < STREAM_MAXIMUM);
        world->asked[world->asked_count++] =
            (struct asked){.stream = stream, .is_open = true, .has_room = true};
        return;
    }
    CHECK(asked != NULL);
    if (kind == GOSSIP_STREAM_ROOM)
        asked->has_room = true;
    else
        asked->is_open = false;
}

/* What gossip does between two events of the loop. */
static void answer_all(struct world *world, struct grpc_server *server) {
    for (size_t i = 0; i < world->asked_count; i++) {
        struct asked *asked = &world->asked[i];
        if (!asked->is_open || !asked->has_room)
            continue;
        bool is_last = asked->pieces++ == PIECES_MAXIMUM;
        struct gossip_stream_action action = {.kind =
                                                  is_last ? GOSSIP_STREAM_END : GOSSIP_STREAM_GIVE,
                                              .stream = asked->stream,
                                              .bytes = BYTES_LITERAL("a piece"),
                                              .outcome = GOSSIP_STREAM_DONE};
        asked->has_room = false;
        if (is_last)
            asked->is_open = false;
        grpc_server_stream(server, &action);
    }
}

static void open_server(struct world *world, unsigned which, struct seal *seal) {
    struct sockaddr_in *address = &world->addresses[which];
    socklen_t length = sizeof *address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(bind(listener, (struct sockaddr *)address, sizeof *address) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)address, &length) == 0);
    struct grpc_server_options options = {.loop = &world->loop,
                                          .input = world->input,
                                          .seal = seal,
                                          .identity = &world->identity,
                                          .log = &world->log,
                                          .exchange = on_exchange,
                                          .is_serving = on_is_serving,
                                          .gossip_stream = on_gossip_stream,
                                          .context = world};
    world->servers[which] = grpc_server_new(&options);
    CHECK(grpc_server_listen(world->servers[which], listener) == 0);
}

/* Made once: what one input leaves behind would show at the next. */
static struct world *the_world(void) {
    static struct world world;
    static const struct seal_key key = {{1}};
    if (world.input == NULL) {
        world.input = memory_allocate(HTTP2_INPUT_BYTES);
        world.identity = (struct identity){.generation = 1};
        CHECK(uv_loop_init(&world.loop) == 0);
        world.seal = seal_new(&key, 1, "fuzz");
        open_server(&world, 0, NULL);
        open_server(&world, 1, world.seal);
    }
    world.asked_count = 0;
    return &world;
}

/* ---- what is sent ---- */

static void append_frame(struct buffer *out, uint8_t type, uint8_t flags, uint8_t stream,
                         struct bytes payload) {
    const uint8_t head[HTTP2_FRAME_HEAD_BYTES] = {(uint8_t)(payload.length >> 16),
                                                  (uint8_t)(payload.length >> 8),
                                                  (uint8_t)payload.length,
                                                  type,
                                                  flags,
                                                  0,
                                                  0,
                                                  0,
                                                  stream};
    buffer_append(out, head, sizeof head);
    buffer_append_bytes(out, payload);
}

/* HPACK's plainest form: a literal that is not indexed, its name new (RFC 7541, 6.2.2). */
static void append_header(struct buffer *out, const char *name, const char *value) {
    buffer_append_u8(out, 0);
    buffer_append_u8(out, (uint8_t)strlen(name));
    buffer_append_text(out, name);
    buffer_append_u8(out, (uint8_t)strlen(value));
    buffer_append_text(out, value);
}

static void append_call(struct buffer *out, unsigned method, uint8_t stream, bool is_last) {
    static const char *const paths[] = {
        "/trothdb.peer.v1.Peer/Exchange", "/trothdb.peer.v1.Peer/Heartbeat",
        "/trothdb.peer.v1.Peer/CatchUp",  "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",   "/"};
    struct buffer block;
    buffer_init(&block, 1024);
    append_header(&block, ":method", "POST");
    append_header(&block, ":scheme", "http");
    append_header(&block, ":authority", "a");
    append_header(&block, ":path", paths[method % (sizeof paths / sizeof *paths)]);
    append_header(&block, "content-type", method & 32 ? "text/plain" : "application/grpc");
    append_frame(out, FRAME_HEADERS, (uint8_t)(END_HEADERS | (is_last ? END_STREAM : 0)), stream,
                 buffer_bytes(&block));
    buffer_release(&block);
}

static void append_message(struct buffer *out, uint8_t flags, uint8_t stream, struct bytes text) {
    struct buffer message;
    uint8_t prefix[GRPC_PREFIX_BYTES];
    buffer_init(&message, 1024);
    grpc_prefix_write(prefix, text.length);
    buffer_append(&message, prefix, sizeof prefix);
    buffer_append_bytes(&message, text);
    append_frame(out, FRAME_DATA, flags, stream, buffer_bytes(&message));
    buffer_release(&message);
}

static void append_frames(struct buffer *out, const uint8_t *data, size_t length) {
    while (length >= 4) {
        uint8_t type = data[0], flags = data[1], stream = data[2];
        size_t taken = data[3] < length - 4 ? data[3] : length - 4;
        struct bytes payload = bytes_of(data + 4, taken);
        if (type & 0x80)
            append_call(out, type & 0x3f, stream, flags & END_STREAM);
        else if (type & 0x40)
            append_message(out, flags, stream, payload);
        else
            append_frame(out, type, flags, stream, payload);
        data += 4 + taken;
        length -= 4 + taken;
    }
}

/* Until the server has heard all of it and closed. */
static void play(struct world *world, unsigned which, struct bytes input) {
    uint8_t heard[4096];
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(client >= 0);
    CHECK(connect(client, (struct sockaddr *)&world->addresses[which],
                  sizeof world->addresses[which]) == 0);
    CHECK(setsockopt(client, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                     sizeof(struct linger)) == 0); /* no port is kept waiting for each input */
    ssize_t sent = send(client, input.data, input.length, MSG_NOSIGNAL);
    CHECK(sent == (ssize_t)input.length);
    shutdown(client, SHUT_WR);
    for (;;) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
        answer_all(world, world->servers[which]);
        ssize_t got = recv(client, heard, sizeof heard, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            break;
    }
    close(client);
    uv_run(&world->loop, UV_RUN_NOWAIT);
    for (size_t i = 0; i < world->asked_count; i++)
        CHECK(!world->asked[i].is_open);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    if (length == 0)
        return 0;
    struct world *world = the_world();
    struct buffer input;
    buffer_init(&input, OUTPUT_MAXIMUM);
    buffer_append_text(&input, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    append_frame(&input, FRAME_SETTINGS, 0, 0, BYTES_NONE);
    if (data[0] & 2)
        buffer_append(&input, data + 1, length - 1);
    else
        append_frames(&input, data + 1, length - 1);
    play(world, data[0] & 1, buffer_bytes(&input));
    buffer_release(&input);
    return 0;
}
