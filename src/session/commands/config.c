/* CONFIG, TROTHDB SETTINGS and TROTHDB UNSET: reading settings, and changing those that may change
 * while the node runs. Worker 0, which has their layers, answers for all (settings.c). A change is
 * all or nothing: it is made on a copy. */
#include "session/commands/config.h"

#include <strings.h>

#include "base/check.h"
#include "base/containers/table.h"
#include "base/memory.h"
#include "session/client/session.h"
#include "session/commands/commands.h"
#include "worker/settings.h"
#include "worker/statistics.h"
#include "worker/worker.h"

enum { CONFIG_PROBLEM_BYTES = CONFIG_VALUE_MAXIMUM + 1024 };

struct settings_question {
    struct worker *worker; /* worker 0 */
    const struct bytes *arguments;
    size_t argument_count;
    struct reply *reply;
};

/* ---- GET ---- */

struct config_answer {
    struct reply *body;
    struct table *told; /* names, so that two patterns tell a setting once */
    size_t count;
};

static void tell(void *context, const char *name, const char *value) {
    struct config_answer *answer = context;
    if (table_put(answer->told, bytes_of_text(name), answer))
        return;
    reply_bulk_text(answer->body, name);
    reply_bulk_text(answer->body, value);
    answer->count++;
}

static void answer_get(const struct settings_question *question) {
    struct buffer pairs;
    buffer_init(&pairs, SIZE_MAX);
    struct reply body = {.out = &pairs, .protocol = question->reply->protocol};
    struct config_answer answer = {.body = &body, .told = table_new()};
    for (size_t i = 2; i < question->argument_count; i++)
        config_get(&question->worker->config, question->arguments[i], tell, &answer);
    reply_map(question->reply, answer.count);
    buffer_append_bytes(question->reply->out, buffer_bytes(&pairs));
    table_free(answer.told);
    buffer_release(&pairs);
}

/* ---- SET ---- */

static void refuse(const struct settings_question *question, struct bytes name, const char *why) {
    reply_error_format(question->reply,
                       "ERR CONFIG SET failed (possibly related to argument '%.*s') - %s",
                       BYTES_PRINT(name), why);
}

static bool is_repeated(const struct settings_question *question, size_t position) {
    for (size_t i = 2; i < position; i += 2)
        if (question->arguments[i].length == question->arguments[position].length &&
            strncasecmp((const char *)question->arguments[i].data,
                        (const char *)question->arguments[position].data,
                        question->arguments[i].length) == 0)
            return true;
    return false;
}

static bool change_one(const struct settings_question *question, size_t position,
                       struct config_layers *layers, struct buffer *problem) {
    struct bytes name = question->arguments[position];
    if (is_repeated(question, position)) {
        refuse(question, name, "duplicate parameter");
        return false;
    }
    int error = config_layers_set(layers, CONFIG_LAYER_NODE, name,
                                  question->arguments[position + 1], problem);
    buffer_append_u8(problem, 0);
    if (error == ERR_NOT_FOUND) {
        reply_error_format(question->reply,
                           "ERR Unknown option or number of arguments for CONFIG SET - '%.*s'",
                           BYTES_PRINT(name));
    } else if (error == ERR_REFUSED) {
        refuse(question, name, "can't set immutable config");
    } else if (error) {
        refuse(question, name, (const char *)buffer_data(problem));
    }
    buffer_clear(problem);
    return error == 0;
}

static bool change_all(const struct settings_question *question, struct config_layers *layers,
                       struct buffer *problem) {
    for (size_t i = 2; i < question->argument_count; i += 2)
        if (!change_one(question, i, layers, problem))
            return false;
    return true;
}

static void put_in_place(const struct settings_question *question, struct config_layers *layers,
                         struct buffer *problem) {
    int error = settings_change(question->worker, layers, problem);
    buffer_append_u8(problem, 0);
    if (error)
        refuse(question, question->arguments[2], (const char *)buffer_data(problem));
    else
        reply_ok(question->reply);
}

