/* The node's own commands: one function a command; the table is in table.c. */
#pragma once
#include "session/client/session_command.h"

bool cluster_command(struct session_command *call);
bool client_command(struct session_command *call);
bool config_command(struct session_command *call);
bool info_command(struct session_command *call);
bool gossip_command(struct session_command *call); /* SUBSCRIBE... too */
bool latency_command(struct session_command *call);
bool slowlog_command(struct session_command *call);
bool trothdb_command(struct session_command *call);
void status_command(struct session_command *call);                 /* TROTHDB STATUS */
void session_set_name(struct session *session, struct bytes name); /* valid already */

/* TROTHDB FOUND that came to another worker: worker 0 founds, and answers by MAIL_REPLY. The mail
 * stays the caller's. */
void trothdb_found_mail(struct worker *worker, struct mail *mail);
enum { MAIL_TOPOLOGY_IS_FOUNDING = 1 }; /* flag of a MAIL_TOPOLOGY */
