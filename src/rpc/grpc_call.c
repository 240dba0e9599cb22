#include "rpc/grpc_call.h"
#include "base/memory.h"
#include "rpc/catch_up_call.h"
#include "rpc/heartbeat.h"

struct grpc_call *grpc_call_new(const struct grpc_server_options *options, nghttp2_session *session,
                                int32_t stream_id) {
    struct grpc_call *call = memory_allocate_zeroed(1, sizeof *call);
    call->options = options;
    call->session = session;
    call->stream_id = stream_id;
    buffer_init(&call->output, GRPC_SERVER_OUTPUT_MAXIMUM_BYTES);
    grpc_reader_init(&call->reader, GRPC_HEALTH_REQUEST_MAXIMUM);
    return call;
}

static void count_strange(struct grpc_call *call, size_t held) {
    *call->strange_bytes -= call->counted_bytes;
    *call->strange_bytes += held;
    call->counted_bytes = held;
}

void grpc_call_free(struct grpc_call *call) {
    catch_up_call_gone(call);
    count_strange(call, 0);
    list_remove(&call->link);
    grpc_reader_release(&call->reader);
    buffer_release(&call->output);
    memory_free(call);
}

static enum grpc_method method_of_path(struct bytes path) {
    if (bytes_equal(path, BYTES_LITERAL("/trothdb.peer.v1.Peer/Exchange")))
        return GRPC_METHOD_EXCHANGE;
    if (bytes_equal(path, BYTES_LITERAL(HEARTBEAT_PATH)))
        return GRPC_METHOD_HEARTBEAT;
    if (bytes_equal(path, BYTES_LITERAL(CATCH_UP_PATH)))
        return GRPC_METHOD_CATCH_UP;
    if (bytes_equal(path, BYTES_LITERAL("/grpc.health.v1.Health/Check")))
        return GRPC_METHOD_CHECK;
    if (bytes_equal(path, BYTES_LITERAL("/grpc.health.v1.Health/Watch")))
        return GRPC_METHOD_WATCH;
    return GRPC_METHOD_UNKNOWN;
}

void grpc_call_header(struct grpc_call *call, struct bytes name, struct bytes value) {
    static const char type[] = "application/grpc"; /* also "application/grpc+proto" */
    if (bytes_equal(name, BYTES_LITERAL(":path")))
        call->method = method_of_path(value);
    else if (bytes_equal(name, BYTES_LITERAL("content-type")))
        call->is_grpc =
            value.length >= sizeof type - 1 && memcmp(value.data, type, sizeof type - 1) == 0;
}

static void call_refuse_http(struct grpc_call *call) {
    nghttp2_nv headers[] = {grpc_header(":status", "415")};
    call->is_begun = call->is_finished = true;
    (void)nghttp2_submit_response(call->session, call->stream_id, headers, 1, NULL);
}

void grpc_call_start(struct grpc_call *call) {
    if (!call->is_grpc) {
        call_refuse_http(call);
        return;
    }
    switch (call->method) {
    case GRPC_METHOD_EXCHANGE:
        grpc_reader_release(&call->reader);
        grpc_reader_init(&call->reader,
                         NET_PEER_MESSAGE_MAXIMUM + (call->options->seal ? SEAL_EXTRA_BYTES : 0));
        grpc_call_begin_response(call);
        return;
    case GRPC_METHOD_CATCH_UP:
        grpc_reader_release(&call->reader);
        grpc_reader_init(&call->reader, CATCH_UP_MAXIMUM_BYTES);
        call->output.maximum_bytes = GRPC_PREFIX_BYTES + CATCH_UP_MAXIMUM_BYTES;
        return;
    case GRPC_METHOD_HEARTBEAT:
    case GRPC_METHOD_CHECK:
    case GRPC_METHOD_WATCH:
        return; /* answered when the request is there */
    case GRPC_METHOD_UNKNOWN:
        grpc_call_finish(call, GRPC_UNIMPLEMENTED, "no such method");
        return;
    }
}

static void exchange_message(struct grpc_call *call, struct bytes message) {
    struct seal *seal = call->options->seal;
    if (seal != NULL &&
        seal_open(seal, SEAL_EXCHANGE, (uint8_t *)message.data, message.length, &message) != 0) {
        grpc_call_finish(call, GRPC_UNAUTHENTICATED,
                         "the message is not sealed with this cluster's key");
        return;
    }
    int code = call->options->exchange(call->options->context, message);
    if (code == ERR_REFUSED)
        grpc_call_finish(call, GRPC_FAILED_PRECONDITION,
                         "the batch is not for this node in this cluster");
    else if (code != 0)
        grpc_call_finish(call, GRPC_INVALID_ARGUMENT, "the batch is malformed");
    else
        call->is_known = true;
}

