#include "rpc/catch_up_ask.h"
#include "base/memory.h"
#include "io/real/entropy.h"
#include "rpc/catch_up.h"
#include "rpc/grpc_frame.h"
#include "rpc/grpc_headers.h"

struct catch_up_ask {
    struct catch_up_asks *asks;
    uint64_t stream;
    struct grpc_ask *call;
    uint8_t nonce[CATCH_UP_NONCE_BYTES];
    bool is_dropped;
};

static void ask_heard(void *context, struct bytes message) {
    struct catch_up_ask *ask = context;
    struct catch_up_asks *asks = ask->asks;
    uint8_t nonce[CATCH_UP_NONCE_BYTES];
    struct buffer piece;
    buffer_init(&piece, GOSSIP_STREAM_MESSAGE_MAXIMUM);
    bool is_theirs = catch_up_read(message, asks->seal, nonce, &piece) == 0 &&
                     memcmp(nonce, ask->nonce, sizeof nonce) == 0;
    if (!is_theirs)
        grpc_ask_end(ask->call);
    else if (!ask->is_dropped)
        asks->piece(asks->context, ask->stream, buffer_bytes(&piece));
    buffer_release(&piece);
}

static enum gossip_stream_outcome outcome_of(int status) {
    if (status == GRPC_OK)
        return GOSSIP_STREAM_DONE;
    return status == GRPC_RESOURCE_EXHAUSTED ? GOSSIP_STREAM_BUSY : GOSSIP_STREAM_FAILED;
}

static void ask_ended(void *context, int status) {
    struct catch_up_ask *ask = context;
    struct catch_up_asks *asks = ask->asks;
    for (unsigned i = 0; i < asks->count; i++)
        if (asks->all[i] == ask)
            asks->all[i] = asks->all[--asks->count];
    if (!ask->is_dropped)
        asks->ended(asks->context, ask->stream, outcome_of(status));
    memory_free(ask);
}

static struct grpc_ask *ask_call(struct catch_up_ask *ask, const struct net_address *to,
                                 struct bytes digest) {
    struct buffer request;
    buffer_init(&request, GRPC_PREFIX_BYTES + CATCH_UP_MAXIMUM_BYTES);
    struct grpc_ask *call = NULL;
    if (catch_up_append(&request, ask->asks->seal, ask->nonce, digest))
        call = grpc_ask_begin(ask->asks->asks, &(struct grpc_ask_options){
                                                   .path = CATCH_UP_PATH,
                                                   .to = to,
                                                   .request = buffer_bytes(&request),
                                                   .message_maximum_bytes = CATCH_UP_MAXIMUM_BYTES,
                                                   .heard = ask_heard,
                                                   .ended = ask_ended,
                                                   .context = ask});
    buffer_release(&request);
    return call;
}

static void ask_begin(struct catch_up_asks *asks, const struct gossip_stream_action *open) {
    if (asks->count == CATCH_UP_ASKS_MAXIMUM)
        return;
    struct net_address to = {.port = open->address.port};
    struct catch_up_ask *ask = memory_allocate_zeroed(1, sizeof *ask);
    memcpy(to.host, open->address.host, sizeof to.host);
    ask->asks = asks;
    ask->stream = open->stream;
    entropy_uuid(ask->nonce);
    ask->call = ask_call(ask, &to, open->bytes);
    if (ask->call != NULL)
        asks->all[asks->count++] = ask;
    else
        memory_free(ask);
}

static void ask_drop(struct catch_up_ask *ask) {
    ask->is_dropped = true;
    grpc_ask_end(ask->call);
}

void catch_up_asks_do(struct catch_up_asks *asks, const struct gossip_stream_action *action) {
    if (action->kind == GOSSIP_STREAM_OPEN) {
        ask_begin(asks, action);
        return;
    }
    for (unsigned i = 0; i < asks->count; i++)
        if (asks->all[i]->stream == action->stream)
            ask_drop(asks->all[i]);
}

void catch_up_asks_close(struct catch_up_asks *asks) {
    for (unsigned i = 0; i < asks->count; i++)
        ask_drop(asks->all[i]);
}
