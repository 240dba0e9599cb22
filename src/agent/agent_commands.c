/* The commands of an agent: those of a connection, and GOSSIP. Words and shapes are Redis 7.0's. */
#include "agent/agent_commands.h"
#include "agent/agent_config.h"
#include "base/text/number.h"
#include "connection/command_table_reply.h"
#include "connection/redis_compatibility.h"
#include "member/gossip_commands.h"
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

enum { AGENT_INFO_BYTES = 64 << 10 };

/* ---- small ones ---- */

static void run_ping(const struct agent_call *call) {
    if (call->argument_count > 2)
        reply_error(call->reply, "ERR wrong number of arguments for 'ping' command");
    else if (call->argument_count == 2)
        reply_bulk(call->reply, call->arguments[1]);
    else
        reply_simple(call->reply, "PONG");
}

static void run_echo(const struct agent_call *call) { reply_bulk(call->reply, call->arguments[1]); }

static void run_quit(const struct agent_call *call) {
    reply_ok(call->reply);
    call->session->is_closing = true;
}

static void run_select(const struct agent_call *call) {
    int64_t index;
    if (!number_parse_i64(call->arguments[1], &index))
        reply_error(call->reply, REPLY_NOT_INTEGER);
    else if (index != 0)
        reply_error(call->reply, "ERR DB index is out of range");
    else
        reply_ok(call->reply);
}

static void run_time(const struct agent_call *call) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    reply_array(call->reply, 2);
    reply_bulk_integer(call->reply, now.tv_sec);
    reply_bulk_integer(call->reply, now.tv_nsec / 1000);
}

static bool agent_has(const struct command *command);

static void run_command(const struct agent_call *call) {
    command_table_reply(agent_has, call->arguments, call->argument_count, call->reply);
}

/* ---- logging in ---- */

static void run_auth(const struct agent_call *call) {
    if (login_auth(call->session->owner->layers->effective.requirepass, call->arguments,
                   call->argument_count, call->reply))
        agent_session_set_authenticated(call->session, true);
}

static void set_text(char out[LOGIN_NAME_MAXIMUM], struct bytes text) {
    snprintf(out, LOGIN_NAME_MAXIMUM, "%.*s", BYTES_PRINT(text));
}

static void run_hello(const struct agent_call *call) {
    struct agent_session *session = call->session;
    struct hello hello;
    bool is_said =
        hello_read(&hello, session->owner->layers->effective.requirepass, session->is_authenticated,
                   call->arguments, call->argument_count, call->reply);
    if (hello.has_logged_in)
        agent_session_set_authenticated(session, true);
    if (hello.has_name)
        set_text(session->name, hello.name);
    if (!is_said)
        return;
    if (hello.protocol != 0)
        call->reply->protocol = session->protocol = (int)hello.protocol;
    hello_reply(&(struct hello_facts){.id = session->id, .mode = "standalone", .role = "master"},
                call->reply);
}

static void run_reset(const struct agent_call *call) {
    struct agent_session *session = call->session;
    session->name[0] = '\0';
    agent_session_set_authenticated(session,
                                    session->owner->layers->effective.requirepass[0] == '\0');
    call->reply->protocol = session->protocol = 2;
    subscriptions_release(&session->subscriptions);
    agent_session_changed(session);
    reply_simple(call->reply, "RESET");
}

/* ---- CLIENT ---- */

static void set_name(const struct agent_call *call) {
    if (!login_name_is_valid(call->arguments[2], call->reply))
        return;
    set_text(call->session->name, call->arguments[2]);
    reply_ok(call->reply);
}

static void set_info(const struct agent_call *call) {
    struct bytes attribute = call->arguments[2], value = call->arguments[3];
    bool is_name = bytes_equal_ignoring_case(attribute, "lib-name");
    if (!is_name && !bytes_equal_ignoring_case(attribute, "lib-ver")) {
        reply_error_format(call->reply, "ERR Unrecognized option '%.*s'", BYTES_PRINT(attribute));
        return;
    }
    if (!login_name_is_valid(value, call->reply))
        return;
    set_text(is_name ? call->session->library_name : call->session->library_version, value);
    reply_ok(call->reply);
}

static void append_client(const struct agent_session *session, struct buffer *out) {
    buffer_append_format(
        out, "id=%llu addr=%s name=%s sub=%zu psub=%zu resp=%d lib-name=%s lib-ver=%s\n",
        (unsigned long long)session->id, session->peer_name, session->name,
        subscriptions_count(&session->subscriptions, false),
        subscriptions_count(&session->subscriptions, true), session->protocol,
        session->library_name, session->library_version);
}

static void list_clients(const struct agent_call *call, bool is_all) {
    struct buffer text;
    buffer_init(&text, AGENT_OUTPUT_MAXIMUM_BYTES);
    LIST_EACH (&call->session->owner->sessions, link) {
        const struct agent_session *session = LIST_ELEMENT(link, struct agent_session, link);
        if (is_all || session == call->session)
            append_client(session, &text);
    }
    reply_verbatim(call->reply, buffer_bytes(&text));
    buffer_release(&text);
}

