/* Calls of the peer plane that gossip makes, CatchUp and Heartbeat, and Health beside them: what
 * comes in pieces of any size, as messages with gRPC's prefixes, is refused or read; what was read
 * and is written again reads the same. */
#include "base/check.h"
#include "rpc/catch_up.h"
#include "rpc/grpc_frame.h"
#include "rpc/grpc_health.h"
#include "rpc/heartbeat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

/* Behind the prefix, of the first message in `written`. */
static struct bytes message_of(const struct buffer *written) {
    CHECK(written->length > GRPC_PREFIX_BYTES);
    return bytes_of(buffer_data(written) + GRPC_PREFIX_BYTES, written->length - GRPC_PREFIX_BYTES);
}

static void check_catch_up(struct bytes message, struct seal *seal) {
    uint8_t nonce[CATCH_UP_NONCE_BYTES], again[CATCH_UP_NONCE_BYTES];
    struct buffer gossip, written, same;
    buffer_init(&gossip, GOSSIP_STREAM_MESSAGE_MAXIMUM);
    buffer_init(&written, GRPC_PREFIX_BYTES + CATCH_UP_MAXIMUM_BYTES);
    buffer_init(&same, GOSSIP_STREAM_MESSAGE_MAXIMUM);
    if (catch_up_read(message, NULL, nonce, &gossip) == 0) {
        CHECK(!gossip.is_overflowed && gossip.length > 0);
        CHECK(catch_up_append(&written, seal, nonce, buffer_bytes(&gossip)));
        CHECK(catch_up_read(message_of(&written), seal, again, &same) == 0);
        CHECK(memcmp(nonce, again, sizeof nonce) == 0);
        CHECK(bytes_equal(buffer_bytes(&gossip), buffer_bytes(&same)));
    } else {
        CHECK(gossip.length == 0);
    }
    buffer_release(&same);
    buffer_release(&written);
    buffer_release(&gossip);
}

static void check_heartbeat(struct bytes message, struct seal *seal) {
    uint8_t nonce[HEARTBEAT_NONCE_BYTES];
    struct heartbeat_reply reply, again;
    struct buffer written;
    buffer_init(&written, GRPC_PREFIX_BYTES + HEARTBEAT_MAXIMUM_BYTES);
    if (heartbeat_request_read(message, NULL, nonce) == 0)
        heartbeat_request_append(&written, seal, nonce);
    buffer_clear(&written);
    if (heartbeat_reply_read(message, NULL, &reply) == 0) {
        heartbeat_reply_append(&written, seal, &reply);
        CHECK(heartbeat_reply_read(message_of(&written), seal, &again) == 0);
        CHECK(reply.generation == again.generation);
        CHECK(memcmp(reply.uuid, again.uuid, sizeof reply.uuid) == 0);
    }
    CHECK(!written.is_overflowed);
    buffer_release(&written);
}

/* What nobody sealed does not open. Opening may wipe the message, so this comes last. */
static void check_sealed(struct bytes message, struct seal *seal) {
    uint8_t nonce[CATCH_UP_NONCE_BYTES];
    struct buffer gossip;
    buffer_init(&gossip, GOSSIP_STREAM_MESSAGE_MAXIMUM);
    CHECK(catch_up_read(message, seal, nonce, &gossip) == ERR_REFUSED);
    CHECK(gossip.length == 0);
    buffer_release(&gossip);
}

static void check_message(struct bytes message, struct seal *seal) {
    bool is_known;
    check_catch_up(message, seal);
    check_heartbeat(message, seal);
    int code = grpc_health_request_read(message, &is_known);
    CHECK(code == 0 || code == ERR_MALFORMED);
    check_sealed(message, seal);
}

/* The input: how long a piece is (1 byte), and all that comes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    static const struct seal_key key = {{1}};
    if (length == 0)
        return 0;
    struct seal *seal = seal_new(&key, 1, "fuzz");
    struct grpc_reader reader;
    grpc_reader_init(&reader, CATCH_UP_MAXIMUM_BYTES);
    size_t piece_bytes = data[0] == 0 ? length : data[0];
    int code = 0;
    for (size_t at = 1; at < length && code >= 0; at += piece_bytes) {
        struct buffer piece; /* messages are changed in place */
        size_t left = length - at;
        buffer_init(&piece, length);
        buffer_append(&piece, data + at, left < piece_bytes ? left : piece_bytes);
        struct bytes input = buffer_bytes(&piece), message;
        while ((code = grpc_reader_next(&reader, &input, &message)) == 1)
            check_message(message, seal);
        buffer_release(&piece);
    }
    grpc_reader_release(&reader);
    seal_free(seal);
    return 0;
}
