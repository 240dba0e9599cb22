#include "admin/admin_profile.h"
#include "base/check.h"
#include "base/text/number.h"
#include "profile/profile.h"

/* ---- once its time is over: the names of all that ran are looked up in the files of the program
 * and its libraries, beside the loop, on which others wait meanwhile ---- */

static void profile_write_beside(uv_work_t *work) {
    struct admin *admin = work->data;
    admin->profile_code = profile_write(admin->profile, &admin->profile_body);
}

static void profile_end(struct admin *admin) {
    profile_free(admin->profile);
    admin->profile = NULL;
    admin->profile_for = NULL;
}

static void profile_on_written(uv_work_t *work, int status) {
    struct admin *admin = work->data;
    struct http_answer answer = {
        .status = "200 OK", .type = "application/octet-stream", .body = admin->profile_body};
    CHECK(status == 0); /* nobody takes it back */
    admin->is_profile_being_written = false;
    if (admin->profile_code != 0) {
        buffer_clear(&answer.body);
        answer.type = HTTP_TEXT;
        http_answer_text(&answer, "500 Internal Server Error", "the profile could not be written");
    }
    if (admin->profile_for)
        admin_end_waiting(admin->profile_for, &answer);
    buffer_release(&answer.body);
    profile_end(admin);
}

static void profile_on_time(uv_timer_t *timer) {
    struct admin *admin = timer->data;
    profile_stop(admin->profile);
    if (!admin->profile_for) {
        profile_end(admin);
        return;
    }
    buffer_init(&admin->profile_body, ADMIN_RESPONSE_MAXIMUM_BYTES);
    admin->is_profile_being_written = true;
    CHECK(uv_queue_work(admin->loop, &admin->profile_work, profile_write_beside,
                        profile_on_written) == 0);
}

void admin_profile_init(struct admin *admin) {
    CHECK(uv_timer_init(admin->loop, &admin->profile_timer) == 0);
    admin->profile_timer.data = admin->profile_work.data = admin;
}

/* "seconds=N"; nothing: PROFILE_SECONDS_DEFAULT. 0: not understood. */
static unsigned seconds_of(struct bytes query) {
    static const char name[] = "seconds=";
    int64_t seconds;
    if (query.length == 0)
        return PROFILE_SECONDS_DEFAULT;
    if (query.length < sizeof name || memcmp(query.data, name, sizeof name - 1) != 0)
        return 0;
    struct bytes number = bytes_of(query.data + sizeof name - 1, query.length - (sizeof name - 1));
    bool is_sound =
        number_parse_i64(number, &seconds) && seconds >= 1 && seconds <= PROFILE_SECONDS_MAXIMUM;
    return is_sound ? (unsigned)seconds : 0;
}

bool admin_answer_profile(struct admin_connection *connection, struct bytes query,
                          struct http_answer *answer) {
    struct admin *admin = connection->admin;
    unsigned seconds = seconds_of(query);
    if (seconds == 0) {
        buffer_append_format(&answer->body, "ask for ?seconds=N, N from 1 to %d",
                             PROFILE_SECONDS_MAXIMUM);
        http_answer_text(answer, "400 Bad Request", "");
        return true;
    }
    if (admin->profile) {
        http_answer_text(answer, "409 Conflict",
                         "a profile is being made already; ask again when it is done");
        return true;
    }
    if (profile_start(admin->profiler, seconds, &admin->profile, &answer->body) != 0) {
        http_answer_text(answer, "500 Internal Server Error", "");
        return true;
    }
    log_line(admin->log, LOG_INFO, "a CPU profile is made", LOG_F("seconds", seconds));
    admin->profile_for = connection;
    connection->is_waiting = true;
    CHECK(uv_timer_start(&admin->profile_timer, profile_on_time, (uint64_t)seconds * 1000, 0) == 0);
    return false;
}

void admin_abandon_profile(struct admin *admin) {
    admin->profile_for = NULL;
    if (!admin->is_profile_being_written)
        CHECK(uv_timer_start(&admin->profile_timer, profile_on_time, 0, 0) == 0);
}

void admin_close_profile(struct admin *admin) {
    uv_close((uv_handle_t *)&admin->profile_timer, NULL);
    if (!admin->profile)
        return;
    admin->profile_for = NULL;
    if (admin->is_profile_being_written)
        return;
    profile_stop(admin->profile);
    profile_end(admin);
}
