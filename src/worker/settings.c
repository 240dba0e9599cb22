/* The settings of this node. Worker 0 has their layers (config/config_layers.h) and alone decides;
 * every thread has a copy of the effective ones, and is told of a change by one mail, so that it
 * takes all of it or nothing:
 *
 *   CONFIG SET on any worker --MAIL_SETTINGS_CALL--+
 *   the file read again ------MAIL_SETTINGS_FILE---+--> worker 0 --MAIL_SETTINGS--> every thread
 *   a newer topology ------------------------------+      a copy is changed, checked, put in place
 *
 * At a start that mail would come too late: a replica is made with the settings of all nodes. So
 * each worker makes that one sum by itself.
 */
#include "worker/settings.h"

#include "base/check.h"
#include "base/planted.h"
#include "worker/worker.h"

enum { SETTINGS_PROBLEM_BYTES = CONFIG_VALUE_MAXIMUM + 1024 };

void settings_init(struct worker *worker, const struct config *config) {
    config_copy(&worker->config, config);
    if (worker->index == 0)
        config_layers_init(&worker->layers, config);
}

void settings_release(struct worker *worker) {
    config_release(&worker->config);
    if (worker->index == 0)
        config_layers_release(&worker->layers);
}

/* ---- a change takes effect on this worker ---- */

struct wal_tuning settings_wal_tuning(const struct config *config) {
    return (struct wal_tuning){.segment_bytes = (uint64_t)config->wal_segment_bytes,
                               .round_bytes = (uint64_t)config->wal_round_bytes,
                               .reserve_bytes = (uint64_t)config->wal_reserve_bytes,
                               .spare_count = (unsigned)config->wal_spare_segments,
                               .slow_disk_us = (uint64_t)config->slow_disk_ms * 1000};
}

static void tune_wal(struct worker *worker) {
    struct wal_tuning tuning = settings_wal_tuning(&worker->config);
    wal_tune(worker->wal, &tuning);
}

static void tell_shards(struct worker *worker) {
    for (unsigned i = 0; i < worker->hosted_count; i++)
        shard_settings_changed(worker->shards[worker->hosted[i]]);
}

/* A full disk ends no node, nor do too many open files: the promises stay as short as they were
 * until they can be written. */
static void judge_promise(struct worker *worker, int error) {
    if (error && !disk_error_may_pass(error)) {
        log_line(worker->io.log, LOG_ERROR, "the file \"promise\" was not written",
                 LOG_F("worker", worker->index), LOG_T("error", error_text(error)));
        worker_fatal(worker, "the promise to leaders cannot be made durable");
    }
}

static void want_promise(struct worker *worker) {
    int error =
        promise_want(&worker->promise, shard_promise_us(&worker->config), worker_now_us(worker));
    if (disk_error_may_pass(error)) {
        log_line(worker->io.log, LOG_WARN,
                 "a longer lease-ms cannot be noted just now, and waits until it can",
                 LOG_F("worker", worker->index), LOG_T("error", error_text(error)));
    }
    judge_promise(worker, error);
}

int settings_open_promise(struct worker *worker, bool had_replicas, struct buffer *problem) {
    int error = promise_open(&worker->promise, worker->io.disk, had_replicas,
                             shard_promise_us(&worker->config), worker_now_us(worker));
    if (error) {
        buffer_append_format(problem, "the file \"promise\" of worker %u cannot be kept: %s",
                             worker->index, error_text(error));
    } else if (worker->promise.is_guessed) {
        log_line(
            worker->io.log, LOG_WARN,
            "the file \"promise\" cannot be read, or the log is of a release that had none; no "
            "replica here votes before the longest "
            "promise that there can be has run off",
            LOG_F("worker", worker->index), LOG_F("us", worker->promise.most_us));
    }
    return error;
}

void settings_tick(struct worker *worker) {
    uint64_t before_us = worker->promise.most_us;
    judge_promise(worker, promise_tick(&worker->promise, worker_now_us(worker)));
    if (worker->promise.most_us != before_us)
        tell_shards(worker);
}

void settings_apply(struct worker *worker, struct bytes pairs) {
    struct buffer problem;
    buffer_init(&problem, SETTINGS_PROBLEM_BYTES);
    struct bytes name, value;
    while (mail_next_setting(&pairs, &name, &value)) {
        int error = config_set(&worker->config, name, value, CONFIG_SOURCE_LIVE, &problem);
        CHECK(error == 0); /* worker 0 has tried it */
    }
    buffer_release(&problem);
    want_promise(worker);
    tell_shards(worker);
    tune_wal(worker);
    worker->settings_changed(worker);
}

/* ---- worker 0 puts a change in place ---- */

struct telling {
    struct worker *worker;
    const char *cause;
    struct mail *mail; /* NULL: nothing differs */
};