static void run_client_id(const struct agent_call *call) {
    reply_integer(call->reply, (int64_t)call->session->id);
}

static void run_client_getname(const struct agent_call *call) {
    if (call->session->name[0] != '\0')
        reply_bulk_text(call->reply, call->session->name);
    else
        reply_null(call->reply);
}

static void run_client_info(const struct agent_call *call) { list_clients(call, false); }

static void run_client_list(const struct agent_call *call) {
    if (call->argument_count > 2)
        reply_error(call->reply, REPLY_SYNTAX);
    else
        list_clients(call, true);
}

/* ---- INFO ---- */

static void run_info(const struct agent_call *call) {
    const struct agent_port *port = call->session->owner;
    struct buffer text;
    size_t resident_bytes = 0;
    (void)uv_resident_set_memory(&resident_bytes);
    buffer_init(&text, AGENT_INFO_BYTES);
    buffer_append_format(
        &text,
        "# Server\r\nredis_version:%s\r\nredis_mode:standalone\r\ntrothdb_version:%s\r\n"
        "trothdb_role:agent\r\nprocess_id:%d\r\ntcp_port:%u\r\nuptime_in_seconds:%llu\r\n\r\n"
        "# Clients\r\nconnected_clients:%llu\r\npubsub_clients:%u\r\n\r\n"
        "# Memory\r\nused_memory_rss:%zu\r\n\r\n"
        "# Stats\r\ntotal_commands_processed:%llu\r\n\r\n"
        "# Replication\r\nrole:master\r\nconnected_slaves:0\r\n\r\n"
        "# Persistence\r\nloading:0\r\n\r\n",
        REDIS_COMPATIBILITY_VERSION, TROTHDB_VERSION, (int)getpid(), port->client_port_number,
        (unsigned long long)((gossiper_now_us(port->gossiper) - port->started_us) / 1000000),
        (unsigned long long)port->session_count, port->listening_count, resident_bytes,
        (unsigned long long)port->command_count);
    gossip_info(port->gossiper, &text);
    reply_verbatim(call->reply, buffer_bytes(&text));
    buffer_release(&text);
}

/* ---- GOSSIP, and the channels ---- */

static void run_gossip(const struct agent_call *call) {
    struct agent_port *port = call->session->owner;
    if (subscriptions_command(&call->session->subscriptions, call->command, call->arguments,
                              call->argument_count, call->reply)) {
        agent_session_changed(call->session);
        return;
    }
    if (strcmp(call->command->name, "gossip|leave") == 0) {
        reply_ok(call->reply);
        port->leave(port->context);
        return;
    }
    gossip_command_run(&(struct gossip_call){port->gossiper, call->command, call->arguments,
                                             call->argument_count, call->reply});
}

/* ---- the table ---- */

struct agent_row {
    const char *name; /* a container's has all of its subcommands */
    void (*run)(const struct agent_call *call);
};
static const struct agent_row rows[] = {{"ping", run_ping},
                                        {"echo", run_echo},
                                        {"quit", run_quit},
                                        {"select", run_select},
                                        {"time", run_time},
                                        {"command", run_command},
                                        {"auth", run_auth},
                                        {"hello", run_hello},
                                        {"reset", run_reset},
                                        {"client|id", run_client_id},
                                        {"client|getname", run_client_getname},
                                        {"client|setname", set_name},
                                        {"client|setinfo", set_info},
                                        {"client|info", run_client_info},
                                        {"client|list", run_client_list},
                                        {"config|get", agent_config_get},
                                        {"config|set", agent_config_set},
                                        {"info", run_info},
                                        {"gossip", run_gossip},
                                        {"subscribe", run_gossip},
                                        {"unsubscribe", run_gossip},
                                        {"psubscribe", run_gossip},
                                        {"punsubscribe", run_gossip}};
enum { ROWS = sizeof rows / sizeof *rows };

/* "config" is above "config|get". */
static bool is_at_or_above(const char *name, const char *other) {
    size_t length = strlen(name);
    return strncmp(other, name, length) == 0 && (other[length] == '\0' || other[length] == '|');
}

static const struct agent_row *row_of(const struct command *command) {
    for (size_t i = 0; i < ROWS; i++)
        if (is_at_or_above(rows[i].name, command->name))
            return &rows[i];
    return NULL;
}

static bool agent_has(const struct command *command) {
    for (size_t i = 0; i < ROWS; i++)
        if (is_at_or_above(command->name, rows[i].name))
            return true;
    return row_of(command) != NULL;
}

void agent_command_run(const struct agent_call *call) {
    const struct agent_row *row = row_of(call->command);
    if (row != NULL)
        row->run(call);
    else
        reply_error_format(call->reply,
                           "ERR '%s' is not for an agent, which holds no data: ask a node (GOSSIP "
                           "MEMBERS tells their client addresses)",
                           call->command->name);
}
