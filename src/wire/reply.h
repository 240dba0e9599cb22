/* Writes replies of the Redis protocol, RESP2 or RESP3 by `protocol`. With out == NULL everything
 * is discarded at once: followers apply commands and answer nobody. In RESP2 a map is an array of
 * twice the length, a set an array, a null a null bulk, a verbatim string a bulk. */
#pragma once
#include "base/buffer.h"

struct reply {
    struct buffer *out; /* borrows; NULL: discard */
    int protocol;       /* 2 or 3 */
};

void reply_simple(struct reply *reply, const char *text); /* +OK */
void reply_ok(struct reply *reply);
/* The lines of a HELP, which ends in the lines about HELP itself: each a status, as in Redis. */
void reply_help(struct reply *reply, const char *const *lines, size_t count);
/* "-" + text; the text begins with the code, as in "ERR syntax error". Line ends inside become
 * spaces. */
void reply_error(struct reply *reply, const char *text);
void reply_error_format(struct reply *reply, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool reply_is_error(struct bytes encoded); /* of one whole reply */
void reply_integer(struct reply *reply, int64_t value);
void reply_bulk(struct reply *reply, struct bytes bytes);
/* The head and the end of a bulk of so many bytes: returns the room for these, which the caller
 * fills at once. NULL: there is none to be filled. */
uint8_t *reply_bulk_room(struct reply *reply, size_t length);
void reply_bulk_text(struct reply *reply, const char *text);
void reply_bulk_integer(struct reply *reply, int64_t value); /* the digits as a bulk string */
void reply_null(struct reply *reply);                        /* $-1 or _ */
void reply_array(struct reply *reply, size_t count);
void reply_map(struct reply *reply, size_t pair_count);
void reply_set(struct reply *reply, size_t count);
void reply_push(struct reply *reply, size_t count);          /* RESP2: an array */
void reply_verbatim(struct reply *reply, struct bytes text); /* plain text, for people */

/* Errors that several places share, with Redis 7.0's exact words. */
#define REPLY_WRONG_TYPE  "WRONGTYPE Operation against a key holding the wrong kind of value"
#define REPLY_SYNTAX      "ERR syntax error"
#define REPLY_NOT_INTEGER "ERR value is not an integer or out of range"
#define REPLY_NOT_FLOAT   "ERR value is not a valid float"
#define REPLY_NO_SUCH_KEY "ERR no such key"
