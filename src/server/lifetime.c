#include "server/lifetime.h"
#include "base/check.h"
#include "base/exit_code.h"
#include "base/memory.h"
#include "server/gossip_thread.h"
#include "server/worker_thread.h"
#include <signal.h>
#include <unistd.h>

enum lifetime_phase { PHASE_SERVING, PHASE_DRAINING, PHASE_LEAVING, PHASE_STOPPING };
enum { SIGNAL_COUNT = 3, LIFETIME_PROBLEM_MAXIMUM_BYTES = 16 << 10 };

struct lifetime {
    struct server *server;
    const struct options *options;
    struct log *log;
    enum lifetime_phase phase;
    uint64_t stop_asked_ms;
    uv_loop_t loop;
    uv_signal_t signals[SIGNAL_COUNT];
    uv_timer_t timer; /* of the phase */
};

/* Before anything is logged. */
static void follow_log_level(struct lifetime *lifetime) {
    lifetime->log->level = (enum log_level)atomic_load(&lifetime->server->log_level);
}

/* ---- SIGHUP ---- */

static void add_setting(void *context, const char *name, const char *before, const char *after) {
    (void)before;
    mail_add_setting(context, name, after);
}

/* What file and flags say beside the defaults. Worker 0 takes all of it or nothing, and says so. */
static struct mail *settings_mail(const struct config *read) {
    struct mail *mail = mail_new(MAIL_SETTINGS_FILE, MAIL_TO_GOSSIPER);
    struct config built_in;
    config_init(&built_in);
    config_difference(&built_in, read, add_setting, mail);
    config_release(&built_in);
    return mail;
}

static void lifetime_reload(struct lifetime *lifetime) {
    struct config read;
    struct buffer problem;
    buffer_init(&problem, LIFETIME_PROBLEM_MAXIMUM_BYTES);
    if (options_load(lifetime->options, &read, &problem) == 0) {
        server_post(lifetime->server, lifetime->log, 0, settings_mail(&read));
        config_release(&read);
    } else {
        buffer_append_u8(&problem, '\0');
        log_line(lifetime->log, LOG_ERROR, "the settings were not read again; nothing is changed",
                 LOG_T("cause", (const char *)buffer_data(&problem)));
    }
    buffer_release(&problem);
}

/* ---- SIGTERM ---- */

static void lifetime_on_timer(uv_timer_t *timer);

static void enter_phase(struct lifetime *lifetime, enum lifetime_phase phase, uint64_t limit_ms) {
    lifetime->phase = phase;
    CHECK(uv_timer_start(&lifetime->timer, lifetime_on_timer, limit_ms, 0) == 0);
}

static void order_workers(struct lifetime *lifetime, enum thread_order order) {
    for (unsigned i = 0; i < lifetime->server->worker_count; i++)
        worker_thread_order(lifetime->server->workers[i], order);
}

static void begin_draining(struct lifetime *lifetime, const char *cause) {
    log_line(lifetime->log, LOG_INFO, "stopping", LOG_T("cause", cause));
    lifetime->stop_asked_ms = uv_now(&lifetime->loop);
    enter_phase(lifetime, PHASE_DRAINING, LIFETIME_DRAIN_MS);
    order_workers(lifetime, ORDER_DRAIN);
}

static void begin_leaving(struct lifetime *lifetime) {
    enter_phase(lifetime, PHASE_LEAVING, LIFETIME_LEAVE_MS);
    server_post(lifetime->server, lifetime->log, MAIL_TO_GOSSIPER,
                mail_new(MAIL_GOSSIP_LEAVE, MAIL_TO_GOSSIPER));
}

static void begin_stopping(struct lifetime *lifetime) {
    enter_phase(lifetime, PHASE_STOPPING, LIFETIME_STOP_MS);
    order_workers(lifetime, ORDER_STOP);
    gossip_thread_stop(lifetime->server->gossip);
}

