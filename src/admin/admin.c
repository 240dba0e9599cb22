#include "admin/admin.h"
#include "admin/admin_debug.h"
#include "base/checksum.h"
#include "console/console_file.h"
#include <stdio.h>

static void answer_ready(const struct admin *admin, struct http_answer *answer) {
    const struct admin_options *options = &admin->options;
    bool is_ready = options->is_ready ? options->is_ready(options->context, &answer->body)
                                      : node_shared_is_ready(options->shared, &answer->body);
    if (is_ready)
        http_answer_text(answer, "200 OK", answer->body.length ? "" : "ready");
    else
        http_answer_text(answer, "503 Service Unavailable", "");
}

/* OpenMetrics for who names it and wants it no less than plain text. */
static void answer_metrics(const struct admin *admin, struct bytes accept,
                           struct http_answer *answer) {
    unsigned weight = http_accept_weight(accept, "application/openmetrics-text", "1.0.0");
    bool is_open = weight > 0 && weight >= http_accept_weight(accept, "text/plain", "0.0.4");
    answer->status = "200 OK";
    answer->type = is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                           : "text/plain; version=0.0.4; charset=utf-8";
    if (admin->options.measure)
        admin->options.measure(admin->options.context);
    node_shared_render_metrics(admin->options.shared,
                               is_open ? METRIC_OPENMETRICS : METRIC_PROMETHEUS, &answer->body);
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

static void answer_nothing(struct http_answer *answer) {
    http_answer_text(answer, "404 Not Found",
                     "there are / for the console, /status, /metrics, /health/live, /health/ready, "
                     "/debug/profile, /debug/heap and /debug/memory");
}

/* What needs no work is told by HEAD as well as by GET; a profile is made for GET alone, and the
 * workers are asked for it alone. */
static bool is_work_for_nobody(const struct http_request *request) {
    return request->is_head &&
           (bytes_equal(request->path, BYTES_LITERAL("/status")) ||
            (request->path.length > 7 && memcmp(request->path.data, "/debug/", 7) == 0));
}

static struct http_late *answer_path(void *context, const struct http_request *request,
                                     struct http_answer *answer) {
    struct admin *admin = context;
    struct bytes path = request->path;
    if (is_work_for_nobody(request))
        http_answer_text(answer, "405 Method Not Allowed", "only GET is answered here");
    else if (bytes_equal(path, BYTES_LITERAL("/metrics")))
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
        return admin_profile_answer(&admin->profile, request->query, answer);
    else if (bytes_equal(path, BYTES_LITERAL("/status")) && admin->status.source.write)
        return admin_status_answer(&admin->status, answer);
    else if (console_file_find(path) != NULL)
        answer_file(console_file_find(path), request, answer);
    else
        answer_nothing(answer);
    return NULL;
}

void admin_init(struct admin *admin, uv_loop_t *loop, const struct admin_options *options) {
    admin->options = *options;
    http_server_init(&admin->http, loop);
    admin->http.answer = answer_path;
    admin->http.context = admin;
    admin_profile_init(&admin->profile, loop, options->profiler, options->log);
    admin_status_init(&admin->status, loop, &options->status);
}

int admin_listen(struct admin *admin, int socket) {
    return http_server_listen(&admin->http, socket);
}

void admin_hear_status(struct admin *admin, struct bytes workers) {
    admin_status_hear(&admin->status, workers);
}

void admin_close(struct admin *admin) {
    http_server_close(&admin->http);
    admin_profile_close(&admin->profile);
    admin_status_close(&admin->status);
}
