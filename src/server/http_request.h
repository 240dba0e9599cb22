/* The head of an HTTP/1.1 request, read from the front of what has come (RFC 9112). Only what an
 * admin port needs: requests without a body. */
#pragma once
#include "base/bytes.h"
#include "base/error.h"

enum { HTTP_HEAD_MAXIMUM_BYTES = 8192, HTTP_HEADER_MAXIMUM = 64 };

struct http_request {
    struct bytes method, path, query; /* borrow from the input; the query without its '?' */
    bool keeps_alive;
    bool has_body;
};

/* The length of the head, 0 while it is incomplete; ERR_LIMIT past the limits above, ERR_MALFORMED,
 * ERR_VERSION for anything but HTTP/1.0 and HTTP/1.1. */
int http_request_parse(struct bytes input, struct http_request *request) MUST_CHECK;