static void answer_set(const struct settings_question *question) {
    struct config_layers layers;
    struct buffer problem;
    if (question->argument_count % 2 != 0) {
        reply_error(question->reply, REPLY_SYNTAX);
        return;
    }
    config_layers_copy(&layers, &question->worker->layers);
    buffer_init(&problem, CONFIG_PROBLEM_BYTES);
    if (change_all(question, &layers, &problem))
        put_in_place(question, &layers, &problem);
    else
        config_layers_release(&layers);
    buffer_release(&problem);
}

/* ---- UNSET ---- */

static void answer_unset(const struct settings_question *question) {
    struct config_layers layers;
    struct buffer problem;
    for (size_t i = 2; i < question->argument_count; i++) {
        struct bytes name = question->arguments[i];
        if (!config_name(name)) {
            reply_error_format(question->reply,
                               "ERR no setting is called '%.*s'; CONFIG GET * lists all",
                               BYTES_PRINT(name));
            return;
        }
    }
    config_layers_copy(&layers, &question->worker->layers);
    for (size_t i = 2; i < question->argument_count; i++)
        config_layers_unset(&layers, question->arguments[i]);
    buffer_init(&problem, CONFIG_PROBLEM_BYTES);
    put_in_place(question, &layers, &problem);
    buffer_release(&problem);
}

/* ---- REWRITE ---- */

/* What CONFIG SET said on this node, and only that: the cluster keeps its own settings. */
static void answer_rewrite(const struct settings_question *question) {
    struct worker *worker = question->worker;
    struct buffer problem;
    buffer_init(&problem, CONFIG_PROBLEM_BYTES);
    int error = worker->io.rewrite_settings
                    ? worker->io.rewrite_settings(worker->io.context, worker->layers.node, &problem)
                    : ERR_NOT_FOUND;
    if (error == ERR_NOT_FOUND) {
        reply_error(question->reply, "ERR The server is running without a config file");
    } else if (error) {
        reply_error_format(question->reply, "ERR Rewriting config file: %.*s",
                           BYTES_PRINT(buffer_bytes(&problem)));
    } else {
        log_line(worker->io.log, LOG_INFO, "configuration file written again",
                 LOG_F("settings", table_count(worker->layers.node)));
        reply_ok(question->reply);
    }
    buffer_release(&problem);
}

/* ---- SETTINGS: with the layer that decides ---- */

static void show(void *context, const char *name, const char *value, enum config_layer layer,
                 enum config_when when) {
    struct config_answer *answer = context;
    reply_array(answer->body, 4);
    reply_bulk_text(answer->body, name);
    reply_bulk_text(answer->body, value);
    reply_bulk_text(answer->body, config_layer_text(layer));
    reply_bulk_text(answer->body, when == CONFIG_LIVE ? "live" : "start");
    answer->count++;
}

static void answer_show(const struct settings_question *question) {
    struct buffer rows;
    buffer_init(&rows, SIZE_MAX);
    struct reply body = {.out = &rows, .protocol = question->reply->protocol};
    struct config_answer answer = {.body = &body};
    struct bytes pattern =
        question->argument_count > 2 ? question->arguments[2] : BYTES_LITERAL("*");
    config_layers_tell(&question->worker->layers, pattern, show, &answer);
    reply_array(question->reply, answer.count);
    buffer_append_bytes(question->reply->out, buffer_bytes(&rows));
    buffer_release(&rows);
}

/* ---- who answers ---- */

static void answer(const struct settings_question *question, enum settings_call_kind kind) {
    switch (kind) {
    case SETTINGS_CALL_GET:
        answer_get(question);
        return;
    case SETTINGS_CALL_SET:
        answer_set(question);
        return;
    case SETTINGS_CALL_REWRITE:
        answer_rewrite(question);
        return;
    case SETTINGS_CALL_UNSET:
        answer_unset(question);
        return;
    case SETTINGS_CALL_SHOW:
        answer_show(question);
        return;
    }
    UNREACHABLE();
}

