/* What `trothdb members` and `trothdb gossip` share: a connection in RESP3 to a node or an agent,
 * its answers as JSON, and what changes as lines. */
#pragma once
#include "base/exit_code.h"
#include "base/text/json.h"
#include "cli/client/client.h"

enum { GOSSIP_OUTPUT_BYTES = 64 << 20 };

struct gossip_client {
    struct client client;
    bool is_json;
    const char *command; /* "members" or "gossip": in whose name errors are told */
};

/* Connects and says HELLO 3. The exit code; if it is not 0 the problem is told, and nothing is to
 * be closed. */
int gossip_client_open(struct gossip_client *asking, const char *at) MUST_CHECK;
void gossip_client_close(struct gossip_client *asking);
/* Tells what is wrong: a line on stderr, or {"error":...} on stdout. Returns `exit_code`. */
int gossip_client_fail(const struct gossip_client *asking, int exit_code, const char *problem);
/* One command. EXIT_OK, or the problem is told. */
int gossip_client_call(struct gossip_client *asking, const struct bytes *words, size_t count,
                       struct response *reply) MUST_CHECK;

/* The value of a name in a map; NULL: it has none. */
const struct response *response_field(const struct response *map, const char *name);
struct bytes response_field_text(const struct response *map, const char *name);
int64_t response_field_number(const struct response *map, const char *name);
/* Any reply as JSON; `name` is NULL but inside an object. */
void response_json(const struct response *reply, const char *name, struct json *json);

/* Prints the reply to a question; may reorder it. */
typedef void gossip_client_print(const struct gossip_client *asking, struct response *reply);
/* GOSSIP WATCH: prints every change as a line, or as a line of JSON, until the connection ends,
 * which is an error. With a question (`count` words, `print`; or none: 0, NULL) its answer comes
 * first. It is asked when the watch has begun, so that no change falls between the two; a change
 * that the answer knows already may follow it once more. */
int gossip_client_watch(struct gossip_client *asking, const struct bytes *words, size_t count,
                        gossip_client_print *print);
