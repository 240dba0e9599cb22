#include "cli/client/cluster_ask.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/client/cluster_view.h"

/* An election is over long before; where no majority is left, somebody waits for an answer. */
enum { ASK_MS = 15 * 1000, ASK_POLL_MS = 200 };

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
    if (!error) {
        error = client_call(&client, arguments, count, &reply);
        bool is_unknown = error == ERR_IO || (error && strstr(client.problem, "UNKNOWN") != NULL);
        error = is_unknown ? ERR_UNKNOWN : error;
    }
    if (error)
        memcpy(problem, client.problem, CLIENT_PROBLEM_BYTES);
    else
        response_release(&reply);
    client_close(&client);
    return error;
}

/* What a leader without a majority has taken in is done once nodes come back that lead on from its
 * log, and who asked must not believe that it never will. */
static int note_unknown(char *problem) {
    size_t length = strlen(problem);
    snprintf(problem + length, CLIENT_PROBLEM_BYTES - length,
             "; it was taken in, and may be done yet when nodes come back");
    return ERR_UNKNOWN;
}

/* The leader may change meanwhile. */
int cluster_ask_control(const struct net_address *at, const struct bytes *arguments, size_t count,
                        char *problem) {
    bool is_unknown = false;
    for (uint64_t deadline_ms = client_now_ms() + ASK_MS;;) {
        struct net_address leader;
        int error = find_control(at, &leader, problem);
        if (!error)
            error = cluster_tell(&leader, arguments, count, problem);
        is_unknown |= error == ERR_UNKNOWN;
        bool is_final = error == ERR_REFUSED && strstr(problem, "MOVED ") == NULL &&
                        strstr(problem, "CLUSTERDOWN") == NULL &&
                        strstr(problem, "TRYAGAIN") == NULL;
        if (error == 0 || is_final || client_now_ms() >= deadline_ms)
            return error && is_unknown ? note_unknown(problem) : error;
        usleep(ASK_POLL_MS * 1000);
    }
}
