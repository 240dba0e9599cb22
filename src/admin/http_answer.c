#include "admin/http_answer.h"

void http_answer_text(struct http_answer *answer, const char *status, const char *text) {
    answer->status = status;
    buffer_append_text(&answer->body, text);
    buffer_append_u8(&answer->body, '\n');
}

void http_answer_append(const struct http_answer *answer, bool is_last, struct buffer *out) {
    buffer_append_format(out, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n",
                         answer->status, answer->type, answer->body.length);
    if (answer->etag[0] != '\0')
        buffer_append_format(out, "ETag: %s\r\n", answer->etag);
    buffer_append_format(out, "%sConnection: %s\r\n\r\n", answer->headers ? answer->headers : "",
                         is_last ? "close" : "keep-alive");
    if (!answer->is_bodiless)
        buffer_append_bytes(out, buffer_bytes(&answer->body));
}
