#include "server/lifetime.h"
#include "base/check.h"
#include "base/memory.h"
#include "server/gossip_thread.h"
#include "server/log_sink.h"
#include "server/server.h"
#include "server/worker_thread.h"
#include <signal.h>
#include <unistd.h>

enum lifetime_phase { PHASE_SERVING, PHASE_DRAINING, PHASE_LEAVING, PHASE_STOPPING };
enum { SIGNAL_COUNT = 3, EXIT_AT_ONCE = 1, LIFETIME_PROBLEM_MAXIMUM_BYTES = 16 << 10 };

struct lifetime {
    struct server *server;
    const struct options *options;
    struct log *log;
    struct config config; /* as last read from the file and the flags */
    enum lifetime_phase phase;
    uint64_t stop_asked_ms;
    uv_loop_t loop;
    uv_signal_t signals[SIGNAL_COUNT];
    uv_timer_t timer; /* of the phase */
};

/* ---- SIGHUP ---- */

struct reload {
    struct lifetime *lifetime;
    struct config staged; /* the old settings with the changes so far */
    int code;
    struct buffer problem;
};

static void reload_stage(void *context, const char *name, const char *before, const char *after) {
    (void)before;
    struct reload *reload = context;
    if (reload->code == 0)
        reload->code = config_set(&reload->staged, bytes_of_text(name), bytes_of_text(after),
                                  CONFIG_SOURCE_LIVE, &reload->problem);
}

static struct mail *setting_mail(const char *name, const char *value) {
    struct mail *mail = mail_new(MAIL_SETTING, MAIL_TO_GOSSIPER);
    mail->key = memory_copy_text(name);
    buffer_append_text(&mail->bytes, value);
    return mail;
}

static void reload_tell(void *context, const char *name, const char *before, const char *after) {
    struct lifetime *lifetime = ((struct reload *)context)->lifetime;
    struct server *server = lifetime->server;
    log_line(lifetime->log, LOG_INFO, "setting changed", LOG_T("name", name),
             LOG_T("before", before), LOG_T("after", after));
    for (unsigned i = 0; i < server->worker_count; i++)
        server_post(server, lifetime->log, i, setting_mail(name, after));
    server_post(server, lifetime->log, MAIL_TO_GOSSIPER, setting_mail(name, after));
}

/* All or nothing: every change is tried on a copy before the first is told. */
static void lifetime_reload(struct lifetime *lifetime) {
    struct reload reload = {.lifetime = lifetime};
    struct config read;
    buffer_init(&reload.problem, LIFETIME_PROBLEM_MAXIMUM_BYTES);
    config_copy(&reload.staged, &lifetime->config);
    reload.code = options_load(lifetime->options, &read, &reload.problem);
    bool is_read = reload.code == 0;
    if (is_read)
        config_difference(&lifetime->config, &read, reload_stage, &reload);
    if (reload.code == 0) {
        config_difference(&lifetime->config, &read, reload_tell, &reload);
        config_release(&lifetime->config);
        config_copy(&lifetime->config, &read);
        log_line(lifetime->log, LOG_INFO, "settings read again");
    } else {
        buffer_append_u8(&reload.problem, '\0');
        log_line(lifetime->log, LOG_ERROR, "the settings were not read again; nothing is changed",
                 LOG_T("cause", (const char *)buffer_data(&reload.problem)));
    }
    if (is_read)
        config_release(&read);
    config_release(&reload.staged);
    buffer_release(&reload.problem);
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
    enter_phase(lifetime, PHASE_DRAINING, SERVER_DRAIN_MS);
    order_workers(lifetime, ORDER_DRAIN);
}

static void begin_leaving(struct lifetime *lifetime) {
    enter_phase(lifetime, PHASE_LEAVING, SERVER_LEAVE_MS);
    server_post(lifetime->server, lifetime->log, MAIL_TO_GOSSIPER,
                mail_new(MAIL_GOSSIP_LEAVE, MAIL_TO_GOSSIPER));
}

static void begin_stopping(struct lifetime *lifetime) {
    enter_phase(lifetime, PHASE_STOPPING, SERVER_STOP_MS);
    order_workers(lifetime, ORDER_STOP);
    gossip_thread_stop(lifetime->server->gossip);
}

static void lifetime_on_timer(uv_timer_t *timer) {
    struct lifetime *lifetime = timer->data;
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
    if (number == SIGHUP && lifetime->phase == PHASE_SERVING)
        lifetime_reload(lifetime);
    else if (number != SIGHUP && lifetime->phase == PHASE_SERVING)
        begin_draining(lifetime, number == SIGINT ? "SIGINT" : "SIGTERM");
    else if (number != SIGHUP &&
             uv_now(&lifetime->loop) - lifetime->stop_asked_ms >= SERVER_REPEAT_MS)
        _exit(EXIT_AT_ONCE);
}

/* ---- life ---- */

struct lifetime *lifetime_new(struct server *server, const struct options *options,
                              struct log *log) {
    static const int numbers[SIGNAL_COUNT] = {SIGTERM, SIGINT, SIGHUP};
    struct lifetime *lifetime = memory_allocate_zeroed(1, sizeof *lifetime);
    *lifetime = (struct lifetime){.server = server, .options = options, .log = log};
    config_copy(&lifetime->config, &server->config);
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
    config_release(&lifetime->config);
    memory_free(lifetime);
}
