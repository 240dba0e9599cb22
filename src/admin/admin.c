#include "admin/admin.h"
#include "admin/admin_connection.h"
#include "admin/admin_debug.h"
#include "admin/admin_profile.h"
#include "admin/admin_status.h"
#include "admin/http_request.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/memory.h"
#include "console/console_file.h"
#include <stdio.h>

static void connection_on_closed(uv_handle_t *handle) {
    struct admin_connection *connection = handle->data;
    list_remove(&connection->link);
    connection->admin->connection_count--;
    buffer_release(&connection->input);
    buffer_release(&connection->output);
    memory_free(connection);
}

static void connection_end(struct admin_connection *connection) {
    if (connection->is_ending)
        return;
    connection->is_ending = true;
    if (connection->admin->profile_for == connection)
        admin_abandon_profile(connection->admin);
    uv_close((uv_handle_t *)&connection->socket, connection_on_closed);
}

static void answer_ready(struct admin *admin, struct http_answer *answer) {
    bool is_ready = admin->is_ready ? admin->is_ready(admin->context, &answer->body)
                                    : node_shared_is_ready(admin->shared, &answer->body);
    if (is_ready)
        http_answer_text(answer, "200 OK", answer->body.length ? "" : "ready");
    else
        http_answer_text(answer, "503 Service Unavailable", "");
}

/* ---- /metrics ---- */

/* OpenMetrics for who names it and wants it no less than plain text. */
static void answer_metrics(struct admin *admin, struct bytes accept, struct http_answer *answer) {
    unsigned weight = http_accept_weight(accept, "application/openmetrics-text", "1.0.0");
    bool is_open = weight > 0 && weight >= http_accept_weight(accept, "text/plain", "0.0.4");
    answer->status = "200 OK";
    answer->type = is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                           : "text/plain; version=0.0.4; charset=utf-8";
    if (admin->measure)
        admin->measure(admin->context);
    node_shared_render_metrics(admin->shared, is_open ? METRIC_OPENMETRICS : METRIC_PROMETHEUS,
                               &answer->body);
}

static void answer_file(const struct console_file *file, const struct http_request *request,
                        struct http_answer *answer) {
    snprintf(answer->etag, sizeof answer->etag, "\"%016llx\"",
             (unsigned long long)checksum_xxh64(file->bytes, 0));
    answer->is_bodiless = http_etag_is_listed(request->if_none_match, answer->etag);
    answer->status = answer->is_bodiless ? "304 Not Modified" : "200 OK";
    answer->type = file->type;
    answer->headers = console_file_headers();
    buffer_append_bytes(&answer->body, file->bytes);
}

/* ---- all paths ---- */

static void answer_nothing(struct http_answer *answer) {
    http_answer_text(answer, "404 Not Found",
                     "there are / for the console, /status, /metrics, /health/live, /health/ready, "
                     "/debug/profile, /debug/heap and /debug/memory");
}

/* False: the answer comes later. */
static bool answer_path(struct admin_connection *connection, const struct http_request *request,
                        struct http_answer *answer) {
    struct admin *admin = connection->admin;
    struct bytes path = request->path;
    if (bytes_equal(path, BYTES_LITERAL("/metrics")))
        answer_metrics(admin, request->accept, answer);
    else if (bytes_equal(path, BYTES_LITERAL("/health/live")))
        http_answer_text(answer, "200 OK", "alive");
    else if (bytes_equal(path, BYTES_LITERAL("/health/ready")))
        answer_ready(admin, answer);
    else if (bytes_equal(path, BYTES_LITERAL("/debug/memory")))
        admin_answer_memory(answer);
    else if (bytes_equal(path, BYTES_LITERAL("/debug/heap")))
        admin_answer_heap(answer);
    else if (bytes_equal(path, BYTES_LITERAL("/debug/profile")))
        return admin_answer_profile(connection, request->query, answer);
    else if (bytes_equal(path, BYTES_LITERAL("/status")) && admin->write_status)
        return admin_answer_status(connection, answer);
    else if (console_file_find(path) != NULL)
        answer_file(console_file_find(path), request, answer);
    else
        answer_nothing(answer);
    return true;
}

