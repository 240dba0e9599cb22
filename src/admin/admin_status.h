/* /status of a node goes round its workers; whoever asks meanwhile waits for the same answer. */
#pragma once
#include "admin/admin_connection.h"

void admin_status_init(struct admin *admin);
/* False: the answer comes when the workers have given theirs. */
bool admin_answer_status(struct admin_connection *connection,
                         struct http_answer *answer) MUST_CHECK;
void admin_close_status(struct admin *admin);
