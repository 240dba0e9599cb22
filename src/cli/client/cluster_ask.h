/* Having nodes of a cluster do something. */
#pragma once
#include "cli/client/client.h"

/* Has one node run a command; a refusal's words are the problem. ERR_REFUSED, ERR_IO, ERR_UNKNOWN
 * (it was sent, and nothing certain came back) with `problem` (CLIENT_PROBLEM_BYTES). */
int cluster_tell(const struct net_address *address, const struct bytes *arguments, size_t count,
                 char *problem) MUST_CHECK;
/* Has the leader of the control shard run a command, which must be one that may be said twice. `at`
 * is any node. ERR_REFUSED, ERR_IO: it is not done; ERR_UNKNOWN: it may be done already, or yet,
 * when nodes come back; with `problem` (CLIENT_PROBLEM_BYTES). */
int cluster_ask_control(const struct net_address *at, const struct bytes *arguments, size_t count,
                        char *problem) MUST_CHECK;
