/* MAIL_GOSSIP_STREAM, to and from the gossiper: a stream by which somebody takes from this node
 * what it lacks. Who has the connection numbers its streams. */
#pragma once
#include "gossip/gossip.h"
#include "member/mail.h"

/* To the gossiper: ASKED with the request, ROOM or GONE. Returns owned. */
struct mail *stream_mail_new(unsigned worker, enum gossip_event_kind kind, uint64_t stream,
                             struct bytes request);
/* The same as an event; borrows the mail. */
struct gossip_event stream_mail_event(const struct mail *mail);

/* From the gossiper: GIVE or END of the stream that the event named; to `*worker`. Returns owned.
 */
struct mail *stream_mail_answer(const struct gossip_stream_action *action, unsigned *worker);
/* The same as an action; borrows the mail. */
struct gossip_stream_action stream_mail_action(const struct mail *mail);
