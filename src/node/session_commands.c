/* What a node answers itself: the table of its own commands, and those of a connection. Words and
 * shapes are Redis 7.0's. */
#include <limits.h>

#include "base/check.h"
#include "base/number.h"
#include "node/command_table_reply.h"
#include "node/internal.h"
#include "node/redis_compatibility.h"

/* ---- small ones ---- */

static bool command_ping(struct session_command *call) {
    if (call->argument_count > 2) {
        reply_error(call->reply, "ERR wrong number of arguments for 'ping' command");
    } else if (call->argument_count == 2) {
        reply_bulk(call->reply, call->arguments[1]);
    } else {
        reply_simple(call->reply, "PONG");
    }
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

static bool command_command(struct session_command *call) {
    command_table_reply(call->arguments, call->argument_count, call->reply);
    return true;
}

/* ---- logging in ---- */

/* Takes as long for a wrong first byte as for a wrong last one. */
static bool is_password(const struct worker *worker, struct bytes given) {
    struct bytes right = bytes_of_text(worker->config.requirepass);
    unsigned difference = given.length != right.length;
    for (size_t i = 0; i < given.length; i++) {
        difference |= given.data[i] ^ (unsigned)(right.length ? right.data[i % right.length] : 0);
    }
    return difference == 0;
}

static bool needs_password(const struct worker *worker) {
    return worker->config.requirepass[0] != '\0';
}

void session_set_authenticated(struct session *session, bool is_authenticated) {
    session->is_authenticated = is_authenticated;
    session->parser.limits.is_unauthenticated = !is_authenticated;
}

/* There is one user, called "default". */
static bool log_in(struct session_command *call, struct bytes user, struct bytes password) {
    bool is_default = bytes_equal(user, BYTES_LITERAL("default"));
    if (is_default && (!needs_password(call->worker) || is_password(call->worker, password))) {
        session_set_authenticated(call->session, true);
        return true;
    }
    reply_error(call->reply, "WRONGPASS invalid username-password pair or user is disabled.");
    return false;
}

static bool command_auth(struct session_command *call) {
    if (call->argument_count > 3) {
        reply_error(call->reply, REPLY_SYNTAX);
    } else if (call->argument_count == 2 && !needs_password(call->worker)) {
        reply_error(
            call->reply,
            "ERR AUTH <password> called without any password configured for the default user. "
            "Are you sure your configuration is correct?");
    } else {
        bool has_user = call->argument_count == 3;
        struct bytes user = has_user ? call->arguments[1] : BYTES_LITERAL("default");
        if (log_in(call, user, call->arguments[has_user ? 2 : 1])) {
            reply_ok(call->reply);
        }
    }
    return true;
}

struct hello {
    int64_t protocol; /* 0: as it is */
    bool has_login, has_name;
    struct bytes user, password, name;
};

static bool parse_hello(struct session_command *call, struct hello *hello) {
    if (call->argument_count > 1 && !number_parse_i64(call->arguments[1], &hello->protocol)) {
        reply_error(call->reply, "ERR Protocol version is not an integer or out of range");
        return false;
    }
    if (call->argument_count > 1 && (hello->protocol < 2 || hello->protocol > 3)) {
        reply_error(call->reply, "NOPROTO unsupported protocol version");
        return false;
    }
    for (size_t i = 2; i < call->argument_count; i++) {
        size_t more = call->argument_count - 1 - i;
        if (bytes_equal_ignoring_case(call->arguments[i], "auth") && more >= 2) {
            hello->has_login = true;
            hello->user = call->arguments[++i];
            hello->password = call->arguments[++i];
        } else if (bytes_equal_ignoring_case(call->arguments[i], "setname") && more >= 1) {
            hello->has_name = true;
            hello->name = call->arguments[++i];
            if (!session_name_is_valid(hello->name, call->reply)) {
                return false;
            }
        } else {
            reply_error_format(call->reply, "ERR Syntax error in HELLO option '%.*s'",
                               BYTES_PRINT(call->arguments[i]));
            return false;
        }
    }
    return true;
}

static void reply_hello(struct session_command *call) {
    struct reply *reply = call->reply;
    const struct worker *worker = call->worker;
    reply_map(reply, 7);
    reply_bulk_text(reply, "server");
    reply_bulk_text(reply, "redis");
    reply_bulk_text(reply, "version");
    reply_bulk_text(reply, REDIS_COMPATIBILITY_VERSION);
    reply_bulk_text(reply, "proto");
    reply_integer(reply, call->session->protocol);
    reply_bulk_text(reply, "id");
    reply_integer(reply, (int64_t)call->session->id);
    reply_bulk_text(reply, "mode");
    reply_bulk_text(reply, "cluster");
    reply_bulk_text(reply, "role");
    reply_bulk_text(reply, cluster_master_of(worker, worker->self) ? "replica" : "master");
    reply_bulk_text(reply, "modules");
    reply_array(reply, 0);
}

static bool command_hello(struct session_command *call) {
    struct session *session = call->session;
    struct hello hello = {0};
    if (!parse_hello(call, &hello) ||
        (hello.has_login && !log_in(call, hello.user, hello.password))) {
        return true;
    }
    if (!session->is_authenticated) {
        reply_error(
            call->reply,
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the "
            "HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and "
            "select the RESP protocol version at the same time");
        return true;
    }
    if (hello.has_name) {
        session_set_name(session, hello.name);
    }
    if (hello.protocol) {
        session->protocol = (int)hello.protocol;
        call->reply->protocol = session->protocol;
    }
    reply_hello(call);
    return true;
}

static bool command_reset(struct session_command *call) {
    struct session *session = call->session;
    session_set_name(session, BYTES_NONE);
    session_set_authenticated(session, !needs_password(call->worker));
    session->protocol = 2;
    session->reply_mode = SESSION_REPLY_ON;
    session->is_readonly = session->is_asking = session->is_no_evict = false;
    session->durability = DURABILITY_OF_NODE;
    call->reply->protocol = 2;
    reply_simple(call->reply, "RESET");
    return true;
}

/* ---- the table ---- */

static const struct {
    const char *name; /* a container stands for all its subcommands */
    bool (*run)(struct session_command *call);
} COMMANDS[] = {
    {"ping", command_ping},           {"echo", command_echo},       {"quit", command_quit},
    {"select", command_select},       {"time", command_time},       {"readonly", command_readonly},
    {"readwrite", command_readwrite}, {"auth", command_auth},       {"hello", command_hello},
    {"reset", command_reset},         {"client", client_command},   {"cluster", cluster_command},
    {"config", config_command},       {"info", info_command},       {"command", command_command},
    {"slowlog", slowlog_command},     {"trothdb", trothdb_command}, {"wait", wait_command},
    {"waitaof", wait_command}};

bool session_command_run(struct session_command *call) {
    size_t length = strcspn(call->command->name, "|");
    for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
        if (strncmp(COMMANDS[i].name, call->command->name, length) == 0 &&
            COMMANDS[i].name[length] == '\0') {
            return COMMANDS[i].run(call);
        }
    }
    UNREACHABLE(); /* a row with COMMAND_SESSION has its function here: tests/unit/node runs each */
}

void session_command_help(struct session_command *call, const char *const *lines, size_t count) {
    reply_array(call->reply, count + 2);
    for (size_t i = 0; i < count; i++) {
        reply_simple(call->reply, lines[i]);
    }
    reply_simple(call->reply, "HELP");
    reply_simple(call->reply, "    Prints this help.");
}
