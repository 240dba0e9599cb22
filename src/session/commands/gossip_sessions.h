/* GOSSIP and the channels of gossip, for the sessions of a worker. */
#pragma once
#include "session/client/session.h"

void gossip_session_ends(struct session *session); /* or is reset: it subscribes to nothing */
/* A MAIL_GOSSIP_NEWS. */
void gossip_sessions_hear(struct worker *worker, struct bytes mail);
