#include "member/stream_mail.h"
#include "base/check.h"

/* The core's number: the worker, and its number there. */
enum { STREAM_TICKET_BITS = 48 };
#define STREAM_TICKET_MASK ((UINT64_C(1) << STREAM_TICKET_BITS) - 1)

struct mail *stream_mail_new(unsigned worker, enum gossip_event_kind kind, uint64_t stream,
                             struct bytes request) {
    CHECK(stream <= STREAM_TICKET_MASK);
    struct mail *mail = mail_new(MAIL_GOSSIP_STREAM, worker);
    mail->ticket = stream;
    mail->flags = kind;
    buffer_append_bytes(&mail->bytes, request);
    return mail;
}

struct gossip_event stream_mail_event(const struct mail *mail) {
    enum gossip_event_kind kind = (enum gossip_event_kind)mail->flags;
    CHECK(kind == GOSSIP_STREAM_ASKED || kind == GOSSIP_STREAM_ROOM || kind == GOSSIP_STREAM_GONE);
    return (struct gossip_event){.kind = kind,
                                 .stream =
                                     (uint64_t)mail->from << STREAM_TICKET_BITS | mail->ticket,
                                 .bytes = buffer_bytes(&mail->bytes)};
}

struct mail *stream_mail_answer(const struct gossip_stream_action *action, unsigned *worker) {
    struct mail *mail = mail_new(MAIL_GOSSIP_STREAM, MAIL_TO_GOSSIPER);
    mail->ticket = action->stream & STREAM_TICKET_MASK;
    mail->flags = action->kind;
    mail->status = (int)action->outcome;
    buffer_append_bytes(&mail->bytes, action->bytes);
    *worker = (unsigned)(action->stream >> STREAM_TICKET_BITS);
    return mail;
}

struct gossip_stream_action stream_mail_action(const struct mail *mail) {
    return (struct gossip_stream_action){.kind = (enum gossip_stream_action_kind)mail->flags,
                                         .stream = mail->ticket,
                                         .outcome = (enum gossip_stream_outcome)mail->status,
                                         .bytes = buffer_bytes(&mail->bytes)};
}
