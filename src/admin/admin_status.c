#include "admin/admin_status.h"
#include "base/check.h"
#include "console/console_file.h"

/* ---- the answer, once the workers have given theirs, or have not ---- */

static void write_status(struct admin *admin, struct bytes workers, struct http_answer *answer) {
    answer->status = "200 OK";
    answer->type = "application/json";
    answer->headers = console_file_headers();
    admin->write_status(admin->context, workers, &answer->body);
}

static void answer_all_who_wait(struct admin *admin, const struct http_answer *answer) {
    uv_timer_stop(&admin->status_timer);
    LIST_EACH (&admin->connections, link) {
        struct admin_connection *connection = LIST_ELEMENT(link, struct admin_connection, link);
        if (connection->waits_for_status && !connection->is_ending)
            admin_end_waiting(connection, answer);
    }
}

static void status_on_time(uv_timer_t *timer) {
    struct http_answer answer = {.type = HTTP_TEXT};
    buffer_init(&answer.body, ADMIN_RESPONSE_MAXIMUM_BYTES);
    http_answer_text(&answer, "503 Service Unavailable",
                     "the workers of this node have not answered for 5 seconds");
    answer_all_who_wait(timer->data, &answer);
    buffer_release(&answer.body);
}

void admin_hear_status(struct admin *admin, struct bytes workers) {
    struct http_answer answer = {.type = HTTP_TEXT};
    admin->is_status_asked = false;
    buffer_init(&answer.body, ADMIN_RESPONSE_MAXIMUM_BYTES);
    write_status(admin, workers, &answer);
    answer_all_who_wait(admin, &answer);
    buffer_release(&answer.body);
}

/* ---- asking them ---- */

static void ask_now(struct admin *admin) {
    admin->is_status_asked = true;
    admin->status_asked_ms = uv_now(admin->loop);
    admin->ask_workers(admin->context);
}

static void pause_on_time(uv_timer_t *timer) { ask_now(timer->data); }

/* Unless they are about to be asked, or to answer. */
static void ask_when_due(struct admin *admin) {
    uint64_t now_ms = uv_now(admin->loop), due_ms = admin->status_asked_ms + ADMIN_STATUS_PAUSE_MS;
    if (admin->is_status_asked || uv_is_active((uv_handle_t *)&admin->pause_timer))
        return;
    if (now_ms >= due_ms)
        ask_now(admin);
    else
        CHECK(uv_timer_start(&admin->pause_timer, pause_on_time, due_ms - now_ms, 0) == 0);
}

bool admin_answer_status(struct admin_connection *connection, struct http_answer *answer) {
    struct admin *admin = connection->admin;
    if (!admin->ask_workers) {
        write_status(admin, BYTES_NONE, answer);
        return true;
    }
    connection->is_waiting = connection->waits_for_status = true;
    if (!uv_is_active((uv_handle_t *)&admin->status_timer))
        CHECK(uv_timer_start(&admin->status_timer, status_on_time, ADMIN_STATUS_MS, 0) == 0);
    ask_when_due(admin);
    return false;
}

void admin_status_init(struct admin *admin) {
    CHECK(uv_timer_init(admin->loop, &admin->status_timer) == 0);
    CHECK(uv_timer_init(admin->loop, &admin->pause_timer) == 0);
    admin->status_timer.data = admin->pause_timer.data = admin;
}

void admin_close_status(struct admin *admin) {
    uv_close((uv_handle_t *)&admin->status_timer, NULL);
    uv_close((uv_handle_t *)&admin->pause_timer, NULL);
}
