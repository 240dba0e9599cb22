/* The order of a client's replies: a command takes its place when it comes (clients.c), and replies
 * leave from the front. */
#pragma once
#include "session/client/state.h"

struct session *session_new(struct worker *worker, void *handle, const char *peer_name,
                            const char *own_name); /* returns owned */
void session_set_authenticated(struct session *session, bool is_authenticated);
void session_deliver(struct session *session, uint64_t ticket, enum shard_outcome outcome,
                     struct bytes reply);
/* Moves a long reply that a shard tells just now to an empty buffer, with its memory. False: it is
 * short, or is not to be had, or there is something before it; then it is copied. */
bool session_take_reply(const struct sessions *sessions, struct bytes reply, struct buffer *to);
/* The reply of a command that is answered at once: written behind what is in the worker's
 * reply_buffer, and then handed to session_reply_now(). */
struct reply session_begin_reply(const struct session *session);
void session_reply_now(struct session *session,
                       struct bytes reply); /* the next reply in order, whole */
/* What nobody asked for, behind the replies of the commands that came before. */
void session_push(struct session *session, struct bytes message);
/* The same, and it stands for the reply of the command that is run. */
void session_push_for_command(struct session *session, struct bytes message);
uint64_t session_expect(struct session *session, uint32_t shard,
                        slot_number slot);            /* a ticket for a reply to come */
void session_expect_no_more(struct session *session); /* takes the last session_expect() back */
void session_expect_nothing(struct session *session); /* an empty request: SKIP is used up by it */
void session_expect_read(struct session *session);    /* what is expected last is a read's answer */
void session_close_after_reply(struct session *session);
/* The same, but it does not wait for the replies that are still to come. */
void session_kill(struct session *session);
/* The same at once: all that it holds goes with it. */
void session_evict(struct session *session);
void session_free(struct session *session);
/* How a session's next command must go so that nothing of the connection overtakes anything: flags
 * for calls_send() (route.h), and false if the command must wait (a write behind a read that waits
 * for a quorum or a deletion). */
bool session_order(const struct session *session, const struct command *command, unsigned *flags);
