/* Who is connected to an agent, and a command of theirs as it is run. */
#pragma once
#include "base/containers/list.h"
#include "config/config_layers.h"
#include "connection/login.h"
#include "connection/subscriptions.h"
#include "member/gossiper.h"
#include "process/client_port.h"
#include "wire/request.h"

enum {
    /* client-query-buffer-limit and client-output-limit count up to these: an agent stays small */
    AGENT_INPUT_MAXIMUM_BYTES = 1 << 20,
    AGENT_OUTPUT_MAXIMUM_BYTES = 16 << 20
};

/* What all sessions share. */
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

struct agent_session *agent_session_new(struct agent_port *port,
                                        struct client_connection *connection,
                                        const char *peer_name); /* borrows the port */
void agent_session_free(struct agent_session *session);
void agent_session_set_authenticated(struct agent_session *session, bool is_authenticated);
void agent_session_changed(struct agent_session *session); /* its subscriptions are others */
void agent_session_send(struct agent_session *session);    /* what waits in `output` */

struct agent_call {
    struct agent_session *session;
    const struct command *command;
    const struct bytes *arguments;
    size_t argument_count;
    struct reply *reply;
};
