#include "cli/client/cluster_found.h"

#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/text/hex.h"
#include "cli/client/cluster_ask.h"
#include "cli/client/cluster_view.h"
#include "cli/client/survey.h"

enum { STARTING_PAUSE_US = 50 * 1000 };

static void say(struct buffer *problem, const struct net_address *client, const char *what) {
    char text[STATUS_ADDRESS_BYTES];
    net_address_format(client, text);
    buffer_append_format(problem, "%s%s %s", problem->length ? "\n" : "", text, what);
}

/* The client's own words, which name the node. */
static void repeat(struct buffer *problem, const char *what) {
    buffer_append_format(problem, "%s%s", problem->length ? "\n" : "", what);
}

/* ---- asking, before anything is changed ---- */

static void check_spare(const struct status *status, const struct net_address *client,
                        struct topology_node *node, struct buffer *problem) {
    if (status->cluster[0]) {
        char text[128];
        snprintf(text, sizeof text, "belongs to cluster %s already; only a spare can be taken",
                 status->cluster);
        say(problem, client, text);
    } else if (!hex_read(bytes_of(status->id, STATUS_UUID_DIGITS), sizeof node->uuid, node->uuid) ||
               !status_own_address(status, &node->address)) {
        say(problem, client, "does not say yet where it listens; try again in a moment");
    }
}

/* A node that was started a moment ago does not listen yet, or has yet to learn where from its own
 * gossip: within milliseconds, as a rule; on a machine that is overloaded it may take seconds. */
static bool is_still_starting(const struct status_answer *answer) {
    struct topology_address address;
    bool is_spare = !answer->error && !answer->status.cluster[0];
    return answer->error == ERR_IO || (is_spare && !status_own_address(&answer->status, &address));
}

/* It answers, and no waiting will change that. */
static bool is_refused(const struct status_answer *answer) {
    return answer->error ? answer->error != ERR_IO : answer->status.cluster[0] != 0;
}

static void release_answers(struct status_answer *answers, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        status_release(&answers[i].status);
}

/* How many are waited for, and the first of them; 0: they would be waited for in vain. */
static unsigned count_awaited(const struct status_answer *answers, unsigned count,
                              unsigned *first) {
    unsigned awaited = 0;
    for (unsigned i = count; i > 0; i--) {
        if (is_refused(&answers[i - 1]))
            return 0;
        if (is_still_starting(&answers[i - 1])) {
            *first = i - 1;
            awaited++;
        }
    }
    return awaited;
}

static void ask_until_started(const struct founding *founding, struct status_answer *answers) {
    for (uint64_t limit_ms = client_now_ms() + founding->wait_ms;;) {
        unsigned first = 0;
        status_fetch_all(answers, founding->node_count, CLUSTER_ASK_MS);
        unsigned awaited = count_awaited(answers, founding->node_count, &first);
        if (awaited == 0 || client_now_ms() >= limit_ms)
            return;
        if (founding->waits)
            founding->waits(founding->context, awaited, &founding->clients[first]);
        release_answers(answers, founding->node_count);
        usleep(STARTING_PAUSE_US);
    }
}

static void check_distinct(const struct founding *founding, const struct topology_node *nodes,
                           struct buffer *problem) {
    for (unsigned i = 0; i < founding->node_count; i++) {
        for (unsigned earlier = 0; earlier < i; earlier++) {
            if (memcmp(nodes[i].uuid, nodes[earlier].uuid, sizeof nodes[i].uuid) == 0) {
                say(problem, &founding->clients[i], "is named twice");
                break;
            }
        }
    }
}

