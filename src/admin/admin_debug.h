/* What the admin port tells of the memory of this process: /debug/memory and /debug/heap. */
#pragma once
#include "admin/http_answer.h"

void admin_answer_memory(struct http_answer *answer);
void admin_answer_heap(struct http_answer *answer);
