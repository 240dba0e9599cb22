/* CONFIG: reading settings, and changing those that may change while the node runs. CONFIG SET is
 * all or nothing: it works on a copy, and what differs is then put in place here and told to the
 * other workers and to the gossiper. */
#include <strings.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/table.h"
#include "node/internal.h"

/* ---- GET ---- */

struct config_answer {
    struct reply *body;
    struct table *told; /* names, so that two patterns tell a setting once */
    size_t count;
};

static void tell(void *context, const char *name, const char *value) {
    struct config_answer *answer = context;
    if (table_put(answer->told, bytes_of_text(name), answer)) {
        return;
    }
    reply_bulk_text(answer->body, name);
    reply_bulk_text(answer->body, value);
    answer->count++;
}

static void config_tell(struct session_command *call) {
    struct buffer pairs;
    buffer_init(&pairs, SIZE_MAX);
    struct reply body = {.out = &pairs, .protocol = call->reply->protocol};
    struct config_answer answer = {.body = &body, .told = table_new()};
    for (size_t i = 2; i < call->argument_count; i++) {
        config_get(&call->worker->config, call->arguments[i], tell, &answer);
    }
    reply_map(call->reply, answer.count);
    buffer_append_bytes(call->reply->out, buffer_bytes(&pairs));
    table_free(answer.told);
    buffer_release(&pairs);
}

/* ---- a change takes effect on this worker ---- */

/* Limits are copied into each session when it begins. */
static void update_sessions(struct worker *worker) {
    const struct config *config = &worker->config;
    LIST_EACH (&worker->sessions, link) {
        struct session *session = LIST_ELEMENT(link, struct session, link);
        session->input.maximum_bytes = (size_t)config->client_query_buffer_limit;
        session->output.maximum_bytes = (size_t)config->client_output_limit;
        session->parser.limits.bulk_bytes = (size_t)config->proto_max_bulk_len;
        session->parser.limits.argument_count = (size_t)config->proto_max_arguments;
        if (config->requirepass[0] == '\0') {
            session_set_authenticated(session, true);
        }
    }
}

void worker_apply_setting(struct worker *worker, const char *name, struct bytes value) {
    struct buffer problem;
    buffer_init(&problem, CONFIG_VALUE_MAXIMUM);
    int error =
        config_set(&worker->config, bytes_of_text(name), value, CONFIG_SOURCE_LIVE, &problem);
    buffer_release(&problem);
    if (error) {
        log_line(worker->io.log, LOG_ERROR, "a setting was not taken over", LOG_T("setting", name),
                 LOG_T("error", error_text(error)), LOG_F("worker", worker->index));
        return;
    }
    for (unsigned i = 0; i < worker->hosted_count; i++) {
        shard_settings_changed(worker->shards[worker->hosted[i]]);
    }
    update_sessions(worker);
    slowlog_trim(&worker->slowlog, (size_t)worker->config.slowlog_max_len);
}

/* ---- SET ---- */

static struct mail *setting_mail(const struct worker *worker, const char *name, const char *value) {
    struct mail *mail = mail_new(MAIL_SETTING, worker->index);
    mail->key = memory_copy_text(name);
    buffer_append_text(&mail->bytes, value);
    return mail;
}

static void put_in_place(void *context, const char *name, const char *before, const char *after) {
    struct worker *worker = context;
    bool is_secret = strcmp(name, "requirepass") == 0;
    log_line(worker->io.log, LOG_INFO, "setting changed", LOG_F("node", worker->self),
             LOG_T("setting", name), LOG_T("before", is_secret ? "(hidden)" : before),
             LOG_T("after", is_secret ? "(hidden)" : after));
    worker_post(worker, MAIL_TO_GOSSIPER, setting_mail(worker, name, after));
    worker_post_others(worker, setting_mail(worker, name, after));
    worker_apply_setting(worker, name, bytes_of_text(after));
}

static void refuse(struct session_command *call, struct bytes name, const char *why) {
    reply_error_format(call->reply,
                       "ERR CONFIG SET failed (possibly related to argument '%.*s') - %s",
                       BYTES_PRINT(name), why);
}

