/* The commands of data: command.def has one row a command; a family's functions stand in one file.
 * Pure: a function sees the keyspace, the time and the seed that come with the entry, its
 * arguments, and a reply to fill, so every replica that applies the same entry does the same.
 * Commands of a connection or of the server (COMMAND_SESSION) have a row here, so that COMMAND
 * knows them, and their function in node/. */
#pragma once
#include "command/comparison.h"
#include "keyspace/keyspace.h"
#include "wire/reply.h"

enum command_flag {
    COMMAND_WRITE = 1 << 0,
    COMMAND_READONLY = 1 << 1,
    COMMAND_DENYOOM = 1 << 2,
    COMMAND_ADMIN = 1 << 3,
    COMMAND_FAST = 1 << 4,
    COMMAND_NOSCRIPT = 1 << 5,
    COMMAND_LOADING = 1 << 6,
    COMMAND_STALE = 1 << 7,
    COMMAND_NO_AUTH = 1 << 8,
    COMMAND_SESSION = 1 << 9,      /* run by node/, not by a shard */
    COMMAND_EVERY_SHARD = 1 << 10, /* no keys: run on every shard this node leads, answers combined
                                      (DBSIZE KEYS SCAN FLUSHALL RANDOMKEY) */
    COMMAND_INTERNAL = 1 << 11,    /* never accepted from a client (the shard's own expiry) */
    COMMAND_PUBSUB = 1 << 12,
    COMMAND_MOVABLE_KEYS = 1 << 13,
    COMMAND_ALLOW_BUSY = 1 << 14
};

/* What commands met, for statistics: keys that reads found and did not find, keys deleted because
 * their time had come. */
struct command_use {
    uint64_t hits, misses, expired;
};

struct command_context {
    struct keyspace *keyspace;
    uint64_t applied_ms; /* the shard's time: the stamp of the last applied entry */
    uint64_t now_ms;     /* a write: the entry's stamp (then applied_ms == now_ms). A read on the
                            leader: the later of applied_ms and the leader's clock */
    uint64_t seed;       /* all randomness of this command comes from here */
    const struct bytes *arguments; /* arguments[0] is the command's name */
    size_t argument_count;
    struct reply *reply;
    /* Reads only: keys found past their time by now_ms but not by applied_ms are appended here,
     * length-prefixed, and the reply is void: the shard has the deletions committed and runs the
     * read again, until none are appended. A run appends some 64 KiB, or one long key, at most.
     * NULL for writes. */
    struct buffer *expired_keys;
    struct command_use *use;         /* counted into; NULL: nobody counts */
    struct comparisons *comparisons; /* of this keyspace with other replicas'; NULL: it has none */
};

struct command {
    const char *name; /* lower case; a subcommand: "object|encoding" */
    int arity;        /* as Redis: negative is "at least" */
    unsigned flags;
    int first_key, last_key, key_step;
    const char *group, *since, *acl_categories, *tips,
        *key_specs; /* lists in one string: see command.def */
    const char *complexity, *summary, *arguments;
    void (*run)(struct command_context *context); /* NULL for COMMAND_SESSION and for containers */
};

/* By name, any case; with a container's subcommand when `subcommand` is not empty and such a row
 * exists. NULL if unknown. */
const struct command *command_find(struct bytes name, struct bytes subcommand);
const struct command *command_at(size_t position); /* all rows in order; NULL past the end */
bool command_is_container(const struct command *command);
/* For requests of clients: commands with COMMAND_INTERNAL are unknown here, though command_find
 * knows them. Redis's words for an unknown command or a wrong count, or 0: writes the error to
 * reply and returns negative. *command is the row to run (the subcommand's where there is one), and
 * when the count is wrong as well; it is left alone where the name is unknown. */
int command_check(const struct bytes *arguments, size_t count, const struct command **command,
                  struct reply *reply);
/* Positions of the keys among the arguments; returns the count (at most `maximum` are stored). */
size_t command_keys(const struct command *command, size_t argument_count, size_t *positions,
                    size_t maximum);
