#include "admin/admin_debug.h"
#include "base/text/number.h"
#include "profile/heap.h"
#include "profile/profile.h"

void admin_answer_memory(struct http_answer *answer) {
    if (heap_write_statistics(&answer->body) == 0)
        answer->status = "200 OK";
    else
        buffer_clear(&answer->body),
            http_answer_text(
                answer, "501 Not Implemented",
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

unsigned admin_profile_seconds(struct bytes query) {
    static const char name[] = "seconds=";
    int64_t seconds;
    if (query.length == 0)
        return PROFILE_SECONDS_DEFAULT;
    if (query.length < sizeof name || memcmp(query.data, name, sizeof name - 1) != 0)
        return 0;
    struct bytes number = bytes_of(query.data + sizeof name - 1, query.length - (sizeof name - 1));
    bool is_sound =
        number_parse_i64(number, &seconds) && seconds >= 1 && seconds <= PROFILE_SECONDS_MAXIMUM;
    return is_sound ? (unsigned)seconds : 0;
}
