/* CONFIG on an agent: the settings that it has. A change is all or nothing: it is made on a copy.
 */
#include "agent/agent_config.h"
#include "agent/agent_options.h"
#include "base/containers/table.h"
#include "process/log_sink.h"

enum { AGENT_CONFIG_BYTES = 256 << 10, AGENT_PROBLEM_BYTES = CONFIG_VALUE_MAXIMUM + 1024 };

/* ---- GET ---- */

struct config_answer {
    struct reply *body;
    struct table *told; /* names, so that two patterns tell a setting once */
};

static void tell(void *context, const char *name, const char *value) {
    struct config_answer *answer = context;
    if (!agent_has_setting(bytes_of_text(name)) ||
        table_put(answer->told, bytes_of_text(name), answer) != NULL)
        return;
    reply_bulk_text(answer->body, name);
    reply_bulk_text(answer->body, value);
}

void agent_config_get(const struct agent_call *call) {
    struct buffer pairs;
    buffer_init(&pairs, AGENT_CONFIG_BYTES);
    struct reply body = {.out = &pairs, .protocol = call->reply->protocol};
    struct config_answer answer = {.body = &body, .told = table_new()};
    for (size_t i = 2; i < call->argument_count; i++)
        config_get(&call->session->owner->layers->effective, call->arguments[i], tell, &answer);
    reply_map(call->reply, table_count(answer.told));
    buffer_append_bytes(call->reply->out, buffer_bytes(&pairs));
    table_free(answer.told);
    buffer_release(&pairs);
}

/* ---- SET ---- */

struct telling {
    const struct log *log;
    const char *cause;
    struct mail *mail;
};

static void tell_change(void *context, const char *name, const char *before, const char *after) {
    struct telling *telling = context;
    bool is_secret = config_is_secret(name);
    log_line(telling->log, LOG_INFO, "setting changed", LOG_T("setting", name),
             LOG_T("before", is_secret ? "(hidden)" : before),
             LOG_T("after", is_secret ? "(hidden)" : after), LOG_T("by", telling->cause));
    mail_add_setting(telling->mail, name, after);
}

/* Takes `changed`: in place if it can be settled. ERR_INVALID with a sentence. */
static int settle(struct agent_port *port, struct config_layers *changed, const char *cause,
                  struct buffer *problem) {
    int code = config_layers_settle(changed, problem);
    if (code != 0) {
        config_layers_release(changed);
        return code;
    }
    struct telling telling = {.log = port->log, .cause = cause, .mail = mail_new(MAIL_SETTINGS, 0)};
    config_difference(&port->layers->effective, &changed->effective, tell_change, &telling);
    log_sink_settings(port->log, telling.mail);
    gossiper_mail(port->gossiper, telling.mail);
    config_layers_release(port->layers);
    *port->layers = *changed;
    return 0;
}

static int change_all(const struct agent_call *call, struct config_layers *changed,
                      struct buffer *problem) {
    int code = 0;
    for (size_t i = 2; i + 1 < call->argument_count && code == 0; i += 2) {
        struct bytes name = call->arguments[i];
        if (!agent_has_setting(name)) {
            buffer_append_format(problem, "an agent has no setting '%.*s'", BYTES_PRINT(name));
            return ERR_NOT_FOUND;
        }
        code = config_layers_set(changed, CONFIG_LAYER_NODE, name, call->arguments[i + 1], problem);
    }
    return code;
}

void agent_config_set(const struct agent_call *call) {
    struct agent_port *port = call->session->owner;
    struct config_layers changed;
    struct buffer problem;
    if (call->argument_count % 2 != 0) {
        reply_error(call->reply, REPLY_SYNTAX);
        return;
    }
    buffer_init(&problem, AGENT_PROBLEM_BYTES);
    config_layers_copy(&changed, port->layers);
    int code = change_all(call, &changed, &problem);
    if (code != 0)
        config_layers_release(&changed);
    else
        code = settle(port, &changed, "node", &problem);
    if (code == 0)
        reply_ok(call->reply);
    else
        reply_error_format(call->reply, "ERR CONFIG SET failed - %.*s",
                           BYTES_PRINT(buffer_bytes(&problem)));
    buffer_release(&problem);
}

/* ---- the file was read again ---- */

int agent_config_take_file(struct agent_port *port, const struct config *read,
                           struct buffer *problem) {
    struct config_layers changed;
    config_layers_copy(&changed, port->layers);
    int code = config_layers_set_base(&changed, read, problem);
    if (code == 0)
        return settle(port, &changed, "file", problem);
    config_layers_release(&changed);
    return code;
}
