/* The bare bound: what a write costs on this machine in a plain design, and nothing else. A leader
 * (an event loop and a log's thread) and two followers, processes of their own, each with a
 * preallocated log and fdatasync; appends go out in the turn that wakes the log's thread, any
 * number in flight; committed is what a majority has durably; a hash table. No elections, no
 * recovery, no checks: it shows what share of that TrothDB reaches.
 *
 *   clients --SET--> leader --the same bytes--> followers --offset that is durable--> leader
 *                      |                                                               ^ |
 *                      +--> its log's thread --offset that is durable------------------+ +OK-->
 *
 * Positions are byte offsets into the stream of all SETs. */
#pragma once
#include "base/buffer.h"
#include "wire/request.h"

enum {
    BOUND_FOLLOWERS = 2,
    BOUND_CLIENT_MAXIMUM = 1024,
    BOUND_READ_BYTES = 256 << 10,
    BOUND_PLACES = 1 << 19,
    BOUND_KEY_BYTES = 48,
    BOUND_LOG_BYTES = 256 << 20 /* then from the start again */
};
#define BOUND_BUFFER_MAXIMUM ((size_t)1 << 30)

struct bound_log {
    int file;
    uint64_t offset; /* everything before it is durable */
};
/* Makes and fills the file with zeros. Ends the process on any error, as all here does. */
void bound_log_open(struct bound_log *log, const char *directory, const char *name);
void bound_log_write(struct bound_log *log, struct bytes bytes);

struct bound_data {
    uint32_t key_bytes, value_bytes; /* 0: a free place */
    uint8_t key[BOUND_KEY_BYTES];
    uint8_t *value;
};
struct bound_data *bound_data_new(void);
/* Where the key stands, or would stand. */
struct bound_data *bound_data_at(struct bound_data *data, struct bytes key);
void bound_data_set(struct bound_data *data, struct bytes key, struct bytes value);
/* Applies the whole SETs at the front of `stream` and consumes them. */
void bound_data_apply(struct bound_data *data, struct request_parser *parser,
                      struct buffer *stream);

extern const struct request_limits bound_limits;
_Noreturn void bound_fail(const char *what);
int bound_listen(uint16_t port);
int bound_connect(uint16_t port);
void bound_read(int connection,
                struct buffer *into); /* what is there; ends the process at the end */
void bound_write(int connection, struct bytes bytes); /* all of it */

/* Listens once all logs are there. */
_Noreturn void bound_leader_run(uint16_t port, const int followers[BOUND_FOLLOWERS],
                                const char *directory);
