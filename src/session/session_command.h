/* The node's own commands: one function a command; the table is in session_commands.c. */
#pragma once
#include "session/session.h"

struct session_command {
    struct session *session;
    struct worker *worker;
    const struct command *command;
    const struct bytes *arguments;
    size_t argument_count;
    struct reply *reply;
};
/* Runs a COMMAND_SESSION row. True when the reply was written to call->reply; false when it comes
 * later by session_expect() and session_deliver(). A reply of no bytes is no reply (CLIENT REPLY
 * OFF). */
bool session_command_run(struct session_command *call);
bool cluster_command(struct session_command *call);
bool client_command(struct session_command *call);
bool config_command(struct session_command *call);
bool info_command(struct session_command *call);
bool gossip_command(struct session_command *call); /* gossip_sessions.c; SUBSCRIBE... too */
bool latency_command(struct session_command *call);
bool slowlog_command(struct session_command *call);
bool trothdb_command(struct session_command *call);
void status_command(struct session_command *call);                 /* TROTHDB STATUS */
void session_set_name(struct session *session, struct bytes name); /* valid already */

/* TROTHDB FOUND that came to another worker: worker 0 founds, and answers by MAIL_REPLY. The mail
 * stays the caller's. */
void trothdb_found_mail(struct worker *worker, struct mail *mail);
enum { MAIL_TOPOLOGY_IS_FOUNDING = 1 }; /* flag of a MAIL_TOPOLOGY */
