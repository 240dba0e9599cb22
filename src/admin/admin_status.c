#include "admin/admin_status.h"
#include "base/check.h"
#include "console/console_file.h"

/* ---- the answer, once the workers have given theirs, or have not ---- */

static void write_status(const struct admin_status *status, struct bytes workers,
                         struct http_answer *answer) {
    answer->status = "200 OK";
    answer->type = "application/json";
    answer->headers = console_file_headers();
    status->source.write(status->source.context, workers, &answer->body);
}

static void answer_all(struct admin_status *status, const struct http_answer *answer) {
    uv_timer_stop(&status->timer);
    http_late_answer(&status->late, answer);
}

static void on_time(uv_timer_t *timer) {
    struct http_answer answer = {.type = HTTP_TEXT};
    buffer_init(&answer.body, HTTP_BODY_MAXIMUM_BYTES);
    http_answer_text(&answer, "503 Service Unavailable",
                     "the workers of this node have not answered for 5 seconds");
    answer_all(timer->data, &answer);
    buffer_release(&answer.body);
}

void admin_status_hear(struct admin_status *status, struct bytes workers) {
    struct http_answer answer = {.type = HTTP_TEXT};
    status->is_asked = false;
    buffer_init(&answer.body, HTTP_BODY_MAXIMUM_BYTES);
    write_status(status, workers, &answer);
    answer_all(status, &answer);
    buffer_release(&answer.body);
}

/* ---- asking them ---- */

static void ask_now(struct admin_status *status) {
    status->is_asked = true;
    status->asked_ms = uv_now(status->loop);
    status->source.ask_workers(status->source.context);
}

static void pause_on_time(uv_timer_t *timer) { ask_now(timer->data); }

/* Unless they are about to be asked, or to answer. */
static void ask_when_due(struct admin_status *status) {
    uint64_t now_ms = uv_now(status->loop), due_ms = status->asked_ms + ADMIN_STATUS_PAUSE_MS;
    if (status->is_asked || uv_is_active((uv_handle_t *)&status->pause_timer))
        return;
    if (now_ms >= due_ms)
        ask_now(status);
    else
        CHECK(uv_timer_start(&status->pause_timer, pause_on_time, due_ms - now_ms, 0) == 0);
}

struct http_late *admin_status_answer(struct admin_status *status, struct http_answer *answer) {
    if (!status->source.ask_workers) {
        write_status(status, BYTES_NONE, answer);
        return NULL;
    }
    if (!uv_is_active((uv_handle_t *)&status->timer))
        CHECK(uv_timer_start(&status->timer, on_time, ADMIN_STATUS_MS, 0) == 0);
    ask_when_due(status);
    return &status->late;
}

void admin_status_init(struct admin_status *status, uv_loop_t *loop,
                       const struct admin_status_source *source) {
    *status = (struct admin_status){.loop = loop, .source = *source};
    http_late_init(&status->late, NULL, NULL);
    CHECK(uv_timer_init(loop, &status->timer) == 0);
    CHECK(uv_timer_init(loop, &status->pause_timer) == 0);
    status->timer.data = status->pause_timer.data = status;
}

void admin_status_close(struct admin_status *status) {
    uv_close((uv_handle_t *)&status->timer, NULL);
    uv_close((uv_handle_t *)&status->pause_timer, NULL);
}
