/* A connection of the admin port, for the files of this folder. */
#pragma once
#include "admin/admin.h"
#include "admin/http_answer.h"

#define HTTP_TEXT "text/plain; charset=utf-8"

struct admin_connection {
    struct list link;
    struct admin *admin;
    uv_tcp_t socket;
    uv_write_t write;
    struct buffer input, output; /* output: one response, while it is written */
    uint64_t active_ms;
    bool is_writing, is_last, is_ending;
    bool is_waiting;       /* for its answer: */
    bool waits_for_status; /* that one; else a profile */
};

/* Whoever waited gets its answer. */
void admin_end_waiting(struct admin_connection *connection, const struct http_answer *answer);