bool settings_call(struct session_command *call, enum settings_call_kind kind) {
    struct worker *worker = call->worker;
    if (worker->index == 0) {
        struct settings_question question = {worker, call->arguments, call->argument_count,
                                             call->reply};
        answer(&question, kind);
        return true;
    }
    struct mail *mail = mail_new(MAIL_SETTINGS_CALL, worker->index);
    mail->flags = kind;
    mail->protocol = (uint8_t)call->session->protocol;
    mail->target = &call->session->target;
    mail->ticket = session_expect(call->session, 0, 0);
    mail_put_arguments(mail, call->arguments, call->argument_count);
    worker_post(worker, 0, mail);
    return false;
}

void settings_call_mail(struct worker *worker, struct mail *mail) {
    struct mail *back = mail_new(MAIL_REPLY, worker->index);
    back->target = mail->target;
    back->ticket = mail->ticket;
    back->status = SHARD_DONE;
    size_t count;
    struct bytes *arguments = mail_arguments(mail, &count);
    struct reply reply = {.out = &back->bytes, .protocol = mail->protocol};
    struct settings_question question = {worker, arguments, count, &reply};
    answer(&question, (enum settings_call_kind)mail->flags);
    memory_free(arguments);
    worker_post(worker, mail->from, back);
}

/* ---- the rest ---- */

static void reset_statistics(struct node_shared *shared) {
    for (unsigned i = 0; i < shared->worker_count; i++) {
        struct worker_statistics *statistics = &shared->workers[i];
#define RESET(field) atomic_store_explicit(&statistics->field, 0, memory_order_relaxed)
        RESET(connections_total);
        RESET(commands_total);
        RESET(input_bytes_total);
        RESET(output_bytes_total);
        RESET(error_replies_total);
        RESET(rejected_connections_total);
        RESET(keyspace_hits);
        RESET(keyspace_misses);
        RESET(expired_keys);
#undef RESET
    }
}

static void config_help(struct session_command *call) {
    static const char *const lines[] = {
        "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "GET <pattern> [<pattern> ...]",
        "    The settings whose names match, with their values.",
        "SET <setting> <value> [<setting> <value> ...]",
        "    Changes settings of this node, all of them or none, until it restarts. They come",
        "    before those of all nodes (`trothdb cluster set`), and those before the file.",
        "RESETSTAT",
        "    Sets the counters of INFO to zero.",
        "REWRITE",
        "    Writes what SET has changed on this node into the file that it was started with.",
    };
    reply_help(call->reply, lines, sizeof lines / sizeof lines[0]);
}

/* enable-debug-command local: only from this machine. */
static bool is_too_far(const struct session_command *call) {
    const struct session *session = call->session;
    bool is_near =
        strncmp(session->peer_name, "127.", 4) == 0 || strncmp(session->peer_name, "[::1]", 5) == 0;
    if (is_near || call->worker->config.enable_debug_command != ENABLE_DEBUG_LOCAL)
        return false;
    for (size_t i = 2; i < call->argument_count; i += 2) {
        if (config_is_debug(call->arguments[i])) {
            reply_error(call->reply, "ERR debug settings may be set from the node's own machine "
                                     "only (enable-debug-command local)");
            return true;
        }
    }
    return false;
}

bool config_command(struct session_command *call) {
    const char *name = call->command->name;
    if (strcmp(name, "config|get") == 0)
        return settings_call(call, SETTINGS_CALL_GET);
    if (strcmp(name, "config|set") == 0)
        return is_too_far(call) || settings_call(call, SETTINGS_CALL_SET);
    if (strcmp(name, "config|rewrite") == 0)
        return settings_call(call, SETTINGS_CALL_REWRITE);
    if (strcmp(name, "config|resetstat") == 0) {
        reset_statistics(call->worker->shared);
        reply_ok(call->reply);
    } else {
        CHECK(strcmp(name, "config|help") == 0);
        config_help(call);
    }
    return true;
}
