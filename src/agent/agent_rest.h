/* Memory that an agent does not need at rest. What its start, a join storm or a large difference
 * touched once would stay resident for the rest of its life: pages of code, most of them of
 * libraries, and freed blocks that the allocator keeps. Every AGENT_REST_MS they are given back, so
 * what is resident is what the last ten seconds needed.
 *
 * Code comes back from the page cache, some thirty soft faults each time, which is less than a
 * ten-thousandth of a core. docs/decisions/0037-what-an-agent-keeps.md has the figures. */
#pragma once
#include <uv.h>

enum { AGENT_REST_MS = 10000 };

struct agent_rest {
    uv_timer_t timer;
};

void agent_rest_init(struct agent_rest *rest, uv_loop_t *loop);
void agent_rest_close(struct agent_rest *rest);
