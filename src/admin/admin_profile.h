/* /debug/profile: one at a time, whose answer comes when its seconds are over. */
#pragma once
#include "admin/http_server.h"
#include "base/log.h"

struct profile;
struct profiler;

struct admin_profile {
    uv_loop_t *loop;
    struct profiler *profiler; /* borrowed */
    const struct log *log;
    struct http_late late;
    struct profile *profile; /* NULL: none is running */
    uv_timer_t timer;
    bool is_being_written; /* just now, by a thread of the loop's: */
    uv_work_t work;
    struct buffer body;
    int code;
};

void admin_profile_init(struct admin_profile *profile, uv_loop_t *loop, struct profiler *profiler,
                        const struct log *log);
/* NULL: answered; else what has to be waited for. */
struct http_late *admin_profile_answer(struct admin_profile *profile, struct bytes query,
                                       struct http_answer *answer) MUST_CHECK;
/* Once nobody waits. What is being written goes on, for nobody. */
void admin_profile_close(struct admin_profile *profile);
