/* /debug/profile: one at a time, whose answer comes when its seconds are over. */
#pragma once
#include "admin/admin_connection.h"

void admin_profile_init(struct admin *admin);
/* False: the answer comes when the profile is done. */
bool admin_answer_profile(struct admin_connection *connection, struct bytes query,
                          struct http_answer *answer) MUST_CHECK;
/* Nobody waits for it any more: it ends now, or when it is written. */
void admin_abandon_profile(struct admin *admin);
/* What is being written goes on, for nobody. */
void admin_close_profile(struct admin *admin);
