#include "rpc/grpc_response.h"
#include <stdio.h>

/* The end of the data: the status follows in the trailers. */
static ssize_t call_end_data(struct grpc_call *call, uint32_t *flags) {
    char status[12];
    snprintf(status, sizeof status, "%d", (int)call->status);
    nghttp2_nv trailers[] = {grpc_header("grpc-status", status),
                             grpc_header("grpc-message", call->message)};
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    int code =
        nghttp2_submit_trailer(call->session, call->stream_id, trailers, call->message[0] ? 2 : 1);
    return code == 0 ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static ssize_t call_on_data_wanted(nghttp2_session *session, int32_t stream_id, uint8_t *into,
                                   size_t room, uint32_t *flags, nghttp2_data_source *source,
                                   void *user_data) {
    (void)session, (void)stream_id, (void)user_data;
    struct grpc_call *call = source->ptr;
    if (call->output.length == 0) {
        if (call->on_drained != NULL)
            call->on_drained(call);
        return call->is_finished ? call_end_data(call, flags) : NGHTTP2_ERR_DEFERRED;
    }
    size_t length = call->output.length < room ? call->output.length : room;
    memcpy(into, buffer_data(&call->output), length);
    buffer_consume(&call->output, length);
    return (ssize_t)length;
}

/* Submits fail only where nghttp2 has given the stream up already; then there is nobody to tell. */
void grpc_call_begin_response(struct grpc_call *call) {
    nghttp2_nv headers[] = {grpc_header(":status", "200"),
                            grpc_header("content-type", "application/grpc")};
    nghttp2_data_provider output = {.source.ptr = call, .read_callback = call_on_data_wanted};
    call->is_begun = true;
    (void)nghttp2_submit_response(call->session, call->stream_id, headers, 2, &output);
}

/* "Trailers-Only": headers and status in one frame. */
static void call_respond_status_only(struct grpc_call *call) {
    char status[12];
    snprintf(status, sizeof status, "%d", (int)call->status);
    nghttp2_nv headers[] = {
        grpc_header(":status", "200"), grpc_header("content-type", "application/grpc"),
        grpc_header("grpc-status", status), grpc_header("grpc-message", call->message)};
    call->is_begun = true;
    (void)nghttp2_submit_response(call->session, call->stream_id, headers, 4, NULL);
}

void grpc_call_finish(struct grpc_call *call, enum grpc_status status, const char *message) {
    if (call->is_finished)
        return;
    call->is_finished = true;
    call->is_watching = false;
    call->status = status;
    call->message = message;
    if (!call->is_begun)
        call_respond_status_only(call);
    else
        (void)nghttp2_session_resume_data(call->session, call->stream_id);
}