static void lifetime_on_timer(uv_timer_t *timer) {
    struct lifetime *lifetime = timer->data;
    follow_log_level(lifetime);
    switch (lifetime->phase) {
    case PHASE_SERVING:
        return;
    case PHASE_DRAINING:
        log_line(lifetime->log, LOG_WARN, "not everything in flight was finished in time");
        begin_leaving(lifetime);
        return;
    case PHASE_LEAVING:
        begin_stopping(lifetime);
        return;
    case PHASE_STOPPING:
        log_line(lifetime->log, LOG_WARN,
                 "a thread did not end in time; the process ends without it");
        _exit(0); /* nothing that was acknowledged depends on a clean end */
    }
}

static void lifetime_close(struct lifetime *lifetime) {
    for (unsigned i = 0; i < SIGNAL_COUNT; i++)
        uv_close((uv_handle_t *)&lifetime->signals[i], NULL);
    uv_close((uv_handle_t *)&lifetime->timer, NULL);
    uv_stop(&lifetime->loop);
}

static void lifetime_on_progress(uv_async_t *progress) {
    struct lifetime *lifetime = progress->data;
    struct server *server = lifetime->server;
    bool all_drained = true, all_ended = true;
    if (lifetime->phase == PHASE_SERVING)
        return;
    for (unsigned i = 0; i < server->worker_count; i++) {
        all_drained = all_drained && worker_thread_has_drained(server->workers[i]);
        all_ended = all_ended && worker_thread_has_ended(server->workers[i]);
    }
    if (lifetime->phase == PHASE_DRAINING && all_drained)
        begin_leaving(lifetime);
    else if (lifetime->phase == PHASE_STOPPING && all_ended &&
             gossip_thread_has_ended(server->gossip))
        lifetime_close(lifetime);
}

/* One wish may come as two signals: from the terminal and from the parent, to the group and to the
 * process. */
static void lifetime_on_signal(uv_signal_t *handle, int number) {
    struct lifetime *lifetime = handle->data;
    follow_log_level(lifetime);
    if (number == SIGHUP && lifetime->phase == PHASE_SERVING)
        lifetime_reload(lifetime);
    else if (number != SIGHUP && lifetime->phase == PHASE_SERVING)
        begin_draining(lifetime, number == SIGINT ? "SIGINT" : "SIGTERM");
    else if (number != SIGHUP &&
             uv_now(&lifetime->loop) - lifetime->stop_asked_ms >= LIFETIME_REPEAT_MS)
        _exit(EXIT_FAILED);
}

/* ---- life ---- */

struct lifetime *lifetime_new(struct server *server, const struct options *options,
                              struct log *log) {
    static const int numbers[SIGNAL_COUNT] = {SIGTERM, SIGINT, SIGHUP};
    struct lifetime *lifetime = memory_allocate_zeroed(1, sizeof *lifetime);
    *lifetime = (struct lifetime){.server = server, .options = options, .log = log};
    CHECK(uv_loop_init(&lifetime->loop) == 0);
    CHECK(uv_timer_init(&lifetime->loop, &lifetime->timer) == 0);
    CHECK(uv_async_init(&lifetime->loop, &server->progress, lifetime_on_progress) == 0);
    lifetime->timer.data = server->progress.data = lifetime;
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        CHECK(uv_signal_init(&lifetime->loop, &lifetime->signals[i]) == 0);
        lifetime->signals[i].data = lifetime;
        CHECK(uv_signal_start(&lifetime->signals[i], lifetime_on_signal, numbers[i]) == 0);
    }
    return lifetime;
}

void lifetime_run(struct lifetime *lifetime) { uv_run(&lifetime->loop, UV_RUN_DEFAULT); }

void lifetime_free(struct lifetime *lifetime) {
    uv_close((uv_handle_t *)&lifetime->server->progress, NULL);
    uv_run(&lifetime->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&lifetime->loop) == 0);
    memory_free(lifetime);
}