static const char *refusal_status(int code) {
    return code == ERR_LIMIT     ? "431 Request Header Fields Too Large"
           : code == ERR_VERSION ? "505 HTTP Version Not Supported"
                                 : "400 Bad Request";
}

/* What needs no work is told by HEAD as well as by GET; a profile is made for GET alone, and the
 * workers are asked for it alone. */
static bool is_work_for_nobody(const struct http_request *request) {
    return bytes_equal(request->method, BYTES_LITERAL("HEAD")) &&
           (bytes_equal(request->path, BYTES_LITERAL("/status")) ||
            (request->path.length > 7 && memcmp(request->path.data, "/debug/", 7) == 0));
}

/* Appends the response to a request, or to what is none (code < 0). Not yet, if the connection is
 * waiting then. */
static void connection_respond(struct admin_connection *connection, int code,
                               const struct http_request *request) {
    struct http_answer answer = {.type = HTTP_TEXT};
    bool is_head = code > 0 && bytes_equal(request->method, BYTES_LITERAL("HEAD"));
    bool is_get = code > 0 && bytes_equal(request->method, BYTES_LITERAL("GET"));
    bool is_answered = true;
    connection->is_last = code < 0 || !request->keeps_alive || request->has_body;
    buffer_init(&answer.body, ADMIN_RESPONSE_MAXIMUM_BYTES);
    if (code < 0)
        http_answer_text(&answer, refusal_status(code),
                         "this is no request that the admin port understands");
    else if ((!is_head && !is_get) || is_work_for_nobody(request))
        http_answer_text(&answer, "405 Method Not Allowed",
                         is_head ? "only GET is answered here" : "only GET and HEAD are answered");
    else if (request->has_body)
        http_answer_text(&answer, "413 Content Too Large", "a request must have no body");
    else
        is_answered = answer_path(connection, request, &answer);
    if (!is_head && !is_get)
        answer.headers = "Allow: GET, HEAD\r\n";
    answer.is_bodiless |= is_head;
    if (is_answered)
        http_answer_append(&answer, connection->is_last, &connection->output);
    buffer_release(&answer.body);
}

static void connection_serve(struct admin_connection *connection);

static void connection_on_written(uv_write_t *write, int status) {
    struct admin_connection *connection = write->data;
    connection->is_writing = false;
    buffer_clear(&connection->output);
    connection->active_ms = uv_now(connection->admin->loop);
    if (status != 0 || connection->is_last)
        connection_end(connection);
    else
        connection_serve(connection);
}

static void connection_write(struct admin_connection *connection) {
    if (connection->output.is_overflowed) {
        connection_end(connection);
        return;
    }
    uv_buf_t all =
        uv_buf_init((char *)buffer_data(&connection->output), (unsigned)connection->output.length);
    connection->is_writing = true;
    connection->write.data = connection;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->socket, &all, 1,
                 connection_on_written) != 0)
        connection_end(connection);
}

/* Answers the first request that has come whole; the next one when this is written. */
static void connection_serve(struct admin_connection *connection) {
    struct http_request request;
    if (connection->is_writing || connection->is_waiting || connection->is_ending)
        return;
    int code = http_request_parse(buffer_bytes(&connection->input), &request);
    if (code == 0)
        return;
    connection_respond(connection, code, &request);
    if (code > 0)
        buffer_consume(&connection->input, (size_t)code);
    if (!connection->is_waiting)
        connection_write(connection);
}

/* Whoever waited gets its answer. */
void admin_end_waiting(struct admin_connection *connection, const struct http_answer *answer) {
    connection->is_waiting = connection->waits_for_status = false;
    connection->active_ms = uv_now(connection->admin->loop);
    http_answer_append(answer, connection->is_last, &connection->output);
    connection_write(connection);
}

