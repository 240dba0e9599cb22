#include "admin/admin_debug.h"
#include "profile/heap.h"

void admin_answer_memory(struct http_answer *answer) {
    if (heap_write_statistics(&answer->body) == 0) {
        answer->status = "200 OK";
        return;
    }
    buffer_clear(&answer->body);
    http_answer_text(answer, "501 Not Implemented",
                     "this build does not run on jemalloc, so its memory has no statistics");
}

void admin_answer_heap(struct http_answer *answer) {
    int error = heap_write_profile(&answer->body);
    if (error == 0) {
        answer->status = "200 OK";
        answer->type = "application/octet-stream";
        return;
    }
    buffer_clear(&answer->body);
    if (error == ERR_REFUSED)
        http_answer_text(
            answer, "501 Not Implemented",
            "heap profiles are off: start the node with MALLOC_CONF=prof:true in its "
            "environment (it then runs a few percent slower); /debug/memory has totals");
    else if (error == ERR_NOT_FOUND)
        http_answer_text(answer, "501 Not Implemented",
                         "this build does not run on jemalloc, which makes heap profiles");
    else
        http_answer_text(answer, "500 Internal Server Error",
                         "the heap profile could not be written");
}
