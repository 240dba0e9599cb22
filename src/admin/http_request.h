/* The head of an HTTP/1.1 request, read from the front of what has come (RFC 9112). Only what an
 * admin port needs: requests without a body. */
#pragma once
#include "base/bytes.h"
#include "base/error.h"

enum { HTTP_HEAD_MAXIMUM_BYTES = 8192, HTTP_HEADER_MAXIMUM = 64 };

struct http_request {
    /* Borrow from the input; the query without its '?', of several headers of a name the last. */
    struct bytes method, path, query, accept, if_none_match;
    bool is_head; /* the method is HEAD */
    bool keeps_alive;
    bool has_body;
};

/* The length of the head, 0 while it is incomplete; ERR_LIMIT past the limits above, ERR_MALFORMED,
 * ERR_VERSION for anything but HTTP/1.0 and HTTP/1.1. */
int http_request_parse(struct bytes input, struct http_request *request) MUST_CHECK;

/* How much the media type of this version is wanted, in thousandths (RFC 9110, 12.4.2); 0 if an
 * Accept header does not name it, whatever its wildcards. One that names no version takes each.
 * `type` in lower case. */
unsigned http_accept_weight(struct bytes accept, const char *type, const char *version);

/* Does an If-None-Match header name this entity tag, which stands in quotes, or any (RFC 9110,
 * 13.1.2)? Weak ones are the same here. */
bool http_etag_is_listed(struct bytes if_none_match, const char *etag);