/* ---- connections ---- */

/* Without room the connection ends (UV_ENOBUFS): more was pipelined than is waited for. */
static void connection_on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room) {
    (void)suggested;
    struct admin_connection *connection = handle->data;
    size_t length = connection->input.maximum_bytes - connection->input.length;
    uint8_t *at = length ? buffer_reserve(&connection->input, length) : NULL;
    *room = uv_buf_init((char *)at, (unsigned)length);
}

static void connection_on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *room) {
    (void)room;
    struct admin_connection *connection = stream->data;
    if (length == UV_EOF && connection->is_writing) {
        connection->is_last = true; /* it may still be reading */
        return;
    }
    if (length < 0) {
        connection_end(connection);
        return;
    }
    buffer_grew(&connection->input, (size_t)length);
    connection->active_ms = uv_now(connection->admin->loop);
    connection_serve(connection);
}

static void admin_on_connection(uv_stream_t *listener, int status) {
    struct admin *admin = listener->data;
    if (status != 0)
        return;
    struct admin_connection *connection = memory_allocate_zeroed(1, sizeof *connection);
    connection->admin = admin;
    connection->active_ms = uv_now(admin->loop);
    buffer_init(&connection->input, 2 * HTTP_HEAD_MAXIMUM_BYTES);
    buffer_init(&connection->output, ADMIN_RESPONSE_MAXIMUM_BYTES + HTTP_HEAD_MAXIMUM_BYTES);
    CHECK(uv_tcp_init(admin->loop, &connection->socket) == 0);
    connection->socket.data = connection;
    list_append(&admin->connections, &connection->link);
    bool is_full = ++admin->connection_count > ADMIN_CONNECTION_MAXIMUM;
    if (uv_accept(listener, (uv_stream_t *)&connection->socket) != 0 || is_full ||
        uv_read_start((uv_stream_t *)&connection->socket, connection_on_room, connection_on_read) !=
            0)
        connection_end(connection);
}

static void admin_on_timer(uv_timer_t *timer) {
    struct admin *admin = timer->data;
    LIST_EACH (&admin->connections, link) {
        struct admin_connection *connection = LIST_ELEMENT(link, struct admin_connection, link);
        if (!connection->is_waiting && uv_now(admin->loop) - connection->active_ms >= ADMIN_IDLE_MS)
            connection_end(connection);
    }
}

void admin_init(struct admin *admin, uv_loop_t *loop, struct node_shared *shared,
                struct profiler *profiler, const struct log *log) {
    *admin = (struct admin){.loop = loop, .shared = shared, .profiler = profiler, .log = log};
    list_init(&admin->connections);
    CHECK(uv_tcp_init(loop, &admin->listener) == 0);
    CHECK(uv_timer_init(loop, &admin->timer) == 0);
    admin_profile_init(admin);
    admin_status_init(admin);
    admin->listener.data = admin->timer.data = admin;
    CHECK(uv_timer_start(&admin->timer, admin_on_timer, ADMIN_IDLE_MS / 4, ADMIN_IDLE_MS / 4) == 0);
}

int admin_listen(struct admin *admin, int socket) {
    if (uv_tcp_open(&admin->listener, socket) != 0 ||
        uv_listen((uv_stream_t *)&admin->listener, ADMIN_BACKLOG, admin_on_connection) != 0)
        return ERR_IO;
    return 0;
}

void admin_close(struct admin *admin) {
    uv_close((uv_handle_t *)&admin->listener, NULL);
    uv_close((uv_handle_t *)&admin->timer, NULL);
    admin_close_profile(admin);
    admin_close_status(admin);
    LIST_EACH (&admin->connections, link)
        connection_end(LIST_ELEMENT(link, struct admin_connection, link));
}
