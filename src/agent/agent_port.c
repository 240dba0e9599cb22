#include "agent/agent_port.h"
#include "agent/agent_commands.h"

/* ---- sessions ---- */

static void *session_open(void *context, struct client_connection *connection,
                          const char *peer_name, const char *own_name) {
    struct agent_port *port = context;
    (void)own_name;
    if (port->session_count >= (uint64_t)port->layers->effective.maxclients ||
        port->session_count >= port->client_maximum)
        return NULL;
    return agent_session_new(port, connection, peer_name);
}

static void session_closed(void *context, void *closed) {
    (void)context;
    agent_session_free(closed);
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
    agent_session_send(session);
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
    agent_session_send(session);
}

static struct buffer *session_output_of(void *session) {
    return &((struct agent_session *)session)->output;
}

static const char *session_refusal(void) { return "-ERR max number of clients reached\r\n"; }

/* ---- news ---- */

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
        agent_session_send(session);
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
