#include "rpc/stream_try.h"
#include "base/memory.h"
#include "io/real/entropy.h"
#include "rpc/grpc_frame.h"
#include "rpc/heartbeat.h"

struct stream_try {
    struct stream_tries *tries;
    struct grpc_ask *ask;
    uint8_t uuid[NODE_UUID_BYTES], nonce[HEARTBEAT_NONCE_BYTES];
    struct net_address address;
};

void stream_tries_init(struct stream_tries *tries, struct grpc_asks *asks, struct seal *seal,
                       void (*answered)(void *context, const uint8_t uuid[NODE_UUID_BYTES],
                                        const struct net_address *address),
                       void *context) {
    *tries =
        (struct stream_tries){.asks = asks, .seal = seal, .answered = answered, .context = context};
}

static void try_heard(void *context, struct bytes message) {
    struct stream_try *try = context;
    struct heartbeat_reply reply;
    const struct stream_tries *tries = try->tries;
    bool is_theirs = heartbeat_reply_read(message, tries->seal, &reply) == 0 &&
                     memcmp(reply.nonce, try->nonce, sizeof reply.nonce) == 0 &&
                     memcmp(reply.uuid, try->uuid, sizeof reply.uuid) == 0;
    if (is_theirs && tries->answered != NULL)
        tries->answered(tries->context, try->uuid, &try->address);
}

static void try_ended(void *context, int status) {
    (void)status; /* what counts has been heard */
    struct stream_try *try = context;
    struct stream_tries *tries = try->tries;
    for (unsigned i = 0; i < tries->count; i++)
        if (tries->tries[i] == try)
            tries->tries[i] = tries->tries[--tries->count];
    memory_free(try);
}

static bool is_tried(const struct stream_tries *tries, const uint8_t uuid[NODE_UUID_BYTES]) {
    for (unsigned i = 0; i < tries->count; i++)
        if (memcmp(tries->tries[i]->uuid, uuid, NODE_UUID_BYTES) == 0)
            return true;
    return false;
}

static struct grpc_ask *try_ask(struct stream_try *try) {
    struct buffer request;
    buffer_init(&request, GRPC_PREFIX_BYTES + HEARTBEAT_MAXIMUM_BYTES);
    heartbeat_request_append(&request, try->tries->seal, try->nonce);
    struct grpc_ask *ask =
        grpc_ask_begin(try->tries->asks,
                       &(struct grpc_ask_options){.path = HEARTBEAT_PATH,
                                                  .to = &try->address,
                                                  .request = buffer_bytes(&request),
                                                  .message_maximum_bytes = HEARTBEAT_MAXIMUM_BYTES,
                                                  .limit_ms = STREAM_TRY_MS,
                                                  .heard = try_heard,
                                                  .ended = try_ended,
                                                  .context = try});
    buffer_release(&request);
    return ask;
}

void stream_tries_begin(struct stream_tries *tries, const uint8_t uuid[NODE_UUID_BYTES],
                        const struct net_address *address) {
    if (tries->count == STREAM_TRY_MAXIMUM || is_tried(tries, uuid))
        return;
    struct stream_try *try = memory_allocate_zeroed(1, sizeof *try);
    try->tries = tries;
    try->address = *address;
    memcpy(try->uuid, uuid, NODE_UUID_BYTES);
    entropy_uuid(try->nonce);
    try->ask = try_ask(try);
    if (try->ask != NULL)
        tries->tries[tries->count++] = try;
    else
        memory_free(try);
}

void stream_tries_close(struct stream_tries *tries) {
    tries->answered = NULL;
    for (unsigned i = 0; i < tries->count; i++)
        grpc_ask_end(tries->tries[i]->ask);
}