static void tell_one(void *context, const char *name, const char *before, const char *after) {
    struct telling *telling = context;
    struct worker *worker = telling->worker;
    bool is_secret = config_is_secret(name);
    const char *what =
        config_has_effect(name) ? "setting changed" : "setting remembered: it has no effect here";
    log_line(worker->io.log, LOG_INFO, what, LOG_F("node", worker->self), LOG_T("setting", name),
             LOG_T("before", is_secret ? "(hidden)" : before),
             LOG_T("after", is_secret ? "(hidden)" : after), LOG_T("by", telling->cause));
    if (!telling->mail)
        telling->mail = mail_new(MAIL_SETTINGS, worker->index);
    mail_add_setting(telling->mail, name, after);
}

static void tell_all(struct worker *worker, const struct config *before, const char *cause) {
    struct telling telling = {.worker = worker, .cause = cause};
    config_difference(before, &worker->layers.effective, tell_one, &telling);
    if (telling.mail) {
        worker_post(worker, MAIL_TO_GOSSIPER, mail_copy(telling.mail));
        settings_apply(worker, buffer_bytes(&telling.mail->bytes));
        if (PLANTED(SETTINGS_OF_ONE_THREAD))
            mail_free(telling.mail);
        else
            worker_post_others(worker, telling.mail);
    }
}

/* Takes `changed`: in place if it can be settled. ERR_INVALID with a sentence. */
static int settle(struct worker *worker, struct config_layers *changed, const char *cause,
                  struct buffer *problem) {
    int error = config_layers_settle(changed, problem);
    if (error) {
        config_layers_release(changed);
        return error;
    }
    struct config_layers before = worker->layers;
    worker->layers = *changed;
    tell_all(worker, &before.effective, cause);
    config_layers_release(&before);
    return 0;
}

/* ---- settings of all nodes ---- */

/* What a node of a later release has set is not for this one. */
static int take_all(struct worker *worker, const struct topology *topology,
                    struct config_layers *layers, struct buffer *problem) {
    config_layers_clear_cluster(layers);
    for (unsigned i = 0; i < topology->setting_count; i++) {
        const struct topology_setting *setting = &topology->settings[i];
        int error = config_layers_set(layers, CONFIG_LAYER_CLUSTER, bytes_of_text(setting->name),
                                      bytes_of_text(setting->value), problem);
        if (error == ERR_NOT_FOUND) {
            if (worker->index == 0) {
                log_line(worker->io.log, LOG_WARN, "a setting of the cluster is unknown here",
                         LOG_T("setting", setting->name));
            }
            buffer_clear(problem);
        } else if (error) {
            return error;
        }
    }
    return 0;
}

/* As worker 0 is about to decide; where it cannot, it says so, and both keep what they have. */
void settings_start(struct worker *worker, const struct topology *topology) {
    if (worker->index == 0)
        return;
    struct config_layers layers;
    struct buffer problem;
    buffer_init(&problem, SETTINGS_PROBLEM_BYTES);
    config_layers_init(&layers, &worker->config);
    int error = take_all(worker, topology, &layers, &problem);
    error = error ? error : config_layers_settle(&layers, &problem);
    if (!error) {
        config_release(&worker->config);
        config_copy(&worker->config, &layers.effective);
        want_promise(worker);
        tune_wal(worker);
    }
    config_layers_release(&layers);
    buffer_release(&problem);
}

/* They were checked before they were proposed, but this node's file may not go with them, or this
 * release: then it keeps what it has, all of it, says so, and tries again once its own have
 * changed. */
void settings_take_cluster(struct worker *worker) {
    struct config_layers changed;
    struct buffer problem;
    bool is_starting = worker->hosted_count == 0;
    if (worker->index != 0 || (is_starting && PLANTED(SETTINGS_FORGOTTEN_AT_START)))
        return;
    buffer_init(&problem, SETTINGS_PROBLEM_BYTES);
    config_layers_copy(&changed, &worker->layers);
    int error = take_all(worker, worker->topology, &changed, &problem);
    if (error)
        config_layers_release(&changed);
    else
        error = settle(worker, &changed, "cluster", &problem);
    worker->is_cluster_refused = error != 0;
    if (error) {
        buffer_append_u8(&problem, 0);
        log_line(worker->io.log, LOG_ERROR,
                 "this node cannot take the settings of the cluster, and keeps those it has; "
                 "change its file or what CONFIG SET said on it, or `trothdb cluster unset`",
                 LOG_F("node", worker->self), LOG_F("epoch", worker->topology->epoch),
                 LOG_T("cause", (const char *)buffer_data(&problem)));
    }
    buffer_release(&problem);
}

/* The settings of all nodes on top of the defaults, as a node without a file has them. What only
 * nodes of a later release know is left out. */