static void heartbeat_message(struct grpc_call *call, struct bytes message) {
    const struct identity *identity = call->options->identity;
    struct heartbeat_reply reply = {.generation = identity->generation};
    memcpy(reply.uuid, identity->uuid, sizeof reply.uuid);
    int code = heartbeat_request_read(message, call->options->seal, reply.nonce);
    if (code != 0) {
        bool is_sealed_otherwise = code == ERR_REFUSED;
        grpc_call_finish(call, is_sealed_otherwise ? GRPC_UNAUTHENTICATED : GRPC_INVALID_ARGUMENT,
                         is_sealed_otherwise ? "the message is not sealed with this cluster's key"
                                             : "the request is malformed");
        return;
    }
    heartbeat_reply_append(&call->output, call->options->seal, &reply);
    grpc_call_begin_response(call);
    grpc_call_finish(call, GRPC_OK, "");
}

static void health_message(struct grpc_call *call, struct bytes message) {
    bool is_known;
    if (grpc_health_request_read(message, &is_known) != 0) {
        grpc_call_finish(call, GRPC_INVALID_ARGUMENT, "the request is malformed");
        return;
    }
    if (!is_known && call->method == GRPC_METHOD_CHECK) {
        grpc_call_finish(call, GRPC_NOT_FOUND, "no such service");
        return;
    }
    bool is_serving = call->options->is_serving(call->options->context);
    call->told = !is_known ? GRPC_SERVICE_UNKNOWN : is_serving ? GRPC_SERVING : GRPC_NOT_SERVING;
    grpc_health_answer_append(&call->output, call->told);
    grpc_call_begin_response(call);
    if (call->method == GRPC_METHOD_CHECK)
        grpc_call_finish(call, GRPC_OK, "");
    else
        call->is_watching = true;
}

static void call_message(struct grpc_call *call, struct bytes message) {
    if (call->method == GRPC_METHOD_EXCHANGE)
        exchange_message(call, message);
    else if (call->method == GRPC_METHOD_HEARTBEAT && !call->is_begun)
        heartbeat_message(call, message);
    else if (call->method == GRPC_METHOD_CATCH_UP && !call->is_begun)
        catch_up_call_message(call, message);
    else if (!call->is_begun)
        health_message(call, message);
    else
        grpc_call_finish(call, GRPC_INVALID_ARGUMENT, "one request is expected");
}

/* Who keeps many connections with a message each that never ends would hold memory without a key.
 * What is decided is not read on, and holds nothing while the other end takes its time. */
static void weigh_held(struct grpc_call *call) {
    bool is_strange = !call->is_known && !call->is_finished && grpc_reader_is_amid(&call->reader);
    count_strange(call, is_strange ? call->reader.held.length : 0);
    if (is_strange && *call->strange_bytes > call->options->strange_maximum) {
        count_strange(call, 0);
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED,
                         "too much has come that is of nobody known; try again");
    }
    if (call->is_finished)
        buffer_release(&call->reader.held);
}

void grpc_call_input(struct grpc_call *call, struct bytes piece) {
    struct bytes message;
    int code = 0;
    while (!call->is_finished && (code = grpc_reader_next(&call->reader, &piece, &message)) == 1)
        call_message(call, message);
    if (code == ERR_LIMIT)
        grpc_call_finish(call, GRPC_RESOURCE_EXHAUSTED, "the message is too long");
    else if (code == ERR_VERSION)
        grpc_call_finish(call, GRPC_UNIMPLEMENTED, "compressed messages are not understood");
    weigh_held(call);
}

void grpc_call_input_ended(struct grpc_call *call) {
    if (grpc_reader_is_amid(&call->reader))
        grpc_call_finish(call, GRPC_INVALID_ARGUMENT, "the last message is cut off");
    else if (call->method == GRPC_METHOD_EXCHANGE)
        grpc_call_finish(call, GRPC_OK, "");
    else if (!call->is_begun)
        grpc_call_finish(call, GRPC_INVALID_ARGUMENT, "a request is expected");
}

bool grpc_call_watch(struct grpc_call *call, bool is_serving) {
    enum grpc_serving now = is_serving ? GRPC_SERVING : GRPC_NOT_SERVING;
    if (!call->is_watching || call->told == GRPC_SERVICE_UNKNOWN || call->told == now)
        return false;
    size_t before = call->output.length;
    grpc_health_answer_append(&call->output, now);
    call->output.is_overflowed = false;
    if (call->output.length == before)
        return false;
    call->told = now;
    return nghttp2_session_resume_data(call->session, call->stream_id) == 0;
}
