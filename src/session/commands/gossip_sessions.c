/* GOSSIP and the channels of gossip, for the sessions of a worker. What the gossiper knows it is
 * asked by mail; of what changes it tells a worker only while a session here wants to hear it. */
#include "session/commands/gossip_sessions.h"

#include "connection/subscriptions.h"
#include "session/client/session.h"
#include "session/commands/commands.h"
#include "worker/worker.h"

enum { NEWS_REPLY_BYTES = 64 << 20 };

/* ---- asking ---- */

static bool ask_gossiper(struct session_command *call) {
    struct worker *worker = call->worker;
    struct mail *mail = mail_new(MAIL_GOSSIP_CALL, worker->index);
    mail->protocol = (uint8_t)call->session->protocol;
    mail->target = &call->session->target;
    mail->ticket = session_expect(call->session, 0, 0);
    mail_put_arguments(mail, call->arguments, call->argument_count);
    worker_post(worker, MAIL_TO_GOSSIPER, mail);
    return false;
}

/* ---- what sessions want to hear ---- */

/* Its subscriptions are others. */
static void note_subscriptions(struct session *session) {
    struct worker *worker = session->worker;
    bool is_listening = subscriptions_are_any(&session->subscriptions);
    unsigned before = worker->sessions->listening_count;
    if (is_listening == session->is_listening)
        return;
    session->is_listening = is_listening;
    worker->sessions->listening_count += is_listening ? 1 : -1;
    if ((before == 0) != (worker->sessions->listening_count == 0)) {
        struct mail *mail = mail_new(MAIL_GOSSIP_WATCH, worker->index);
        mail->flags = worker->sessions->listening_count > 0;
        worker_post(worker, MAIL_TO_GOSSIPER, mail);
    }
}

/* What confirms a subscription is pushed, as the news are that follow: CLIENT REPLY does not turn
 * it off. */
static void confirm(struct session_command *call) {
    struct buffer *out = call->reply->out;
    bool is_subscription = strcmp(call->command->group, "pubsub") == 0;
    if (is_subscription && !reply_is_error(buffer_bytes(out))) {
        session_push_for_command(call->session, buffer_bytes(out));
        buffer_clear(out);
    }
}

bool gossip_command(struct session_command *call) {
    struct session *session = call->session;
    if (!subscriptions_command(&session->subscriptions, call->command, call->arguments,
                               call->argument_count, call->reply))
        return ask_gossiper(call);
    confirm(call);
    note_subscriptions(session);
    return true;
}

/* ---- hearing ---- */

void gossip_session_ends(struct session *session) {
    subscriptions_release(&session->subscriptions);
    note_subscriptions(session);
}

static void tell(struct session *session, struct bytes mail, struct buffer *out) {
    struct reply reply = {.out = out, .protocol = session->protocol};
    struct cursor in = cursor_of(mail);
    struct gossip_news news;
    while (gossip_news_next(&in, &news))
        subscriptions_tell(&session->subscriptions, &news, &reply);
    if (out->length)
        session_push(session, buffer_bytes(out));
    buffer_clear(out);
}

void gossip_sessions_hear(struct worker *worker, struct bytes mail) {
    struct buffer out;
    buffer_init(&out, NEWS_REPLY_BYTES);
    LIST_EACH (&worker->sessions->all, link) {
        struct session *session = LIST_ELEMENT(link, struct session, link);
        if (session->is_listening && !session->is_gone)
            tell(session, mail, &out);
    }
    buffer_release(&out);
}
