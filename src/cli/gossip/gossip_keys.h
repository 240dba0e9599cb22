/* `trothdb gossip keys`: the cluster keys of all members. */
#pragma once
#include "cli/gossip/gossip_client.h"

struct keys_request {
    const char *at;
    const char *cluster_key_file; /* the key in use, with which a new one travels; "": none */
    const char *cluster_name;     /* "": none */
    bool is_json, is_partial;
};

/* `operands` behind `keys`. The exit code; what is wrong is told. */
int gossip_keys_run(const struct keys_request *request, char **operands, int count);
