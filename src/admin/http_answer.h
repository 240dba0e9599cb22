/* An answer of the admin port, before and as it is written. */
#pragma once
#include "base/buffer.h"

struct http_answer {
    const char *status;  /* "200 OK" */
    const char *type;    /* of the body */
    const char *headers; /* further lines, each with its end; NULL: none */
    char etag[24];       /* with its quotes; empty: none */
    bool is_bodiless;    /* told by its headers alone: to a HEAD, or because it is unchanged */
    struct buffer body;
};

/* A status and a sentence. */
void http_answer_text(struct http_answer *answer, const char *status, const char *text);

/* `is_last`: the connection ends with it. */
void http_answer_append(const struct http_answer *answer, bool is_last, struct buffer *out);