static int overlay(const struct topology *topology, struct config *config, struct buffer *problem) {
    int error = 0;
    for (unsigned i = 0; !error && i < topology->setting_count; i++) {
        error =
            config_set(config, bytes_of_text(topology->settings[i].name),
                       bytes_of_text(topology->settings[i].value), CONFIG_SOURCE_CLUSTER, problem);
        if (error == ERR_NOT_FOUND) {
            buffer_clear(problem);
            error = 0;
        }
    }
    return error ? error : config_check(config, problem);
}

/* Which of two values was meant? Names are those of the table already, so an older one is found,
 * too. */
static int check_once(const struct bytes *pairs, size_t position, struct buffer *problem) {
    for (size_t i = 0; i < position; i += 2) {
        if (bytes_equal(pairs[i], pairs[position])) {
            buffer_append_format(problem, "%.*s: it is named twice; say one value",
                                 BYTES_PRINT(pairs[position]));
            return ERR_INVALID;
        }
    }
    return 0;
}

/* Each name and value by itself. */
static int check_words(const struct bytes *pairs, size_t count, struct buffer *problem) {
    struct config config;
    int error = 0;
    config_init(&config);
    for (size_t i = 0; !error && i < count; i += 2) {
        error = check_once(pairs, i, problem);
        error = error ? error
                      : config_set(&config, pairs[i], pairs[i + 1], CONFIG_SOURCE_CLUSTER, problem);
    }
    config_release(&config);
    return error;
}

/* Would a node without a file agree? Every node finds the same, whoever decides: what one's own
 * file says, or CONFIG SET on it, is no matter of the cluster's (docs/decisions/0070). */
int settings_check_cluster(const struct worker *worker, const struct bytes *proposal, size_t count,
                           struct buffer *problem) {
    bool is_set = bytes_equal(proposal[0], BYTES_LITERAL("setting.set"));
    struct topology *wanted = topology_copy(worker->topology);
    struct config config;
    int error = 0;
    if (is_set)
        error = check_words(proposal + 1, count - 1, problem);
    if (!error) {
        error = topology_apply(wanted, proposal, count);
        if (error) {
            buffer_append_format(problem,
                                 "the cluster keeps at most %d settings, each of at most "
                                 "%d bytes",
                                 TOPOLOGY_SETTING_MAXIMUM, TOPOLOGY_SETTING_VALUE_MAXIMUM);
        }
    }
    if (!error) {
        config_init(&config);
        error = overlay(wanted, &config, problem);
        config_release(&config);
    }
    topology_free(wanted);
    return error;
}

/* ---- this node's own were changed ---- */

static int settle_own(struct worker *worker, struct config_layers *changed, const char *cause,
                      struct buffer *problem) {
    int error = settle(worker, changed, cause, problem);
    if (!error && worker->is_cluster_refused)
        settings_take_cluster(worker);
    return error;
}

/* ---- the file was read again ---- */

static int take_file(struct worker *worker, struct bytes pairs, struct buffer *problem) {
    struct config base;
    struct config_layers changed;
    struct bytes name, value;
    config_init(&base);
    int error = 0;
    while (!error && mail_next_setting(&pairs, &name, &value))
        error = config_set(&base, name, value, CONFIG_SOURCE_FILE, problem);
    config_layers_copy(&changed, &worker->layers);
    if (!error)
        error = config_layers_set_base(&changed, &base, problem);
    config_release(&base);
    if (error) {
        config_layers_release(&changed);
        return error;
    }
    return settle_own(worker, &changed, "file", problem);
}

/* Whoever wrote it there waits for what it does. */
static void log_overruled(void *context, const char *name, const char *value,
                          enum config_layer layer) {
    struct worker *worker = context;
    log_line(worker->io.log, LOG_WARN,
             "what the file says has no effect: what CONFIG SET or `trothdb cluster set` said "
             "comes before it",
             LOG_F("node", worker->self), LOG_T("setting", name), LOG_T("file", value),
             LOG_T("by", config_layer_text(layer)));
}

void settings_file_mail(struct worker *worker, struct bytes pairs) {
    struct buffer problem;
    struct config before;
    config_copy(&before, &worker->layers.base);
    buffer_init(&problem, SETTINGS_PROBLEM_BYTES);
    if (take_file(worker, pairs, &problem)) {
        buffer_append_u8(&problem, 0);
        log_line(worker->io.log, LOG_ERROR, "the settings were not read again; nothing is changed",
                 LOG_T("cause", (const char *)buffer_data(&problem)));
    } else {
        config_layers_tell_overruled(&worker->layers, &before, log_overruled, worker);
        log_line(worker->io.log, LOG_INFO, "settings read again");
    }
    config_release(&before);
    buffer_release(&problem);
}

/* ---- what worker 0 does for the commands (session/commands/config.c) ---- */

int settings_change(struct worker *worker, struct config_layers *changed, struct buffer *problem) {
    return settle_own(worker, changed, "node", problem);
}
