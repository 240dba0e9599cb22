#include "agent/agent_session.h"
#include "base/memory.h"
#include <stdio.h>

enum { AGENT_INLINE_BYTES = 64 << 10 };

static size_t least(long long setting, size_t limit) {
    return (unsigned long long)setting < limit ? (size_t)setting : limit;
}

struct agent_session *agent_session_new(struct agent_port *port,
                                        struct client_connection *connection,
                                        const char *peer_name) {
    const struct config *config = &port->layers->effective;
    struct agent_session *session = memory_allocate_zeroed(1, sizeof *session);
    session->owner = port;
    session->connection = connection;
    session->id = ++port->next_id;
    snprintf(session->peer_name, sizeof session->peer_name, "%s", peer_name);
    session->protocol = 2;
    session->is_authenticated = true; /* until the password is looked at */
    buffer_init(&session->input,
                least(config->client_query_buffer_limit, AGENT_INPUT_MAXIMUM_BYTES));
    buffer_init(&session->output, least(config->client_output_limit, AGENT_OUTPUT_MAXIMUM_BYTES));
    struct request_limits limits = {.bulk_bytes = (size_t)config->proto_max_bulk_len,
                                    .argument_count = (size_t)config->proto_max_arguments,
                                    .inline_bytes = AGENT_INLINE_BYTES};
    request_parser_init(&session->parser, &limits);
    agent_session_set_authenticated(session, config->requirepass[0] == '\0');
    list_append(&port->sessions, &session->link);
    port->session_count++;
    return session;
}

void agent_session_free(struct agent_session *session) {
    struct agent_port *port = session->owner;
    subscriptions_release(&session->subscriptions);
    agent_session_changed(session);
    list_remove(&session->link);
    port->session_count--;
    request_parser_release(&session->parser);
    buffer_release(&session->input);
    buffer_release(&session->output);
    memory_free(session);
}

/* Of a stranger less may wait to be read; what was asked for before a RESET is no stranger's. */
static void limit_unread(struct agent_session *session) {
    const struct config *config = &session->owner->layers->effective;
    size_t maximum = least(config->client_output_limit, AGENT_OUTPUT_MAXIMUM_BYTES);
    size_t of_stranger = session->output.length + LOGIN_UNREAD_BYTES_MAXIMUM;
    bool is_less = !session->is_authenticated && of_stranger < maximum;
    session->output.maximum_bytes = is_less ? of_stranger : maximum;
}

void agent_session_set_authenticated(struct agent_session *session, bool is_authenticated) {
    bool is_changed = session->is_authenticated != is_authenticated;
    session->is_authenticated = is_authenticated;
    if (is_changed)
        limit_unread(session);
    session->parser.limits.is_unauthenticated = !is_authenticated;
}

/* The gossiper tells of what changes only while somebody listens. */
void agent_session_changed(struct agent_session *session) {
    struct agent_port *port = session->owner;
    bool is_listening = subscriptions_are_any(&session->subscriptions);
    unsigned before = port->listening_count;
    if (is_listening == session->is_listening)
        return;
    session->is_listening = is_listening;
    port->listening_count += is_listening ? 1 : -1;
    if ((before == 0) == (port->listening_count == 0))
        return;
    struct mail *mail = mail_new(MAIL_GOSSIP_WATCH, 0);
    mail->flags = port->listening_count > 0;
    gossiper_mail(port->gossiper, mail);
}

/* A reply that follows one which was dropped would pass for the answer to that other command. */
void agent_session_send(struct agent_session *session) {
    if (session->output.is_overflowed) {
        log_line(session->owner->log, LOG_WARN,
                 "client closed: its replies passed client-output-limit",
                 LOG_T("client", session->peer_name));
        buffer_clear(&session->output);
        session->is_closing = true;
    }
    if (session->is_closing)
        client_connection_close(session->connection);
    else
        client_connection_output(session->connection);
}
