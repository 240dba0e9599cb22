#include "admin/admin_profile.h"
#include "base/check.h"
#include "base/text/number.h"
#include "profile/profile.h"

/* ---- once its time is over: the names of all that ran are looked up in the files of the program
 * and its libraries, beside the loop, on which others wait meanwhile ---- */

static void write_beside(uv_work_t *work) {
    struct admin_profile *profile = work->data;
    profile->code = profile_write(profile->profile, &profile->body);
}

static void profile_end(struct admin_profile *profile) {
    profile_free(profile->profile);
    profile->profile = NULL;
}

static void on_written(uv_work_t *work, int status) {
    struct admin_profile *profile = work->data;
    struct http_answer answer = {
        .status = "200 OK", .type = "application/octet-stream", .body = profile->body};
    CHECK(status == 0); /* nobody takes it back */
    profile->is_being_written = false;
    if (profile->code != 0) {
        buffer_clear(&answer.body);
        answer.type = HTTP_TEXT;
        http_answer_text(&answer, "500 Internal Server Error", "the profile could not be written");
    }
    http_late_answer(&profile->late, &answer);
    buffer_release(&answer.body);
    profile_end(profile);
}

static void on_time(uv_timer_t *timer) {
    struct admin_profile *profile = timer->data;
    profile_stop(profile->profile);
    if (!http_late_is_wanted(&profile->late)) {
        profile_end(profile);
        return;
    }
    buffer_init(&profile->body, HTTP_BODY_MAXIMUM_BYTES);
    profile->is_being_written = true;
    CHECK(uv_queue_work(profile->loop, &profile->work, write_beside, on_written) == 0);
}

/* It ends now, or when it is written. */
static void on_abandoned(void *context) {
    struct admin_profile *profile = context;
    if (!profile->is_being_written)
        CHECK(uv_timer_start(&profile->timer, on_time, 0, 0) == 0);
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

struct http_late *admin_profile_answer(struct admin_profile *profile, struct bytes query,
                                       struct http_answer *answer) {
    unsigned seconds = seconds_of(query);
    if (seconds == 0) {
        buffer_append_format(&answer->body, "ask for ?seconds=N, N from 1 to %d",
                             PROFILE_SECONDS_MAXIMUM);
        http_answer_text(answer, "400 Bad Request", "");
        return NULL;
    }
    if (profile->profile) {
        http_answer_text(answer, "409 Conflict",
                         "a profile is being made already; ask again when it is done");
        return NULL;
    }
    if (profile_start(profile->profiler, seconds, &profile->profile, &answer->body) != 0) {
        http_answer_text(answer, "500 Internal Server Error", "");
        return NULL;
    }
    log_line(profile->log, LOG_INFO, "a CPU profile is made", LOG_F("seconds", seconds));
    CHECK(uv_timer_start(&profile->timer, on_time, (uint64_t)seconds * 1000, 0) == 0);
    return &profile->late;
}

void admin_profile_init(struct admin_profile *profile, uv_loop_t *loop, struct profiler *profiler,
                        const struct log *log) {
    *profile = (struct admin_profile){.loop = loop, .profiler = profiler, .log = log};
    http_late_init(&profile->late, on_abandoned, profile);
    CHECK(uv_timer_init(loop, &profile->timer) == 0);
    profile->timer.data = profile->work.data = profile;
}

void admin_profile_close(struct admin_profile *profile) {
    uv_close((uv_handle_t *)&profile->timer, NULL);
    if (!profile->profile || profile->is_being_written)
        return;
    profile_stop(profile->profile);
    profile_end(profile);
}