static bool is_repeated(const struct session_command *call, size_t position) {
    for (size_t i = 2; i < position; i += 2) {
        if (call->arguments[i].length == call->arguments[position].length &&
            strncasecmp((const char *)call->arguments[i].data,
                        (const char *)call->arguments[position].data,
                        call->arguments[i].length) == 0) {
            return true;
        }
    }
    return false;
}

static bool change_one(struct session_command *call, size_t position, struct config *config,
                       struct buffer *problem) {
    struct bytes name = call->arguments[position];
    if (is_repeated(call, position)) {
        refuse(call, name, "duplicate parameter");
        return false;
    }
    int error =
        config_set(config, name, call->arguments[position + 1], CONFIG_SOURCE_LIVE, problem);
    buffer_append_u8(problem, 0);
    if (error == ERR_NOT_FOUND) {
        reply_error_format(call->reply,
                           "ERR Unknown option or number of arguments for CONFIG SET - '%.*s'",
                           BYTES_PRINT(name));
    } else if (error == ERR_REFUSED) {
        refuse(call, name, "can't set immutable config");
    } else if (error) {
        refuse(call, name, (const char *)buffer_data(problem));
    }
    buffer_clear(problem);
    return error == 0;
}

static bool change_all(struct session_command *call, struct config *config,
                       struct buffer *problem) {
    for (size_t i = 2; i < call->argument_count; i += 2) {
        if (!change_one(call, i, config, problem)) {
            return false;
        }
    }
    int error = config_check(config, problem);
    buffer_append_u8(problem, 0);
    if (error) {
        refuse(call, call->arguments[2], (const char *)buffer_data(problem));
    }
    return error == 0;
}

static void config_change(struct session_command *call) {
    if (call->argument_count % 2 != 0) {
        reply_error(call->reply, REPLY_SYNTAX);
        return;
    }
    struct worker *worker = call->worker;
    struct config before, after;
    struct buffer problem;
    config_copy(&before, &worker->config);
    config_copy(&after, &worker->config);
    buffer_init(&problem, CONFIG_VALUE_MAXIMUM + 1024);
    if (change_all(call, &after, &problem)) {
        config_difference(&before, &after, put_in_place, worker);
        reply_ok(call->reply);
    }
    buffer_release(&problem);
    config_release(&before);
    config_release(&after);
}

/* ---- the rest ---- */

static void reset_statistics(struct node_shared *shared) {
    for (unsigned i = 0; i < shared->worker_count; i++) {
        struct worker_statistics *statistics = &shared->workers[i];
        atomic_store_explicit(&statistics->connections_total, 0, memory_order_relaxed);
        atomic_store_explicit(&statistics->commands_total, 0, memory_order_relaxed);
        atomic_store_explicit(&statistics->input_bytes_total, 0, memory_order_relaxed);
        atomic_store_explicit(&statistics->output_bytes_total, 0, memory_order_relaxed);
        atomic_store_explicit(&statistics->rejected_connections_total, 0, memory_order_relaxed);
    }
}

static void config_help(struct session_command *call) {
    static const char *const lines[] = {
        "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "GET <pattern> [<pattern> ...]",
        "    The settings whose names match, with their values.",
        "SET <setting> <value> [<setting> <value> ...]",
        "    Changes settings, all of them or none.",
        "RESETSTAT",
        "    Sets the counters of INFO to zero.",
        "REWRITE",
        "    Refused: the configuration file belongs to whoever wrote it.",
    };
    session_command_help(call, lines, sizeof(lines) / sizeof(lines[0]));
}

bool config_command(struct session_command *call) {
    const char *name = call->command->name;
    if (strcmp(name, "config|get") == 0) {
        config_tell(call);
    } else if (strcmp(name, "config|set") == 0) {
        config_change(call);
    } else if (strcmp(name, "config|resetstat") == 0) {
        reset_statistics(call->worker->shared);
        reply_ok(call->reply);
    } else if (strcmp(name, "config|rewrite") == 0) {
        reply_error(
            call->reply,
            "ERR TrothDB does not write its configuration file: write the setting there yourself");
    } else {
        CHECK(strcmp(name, "config|help") == 0);
        config_help(call);
    }
    return true;
}
