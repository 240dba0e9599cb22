/* Reads replies (RESP2 and RESP3) into a small tree. For clients: the CLI, the demo, the
 * simulator's clients, the bench. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

enum response_kind {
    RESPONSE_SIMPLE,
    RESPONSE_ERROR,
    RESPONSE_INTEGER,
    RESPONSE_BULK,
    RESPONSE_NULL,
    RESPONSE_ARRAY,
    RESPONSE_MAP,
    RESPONSE_SET,
    RESPONSE_PUSH,
    RESPONSE_DOUBLE,
    RESPONSE_BOOLEAN,
    RESPONSE_VERBATIM,
    RESPONSE_BIG_NUMBER
};
enum {
    RESPONSE_DEPTH_MAXIMUM = 32,
    RESPONSE_LINE_MAXIMUM_BYTES = 64 * 1024, /* a simple string, an error, a number */
    RESPONSE_ELEMENT_MAXIMUM = 1 << 28,      /* of one array, map, set or push */
    RESPONSE_BULK_MAXIMUM_BYTES = 1024 * 1024 * 1024
};

struct response {
    enum response_kind kind;
    int64_t integer;           /* integer, boolean */
    double number;             /* double */
    struct bytes text;         /* simple, error, bulk, verbatim: borrows from the input */
    struct response *elements; /* array, set, push; a map has 2 * pairs. Owned */
    size_t element_count;
};

/* 1: one whole reply, *consumed bytes; 0: incomplete; ERR_MALFORMED or ERR_LIMIT. On 1 release it
 * when done.
 * A big number's digits stand in `text`. Attributes ("|") are read over. A null bulk and a null
 * array are RESPONSE_NULL, a bulk error is RESPONSE_ERROR. Nothing is allocated before a reply is
 * there as a whole, so a length that lies costs nothing. */
int response_parse(struct bytes input, struct response *response, size_t *consumed) MUST_CHECK;
void response_release(struct response *response);
/* Whether a whole reply stands at the front: 1, 0 or negative, allocating nothing. For load
 * generators. */
int response_skip(struct bytes input, size_t *consumed) MUST_CHECK;
