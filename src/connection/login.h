/* How a connection begins, the same on nodes and agents: AUTH and HELLO. There is one user, called
 * "default"; without a password nobody has to log in. Words and shapes are Redis 7.0's. */
#pragma once
#include "wire/reply.h"

enum {
    LOGIN_NAME_MAXIMUM = 256, /* of a connection, with its NUL */
    /* Replies that a connection may leave unread before it has logged in; past it it is closed.
     * Refusals are longer than what they refuse, and cost a stranger nothing (CVE-2025-21605). */
    LOGIN_UNREAD_BYTES_MAXIMUM = 64 << 10
};

/* A connection's name as Redis allows it; else writes the error. */
bool login_name_is_valid(struct bytes name, struct reply *reply);
/* AUTH: writes the reply. True: the connection is logged in. */
bool login_auth(const char *password, const struct bytes *arguments, size_t count,
                struct reply *reply);

struct hello {
    int64_t protocol;   /* 0: as it is */
    bool has_logged_in; /* by it, now */
    bool has_name;
    struct bytes name; /* borrowed from the arguments */
};

/* Does what HELLO says, for a connection that was logged in before or not. False: the error is
 * written, and the protocol stays; but a login and a name stand that were said in front of what is
 * wrong, as in Redis: its options take effect one by one. */
bool hello_read(struct hello *hello, const char *password, bool is_authenticated,
                const struct bytes *arguments, size_t count, struct reply *reply);

struct hello_facts {
    uint64_t id;             /* the connection's */
    const char *mode, *role; /* "cluster" or "standalone"; "master" or "replica" */
};
void hello_reply(const struct hello_facts *facts, struct reply *reply);
