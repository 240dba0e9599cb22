/* What the admin port tells of the process itself: /debug/memory, /debug/heap, and how long a
 * /debug/profile is to be. */
#pragma once
#include "admin/http_answer.h"

void admin_answer_memory(struct http_answer *answer);
void admin_answer_heap(struct http_answer *answer);
/* "seconds=N"; nothing: PROFILE_SECONDS_DEFAULT. 0: not understood. */
unsigned admin_profile_seconds(struct bytes query);
