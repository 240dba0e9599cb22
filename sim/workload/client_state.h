/* A client as it stands: what it asked last, whom it asked, and of whom it believes that it leads a
 * place. Of this folder alone. */
#pragma once
#include "sim/history/operation.h"
#include "sim/life/connection.h"
#include "sim/workload/workload.h"

enum {
    CLIENT_PIPELINE_MAXIMUM = 6,
    CLIENT_ECHO_MAXIMUM = 24,
    CLIENT_ECHO_LEAST_BYTES = 1000,
    CLIENT_ECHO_MOST_BYTES = 6000,
    CLIENT_BESIDE_MAXIMUM = 5 /* in a request, beside operations: ballast, modes, a wait, a flush */
};

enum asked_kind {
    ASKED_OPERATION,
    ASKED_BALLAST, /* a large write that only fills the logs; in no history */
    ASKED_MODE,    /* may a follower answer what comes next, need the disk? In no history either */
    ASKED_WAIT,    /* until what was written before is on other nodes; nor that */
    ASKED_ECHO,    /* a long answer, known before, for a client that does not read */
    ASKED_FLUSH    /* FLUSHALL: an operation on each place, numbered from the first on */
};

/* Who says whether the answers of a request wait for the disk. */
enum said_by { SAID_BY_NODE, SAID_BY_COMMAND, SAID_BY_CONNECTION };

struct asked {
    enum asked_kind kind;
    struct operation operation;
    uint64_t number;   /* in the history; of an echo */
    size_t echo_bytes; /* that it says */
};

struct client {
    struct simulation *simulation;
    unsigned number;
    bool is_stopped;
    uint64_t done_count;
    uint64_t round; /* raised with every request: time-outs of earlier ones are void */
    struct asked asked[CLIENT_PIPELINE_MAXIMUM + CLIENT_BESIDE_MAXIMUM + CLIENT_ECHO_MAXIMUM];
    unsigned asked_count, answered_count;
    unsigned node; /* whom it asked */
    bool is_slow;  /* to read what it asked last */
    uint64_t echo_count;
    enum said_by said_by;
    bool is_connection_async; /* SAID_BY_CONNECTION */
    bool is_reading;          /* client_read_until_answered() */
    struct operation reading;
    unsigned guess[WORKLOAD_PLACE_COUNT]; /* place -> the node to ask */
    struct connection connections[SIM_NODE_MAXIMUM];
};

/* place -> the node to ask of it */
static inline unsigned *client_guess(struct client *client, const struct operation *operation) {
    return &client->guess[workload_place(operation)];
}
