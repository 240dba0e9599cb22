/* What a node answers itself: the table of its own commands, and those of a connection. Words and
 * shapes are Redis 7.0's. */
#include "session/commands/table.h"

#include <limits.h>

#include "base/check.h"
#include "base/text/number.h"
#include "connection/command_table_reply.h"
#include "connection/login.h"
#include "session/calls/wait.h"
#include "session/client/session.h"
#include "session/commands/cluster_facts.h"
#include "session/commands/commands.h"
#include "session/commands/gossip_sessions.h"
#include "worker/worker.h"

/* ---- small ones ---- */

static bool command_ping(struct session_command *call) {
    if (call->argument_count > 2)
        reply_error(call->reply, "ERR wrong number of arguments for 'ping' command");
    else if (call->argument_count == 2)
        reply_bulk(call->reply, call->arguments[1]);
    else
        reply_simple(call->reply, "PONG");
    return true;
}

static bool command_echo(struct session_command *call) {
    reply_bulk(call->reply, call->arguments[1]);
    return true;
}

static bool command_quit(struct session_command *call) {
    reply_ok(call->reply);
    session_close_after_reply(call->session);
    return true;
}

static bool command_select(struct session_command *call) {
    int64_t index;
    if (!number_parse_i64(call->arguments[1], &index)) {
        reply_error(call->reply, REPLY_NOT_INTEGER);
    } else if (index < INT_MIN || index > INT_MAX) {
        reply_error_format(call->reply, "ERR value is out of range, value must between %d and %d",
                           INT_MIN, INT_MAX);
    } else if (index != 0) {
        reply_error(call->reply, "ERR SELECT is not allowed in cluster mode");
    } else {
        reply_ok(call->reply);
    }
    return true;
}

static bool command_time(struct session_command *call) {
    uint64_t now_ms = worker_wall_ms(call->worker);
    reply_array(call->reply, 2);
    reply_bulk_integer(call->reply, (int64_t)(now_ms / 1000));
    reply_bulk_integer(call->reply, (int64_t)(now_ms % 1000 * 1000));
    return true;
}

static bool command_readonly(struct session_command *call) {
    call->session->is_readonly = true;
    reply_ok(call->reply);
    return true;
}

static bool command_readwrite(struct session_command *call) {
    call->session->is_readonly = false;
    reply_ok(call->reply);
    return true;
}

/* Slots change hands at once here, so nobody is ever told to ask elsewhere for one command. */
static bool command_asking(struct session_command *call) {
    reply_ok(call->reply);
    return true;
}

static bool command_module(struct session_command *call) {
    static const char *const lines[] = {
        "MODULE <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "LIST",
        "    The modules that are loaded: there are none.",
    };
    if (strcmp(call->command->name, "module|list") == 0) {
        reply_array(call->reply, 0);
    } else {
        CHECK(strcmp(call->command->name, "module|help") == 0);
        reply_help(call->reply, lines, sizeof lines / sizeof lines[0]);
    }
    return true;
}

static bool command_command(struct session_command *call) {
    command_table_reply(command_is_any, call->arguments, call->argument_count, call->reply);
    return true;
}

/* ---- logging in ---- */

static bool needs_password(const struct worker *worker) {
    return worker->config.requirepass[0] != '\0';
}

static bool command_auth(struct session_command *call) {
    if (login_auth(call->worker->config.requirepass, call->arguments, call->argument_count,
                   call->reply))
        session_set_authenticated(call->session, true);
    return true;
}

static bool command_hello(struct session_command *call) {
    struct session *session = call->session;
    const struct worker *worker = call->worker;
    struct hello hello;
    bool is_said = hello_read(&hello, worker->config.requirepass, session->is_authenticated,
                              call->arguments, call->argument_count, call->reply);
    if (hello.has_logged_in)
        session_set_authenticated(session, true);
    if (hello.has_name)
        session_set_name(session, hello.name);
    if (!is_said)
        return true;
    if (hello.protocol) {
        session->protocol = (int)hello.protocol;
        call->reply->protocol = session->protocol;
    }
    hello_reply(&(struct hello_facts){.id = session->id,
                                      .mode = "cluster",
                                      .role = cluster_master_of(worker, worker->self) ? "replica"
                                                                                      : "master"},
                call->reply);
    return true;
}

/* Replies are on again, but that of RESET itself may still be the one that SKIP was said for. */
static bool command_reset(struct session_command *call) {
    struct session *session = call->session;
    session_set_name(session, BYTES_NONE);
    session_set_authenticated(session, !needs_password(call->worker));
    session->protocol = 2;
    if (session->reply_mode == SESSION_REPLY_OFF)
        session->reply_mode = SESSION_REPLY_ON;
    session->is_readonly = session->is_no_evict = false;
    session->durability = DURABILITY_OF_NODE;
    gossip_session_ends(session);
    call->reply->protocol = 2;
    reply_simple(call->reply, "RESET");
    return true;
}

/* ---- the table ---- */

static const struct {
    const char *name; /* a container stands for all its subcommands */
    bool (*run)(struct session_command *call);
} COMMANDS[] = {{"ping", command_ping},          {"echo", command_echo},
                {"quit", command_quit},          {"select", command_select},
                {"time", command_time},          {"readonly", command_readonly},
                {"asking", command_asking},      {"module", command_module},
                {"latency", latency_command},    {"readwrite", command_readwrite},
                {"auth", command_auth},          {"hello", command_hello},
                {"reset", command_reset},        {"client", client_command},
                {"cluster", cluster_command},    {"config", config_command},
                {"info", info_command},          {"command", command_command},
                {"slowlog", slowlog_command},    {"trothdb", trothdb_command},
                {"wait", wait_command},          {"waitaof", wait_command},
                {"gossip", gossip_command},      {"subscribe", gossip_command},
                {"unsubscribe", gossip_command}, {"psubscribe", gossip_command},
                {"punsubscribe", gossip_command}};

/* OBJECT HELP and its like: no shard is asked, so none has to be led here. */
static bool run_without_keyspace(struct session_command *call) {
    call->command->run(&(struct command_context){.arguments = call->arguments,
                                                 .argument_count = call->argument_count,
                                                 .reply = call->reply});
    return true;
}

bool session_command_run(struct session_command *call) {
    if (call->command->run)
        return run_without_keyspace(call);
    size_t length = strcspn(call->command->name, "|");
    for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++)
        if (strncmp(COMMANDS[i].name, call->command->name, length) == 0 &&
            COMMANDS[i].name[length] == '\0')
            return COMMANDS[i].run(call);
    UNREACHABLE(); /* a row with COMMAND_SESSION has its function here: tests/unit/node runs each */
}
