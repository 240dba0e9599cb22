#include "rpc/catch_up_call.h"
#include "rpc/grpc_server.h"

static void call_tell(struct grpc_call *call, enum gossip_event_kind kind, struct bytes request) {
    call->options->gossip_stream(call->options->context, kind, call->stream, request);
}

/* Has a piece gone, and is its arrival to be asked for? */
static void call_drained(struct grpc_call *call) {
    if (!call->is_catching_up || !call->is_given)
        return;
    call->is_given = false;
    call->is_on_its_way =
        nghttp2_submit_ping(call->session, NGHTTP2_FLAG_NONE, (const uint8_t *)&call->stream) == 0;
}

void catch_up_call_message(struct grpc_call *call, struct bytes message) {
    if (call->options->gossip_stream == NULL) {
        grpc_call_finish(call, GRPC_UNIMPLEMENTED, "no such method");
        return;
    }
    struct buffer digest;
    buffer_init(&digest, GOSSIP_STREAM_MESSAGE_MAXIMUM);
    int code = catch_up_read(message, call->options->seal, call->nonce, &digest);
    if (code == ERR_REFUSED) {
        grpc_call_finish(call, GRPC_UNAUTHENTICATED,
                         "the message is not sealed with this cluster's key");
    } else if (code != 0) {
        grpc_call_finish(call, GRPC_INVALID_ARGUMENT, "the request is malformed");
    } else {
        call->is_catching_up = true;
        call->on_drained = call_drained;
        grpc_call_begin_response(call);
        call_tell(call, GOSSIP_STREAM_ASKED, buffer_bytes(&digest));
    }
    buffer_release(&digest);
}

/* Who acknowledges what was not asked gets no second piece for it. */
void catch_up_call_acknowledged(struct grpc_call *call) {
    if (!call->is_catching_up || !call->is_on_its_way)
        return;
    call->is_on_its_way = false;
    call_tell(call, GOSSIP_STREAM_ROOM, BYTES_NONE);
}

void catch_up_call_gone(struct grpc_call *call) {
    if (call->is_catching_up)
        call_tell(call, GOSSIP_STREAM_GONE, BYTES_NONE);
    call->is_catching_up = false;
}

static void call_end(struct grpc_call *call, enum gossip_stream_outcome outcome) {
    call->is_catching_up = false;
    switch (outcome) {
    case GOSSIP_STREAM_DONE:
        grpc_call_finish(call, GRPC_OK, "");
        return;
    case GOSSIP_STREAM_BUSY:
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED,
                         "as many streams are served as may be: ask another member");
        return;
    case GOSSIP_STREAM_FAILED:
        grpc_call_finish(call, GRPC_ABORTED,
                         "the request is no member's DIGEST, came before, or was read too slowly");
        return;
    }
}

void catch_up_call_answer(struct grpc_call *call, const struct gossip_stream_action *action) {
    if (call->is_finished)
        return;
    if (action->kind == GOSSIP_STREAM_END) {
        call_end(call, action->outcome);
        return;
    }
    call->is_given = true;
    if (catch_up_append(&call->output, call->options->seal, call->nonce, action->bytes))
        (void)nghttp2_session_resume_data(call->session, call->stream_id);
    else
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED, "there is no room for a piece");
}