static struct topology_node *ask_nodes(const struct founding *founding, struct buffer *problem) {
    unsigned count = founding->node_count;
    struct topology_node *nodes = memory_allocate_zeroed(count, sizeof(struct topology_node));
    struct status_answer *answers = memory_allocate_zeroed(count, sizeof *answers);
    for (unsigned i = 0; i < count; i++)
        answers[i].address = founding->clients[i];
    ask_until_started(founding, answers);
    for (unsigned i = 0; i < count; i++)
        if (answers[i].error)
            repeat(problem, answers[i].problem);
        else
            check_spare(&answers[i].status, &founding->clients[i], &nodes[i], problem);
    if (problem->length == 0)
        check_distinct(founding, nodes, problem);
    release_answers(answers, count);
    memory_free(answers);
    return nodes;
}

/* ---- telling ---- */

static int tell_node(const struct net_address *address, struct bytes topology, char *problem) {
    struct bytes arguments[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("FOUND"), topology};
    return cluster_tell(address, arguments, 3, problem);
}

/* The first node that takes the topology has founded the cluster: gossip and the peers tell it to
 * those after it, whatever becomes of us. A first one whose answer was lost may have taken it too,
 * so only a refusal is sure to have changed nothing; the next node is tried with the same topology
 * then, never with another one. */
static int tell_nodes(const struct founding *founding, struct bytes topology,
                      struct buffer *problem) {
    unsigned taken = 0;
    for (unsigned i = 0; i < founding->node_count; i++) {
        char text[CLIENT_PROBLEM_BYTES];
        int error = tell_node(&founding->clients[i], topology, text);
        if (error)
            repeat(problem, text);
        if (error == ERR_REFUSED && taken == 0)
            return error;
        taken += !error;
    }
    return taken ? 0 : ERR_IO;
}

int cluster_found(const struct founding *founding, char cluster[STATUS_CLUSTER_BYTES],
                  struct buffer *problem) {
    struct topology_node *nodes = ask_nodes(founding, problem);
    if (problem->length) {
        memory_free(nodes);
        return ERR_REFUSED;
    }
    uint8_t id[16];
    CHECK(getrandom(id, sizeof id, 0) == (ssize_t)sizeof id);
    hex_write(id, sizeof id, cluster);
    struct topology *topology = topology_found(id, nodes, founding->node_count,
                                               founding->shard_count, founding->replica_count);
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, &encoded);
    int error = tell_nodes(founding, buffer_bytes(&encoded), problem);
    buffer_release(&encoded);
    topology_free(topology);
    memory_free(nodes);
    return error;
}

/* ---- waiting ---- */

static bool says_ok(const struct survey_answer *answer) {
    const struct bytes text = answer->reply.text, sought = BYTES_LITERAL("cluster_state:ok");
    return !answer->error && text.length &&
           memmem(text.data, text.length, sought.data, sought.length) != NULL;
}

/* A node believes in a leader as soon as it voted for it; here the leader has to say so itself. */
static bool knows_leaders(const struct cluster_view *view, const struct status *node) {
    for (size_t i = 0; node && i < node->replica_count; i++) {
        const struct status_replica *replica = &node->replicas[i];
        const struct status_replica *leader = cluster_view_leader(view, replica->shard);
        if (!leader || leader->applied_index == 0 || replica->leader != leader->leader)
            return false;
    }
    return node != NULL;
}

unsigned cluster_count_ready(const struct net_address *client) {
    struct cluster_view view;
    char ignored[CLIENT_PROBLEM_BYTES];
    unsigned ready = 0;
    if (cluster_view_fetch(&view, client, ignored))
        return 0;
    const struct bytes words[] = {BYTES_LITERAL("CLUSTER"), BYTES_LITERAL("INFO")};
    struct survey_answer *answers = status_survey(&view.asked, words, 2, CLUSTER_ASK_MS);
    for (size_t i = 0; i < view.asked.node_count; i++) {
        const struct status *node = cluster_view_of(&view, view.asked.nodes[i].number);
        ready += knows_leaders(&view, node) && says_ok(&answers[i]);
    }
    survey_release(answers, view.asked.node_count);
    memory_free(answers);
    cluster_view_release(&view);
    return ready;
}
