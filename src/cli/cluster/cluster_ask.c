/* Asking the control shard, whichever node leads it. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cluster/cluster.h"

enum { ASK_TRIES = 50, ASK_POLL_MS = 200 };

static int find_control(const struct net_address *at, struct net_address *leader, char *problem) {
    struct cluster_view view;
    if (cluster_view_fetch(&view, at, problem))
        return ERR_IO;
    const struct status_replica *control = cluster_view_leader(&view, 0);
    const struct status_node *node = control ? status_node(&view.asked, control->leader) : NULL;
    if (node)
        status_node_client(node, leader);
    else
        snprintf(problem, CLIENT_PROBLEM_BYTES, "the control shard has no leader");
    cluster_view_release(&view);
    return node ? 0 : ERR_IO;
}

int cluster_tell(const struct net_address *address, const struct bytes *arguments, size_t count,
                 char *problem) {
    struct client client;
    struct response reply;
    int error = client_open(&client, address, CLUSTER_ASK_MS);
    if (!error)
        error = client_call(&client, arguments, count, &reply);
    if (error)
        memcpy(problem, client.problem, CLIENT_PROBLEM_BYTES);
    else
        response_release(&reply);
    client_close(&client);
    return error;
}

/* The leader may change meanwhile. */
int cluster_ask_control(const struct net_address *at, const struct bytes *arguments, size_t count,
                        char *problem) {
    int error = ERR_IO;
    for (unsigned i = 0; error && i < ASK_TRIES; i++) {
        struct net_address leader;
        error = find_control(at, &leader, problem);
        if (!error)
            error = cluster_tell(&leader, arguments, count, problem);
        bool is_final = error == ERR_REFUSED && strstr(problem, "MOVED ") == NULL &&
                        strstr(problem, "CLUSTERDOWN") == NULL &&
                        strstr(problem, "UNKNOWN") == NULL && strstr(problem, "TRYAGAIN") == NULL;
        if (is_final)
            return error;
        if (error)
            usleep(ASK_POLL_MS * 1000);
    }
    return error;
}
