/* The client port of an agent: its sessions, each of which has every command answered at once, and
 * hears what it subscribed to at the end of the turn in which it happened. */
#pragma once
#include "base/list.h"
#include "config/config_layers.h"
#include "connection/login.h"
#include "connection/subscriptions.h"
#include "member/gossiper.h"
#include "process/client_port.h"
#include "wire/request.h"

enum {
    AGENT_INPUT_ROOM_BYTES = 4 << 10,
    /* client-query-buffer-limit and client-output-limit count up to these: an agent stays small */
    AGENT_INPUT_MAXIMUM_BYTES = 1 << 20,
    AGENT_OUTPUT_MAXIMUM_BYTES = 16 << 20
};

struct agent_port {
    struct client_port port;
    /* All borrowed; CONFIG SET, and the file read again, change the settings. */
    struct config_layers *layers;
    struct gossiper *gossiper;
    struct log *log;
    void (*leave)(void *context); /* GOSSIP LEAVE */
    void *context;
    uint16_t client_port_number;
    uint64_t client_maximum; /* whatever maxclients says: as many as the system leaves */
    uint64_t started_us;
    struct list sessions;
    uint64_t session_count, next_id, command_count;
    unsigned listening_count;
};

struct agent_session {
    struct list link;
    struct agent_port *owner;
    struct client_connection *connection;
    uint64_t id;
    char peer_name[LOGIN_NAME_MAXIMUM];
    char name[LOGIN_NAME_MAXIMUM], library_name[LOGIN_NAME_MAXIMUM],
        library_version[LOGIN_NAME_MAXIMUM];
    struct buffer input, output;
    struct request_parser parser;
    int protocol;
    bool is_authenticated, is_closing, is_listening;
    struct subscriptions subscriptions;
};

/* Everything but `sessions` and the counts is set already. */
void agent_port_init(struct agent_port *port, uv_loop_t *loop);
/* A MAIL_GOSSIP_NEWS: sessions that listen are told. */
void agent_port_hear(struct agent_port *port, struct bytes news);
void agent_port_close(struct agent_port *port); /* then the loop has to run */

/* agent_session.c: who is connected, for the port and for the commands */
struct agent_session *agent_session_new(struct agent_port *port,
                                        struct client_connection *connection,
                                        const char *peer_name); /* borrows the port */
void agent_session_free(struct agent_session *session);
void agent_session_set_authenticated(struct agent_session *session, bool is_authenticated);
void agent_session_changed(struct agent_session *session); /* its subscriptions are others */
void agent_session_send(struct agent_session *session);    /* what waits in `output` */

/* agent_commands.c */
struct agent_call {
    struct agent_session *session;
    const struct command *command;
    const struct bytes *arguments;
    size_t argument_count;
    struct reply *reply;
};
/* Writes the reply to any command that command_check() has found sound. */
void agent_command_run(const struct agent_call *call);
/* agent_config.c: CONFIG GET and SET, and SIGHUP */
void agent_config_get(const struct agent_call *call);
void agent_config_set(const struct agent_call *call);
/* The file was read again: all of it is taken, or an error with a sentence and nothing. */
int agent_config_take_file(struct agent_port *port, const struct config *read,
                           struct buffer *problem) MUST_CHECK;
