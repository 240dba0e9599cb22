#include "agent/agent_port.h"
#include "base/check.h"
#include "base/memory.h"
#include <stdio.h>

enum { AGENT_INLINE_BYTES = 64 << 10 };

static size_t least(long long setting, size_t limit) {
    return (unsigned long long)setting < limit ? (size_t)setting : limit;
}

/* ---- sessions ---- */

static void *session_open(void *context, struct client_connection *connection,
                          const char *peer_name, const char *own_name) {
    struct agent_port *port = context;
    const struct config *config = &port->layers->effective;
    (void)own_name;
    if (port->session_count >= (uint64_t)config->maxclients)
        return NULL;
    struct agent_session *session = memory_allocate_zeroed(1, sizeof *session);
    session->owner = port;
    session->connection = connection;
    session->id = ++port->next_id;
    snprintf(session->peer_name, sizeof session->peer_name, "%s", peer_name);
    session->protocol = 2;
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

void agent_session_set_authenticated(struct agent_session *session, bool is_authenticated) {
    session->is_authenticated = is_authenticated;
    session->parser.limits.is_unauthenticated = !is_authenticated;
}

static void session_closed(void *context, void *closed) {
    struct agent_port *port = context;
    struct agent_session *session = closed;
    subscriptions_release(&session->subscriptions);
    agent_session_changed(session);
    list_remove(&session->link);
    port->session_count--;
    request_parser_release(&session->parser);
    buffer_release(&session->input);
    buffer_release(&session->output);
    memory_free(session);
}

/* A reply that follows one which was dropped would pass for the answer to that other command. */
static void session_send(struct agent_session *session) {
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

/* ---- commands ---- */

static void session_run(struct agent_session *session) {
    const struct request_parser *parser = &session->parser;
    struct reply reply = {.out = &session->output, .protocol = session->protocol};
    struct agent_call call = {.session = session,
                              .arguments = parser->arguments,
                              .argument_count = parser->argument_count,
                              .reply = &reply};
    session->owner->command_count++;
    if (command_check(call.arguments, call.argument_count, &call.command, &reply) != 0)
        return;
    if (!session->is_authenticated && !(call.command->flags & COMMAND_NO_AUTH))
        reply_error(&reply, "NOAUTH Authentication required.");
    else if (!subscriptions_take(&session->subscriptions, call.command, call.arguments,
                                 call.argument_count, &reply))
        agent_command_run(&call);
}

static void session_refuse(struct agent_session *session) {
    struct reply reply = {.out = &session->output, .protocol = session->protocol};
    reply_error_format(&reply, "ERR %s", session->parser.problem);
    session->is_closing = true;
}

static void session_input(void *context, void *read, size_t length) {
    struct agent_session *session = read;
    (void)context;
    buffer_grew(&session->input, length);
    while (!session->is_closing && !session->output.is_overflowed && session->input.length > 0) {
        size_t consumed = 0;
        enum request_status status =
            request_parse(&session->parser, buffer_bytes(&session->input), &consumed);
        if (status == REQUEST_INCOMPLETE)
            break;
        if (status == REQUEST_BROKEN) {
            session_refuse(session);
            break;
        }
        if (session->parser.argument_count > 0)
            session_run(session);
        buffer_consume(&session->input, consumed);
    }
    if (session->input.length == 0)
        buffer_clear(&session->input);
    session_send(session);
}

/* Where it is full, the request in it can never be whole: one byte more is room enough to find that
 * out. */
static uint8_t *session_room(void *context, void *session_of, size_t *length) {
    struct buffer *input = &((struct agent_session *)session_of)->input;
    (void)context;
    uint8_t *at = buffer_reserve(input, AGENT_INPUT_ROOM_BYTES);
    if (at == NULL) {
        input->is_overflowed = false;
        at = buffer_reserve(input, 1);
        *length = at != NULL ? 1 : 0;
        return at;
    }
    *length = input->capacity - input->start - input->length;
    return at;
}

static void session_ended(void *context, void *ended) {
    struct agent_session *session = ended;
    (void)context;
    session->is_closing = true; /* every command is answered already */
    session_send(session);
}

static struct buffer *session_output_of(void *session) {
    return &((struct agent_session *)session)->output;
}

static const char *session_refusal(void) { return "-ERR max number of clients reached\r\n"; }

/* ---- news ---- */

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

void agent_port_hear(struct agent_port *port, struct bytes mail) {
    LIST_EACH (&port->sessions, link) {
        struct agent_session *session = LIST_ELEMENT(link, struct agent_session, link);
        struct reply reply = {.out = &session->output, .protocol = session->protocol};
        struct cursor in = cursor_of(mail);
        struct gossip_news news;
        if (!session->is_listening || session->is_closing)
            continue;
        while (gossip_news_next(&in, &news))
            subscriptions_tell(&session->subscriptions, &news, &reply);
        session_send(session);
    }
}

/* ---- the port ---- */

static const struct client_port_calls CALLS = {.open = session_open,
                                               .room = session_room,
                                               .input = session_input,
                                               .ended = session_ended,
                                               .closed = session_closed,
                                               .output = session_output_of,
                                               .refusal = session_refusal};

void agent_port_init(struct agent_port *port, uv_loop_t *loop) {
    list_init(&port->sessions);
    client_port_init(&port->port, loop, &CALLS, port, port->log);
}

void agent_port_close(struct agent_port *port) { client_port_close(&port->port); }
