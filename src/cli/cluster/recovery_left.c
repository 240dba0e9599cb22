/* Who is left of a cluster, by the operator's word, and whether all others are gone. */
#include <stdio.h>

#include "base/memory.h"
#include "cli/cluster/recovery.h"

/* ---- those that are named ---- */

/* How many; 0: something else is named. */
static unsigned read_addresses(char *texts,
                               struct net_address addresses[RECOVERY_SURVIVOR_MAXIMUM]) {
    char ignored[CLIENT_PROBLEM_BYTES];
    unsigned count = 0;
    for (char *word; (word = strsep(&texts, ",")) != NULL; count++)
        if (count == RECOVERY_SURVIVOR_MAXIMUM || client_address(&addresses[count], word, ignored))
            return 0;
    return count;
}

static int ask_who_they_are(struct recovery *recovery, char *problem) {
    unsigned count = recovery->survivor_count;
    struct status_answer *answers = memory_allocate_zeroed(count, sizeof *answers);
    for (unsigned i = 0; i < count; i++)
        answers[i].address = recovery->addresses[i];
    bool is_failed = status_fetch_all(answers, count, CLUSTER_ASK_MS) > 0;
    for (unsigned i = count; i-- > 0;) {
        recovery->survivors[i] = answers[i].status;
        if (answers[i].error)
            memcpy(problem, answers[i].problem, CLIENT_PROBLEM_BYTES);
    }
    memory_free(answers);
    return is_failed ? ERR_IO : 0;
}

static bool is_one_cluster(struct recovery *recovery) {
    recovery->newest = &recovery->survivors[0];
    for (unsigned i = 0; i < recovery->survivor_count; i++) {
        const struct status *status = &recovery->survivors[i];
        if (!status->cluster[0] || strcmp(status->cluster, recovery->survivors[0].cluster) != 0)
            return false;
        if (status->epoch > recovery->newest->epoch)
            recovery->newest = status;
    }
    return true;
}

int recovery_name_survivors(struct recovery *recovery, char *texts) {
    recovery->survivor_count = read_addresses(texts, recovery->addresses);
    if (recovery->survivor_count == 0) {
        return order_fail(recovery->order, "nothing was changed:",
                          "name the nodes that are left as H:P,H:P..., at most 64");
    }
    recovery->order->at = recovery->addresses[0];
    return EXIT_OK;
}

void recovery_release_survivors(struct recovery *recovery) {
    for (unsigned i = 0; i < recovery->survivor_count; i++) {
        status_release(&recovery->survivors[i]);
        voters_release(&recovery->voters[i]);
    }
}

int recovery_ask_survivors(struct recovery *recovery) {
    char problem[CLIENT_PROBLEM_BYTES];
    recovery_release_survivors(recovery);
    if (ask_who_they_are(recovery, problem) ||
        voters_fetch_all(recovery->voters, recovery->addresses, recovery->survivor_count,
                         CLUSTER_ASK_MS, problem))
        return order_fail(recovery->order, "a node that is left cannot be asked:", problem);
    if (!is_one_cluster(recovery)) {
        return order_fail(recovery->order,
                          "nothing was changed:", "the nodes named are not all of one cluster");
    }
    return EXIT_OK;
}

/* ---- all others ---- */

/* Whoever lives at the address of a node that is not named, and does not say who it is, may be that
 * node: one that wants another password, or stands still. `why` says what speaks against giving it
 * up. */
static bool may_live(const struct status_node *node, const struct status_answer *answer,
                     char why[CLIENT_PROBLEM_BYTES]) {
    bool is_stranger = strstr(answer->problem, "unknown command") != NULL;
    if (answer->error == 0) {
        snprintf(why, CLIENT_PROBLEM_BYTES,
                 "node %u at %s:%u is not named and answers; name it too, or make sure that it "
                 "never comes back: stop it and remove its directory",
                 node->number, node->address.host, node->address.client_port);
        return strcmp(answer->status.id, node->id) == 0;
    }
    snprintf(why, CLIENT_PROBLEM_BYTES,
             "node %u is not named, and somebody listens at its address: %.120s; end what runs "
             "there first",
             node->number, answer->problem);
    return answer->error == ERR_IO ? answer->is_silent : !is_stranger;
}

/* The nodes that are not named, and their addresses. */
static size_t list_others(const struct recovery *recovery, const struct status_node **others,
                          struct status_answer *answers) {
    size_t count = 0;
    for (size_t i = 0; i < recovery->newest->node_count; i++) {
        const struct status_node *node = &recovery->newest->nodes[i];
        if (recovery_survivor(recovery, node->number))
            continue;
        status_node_client(node, &answers[count].address);
        others[count++] = node;
    }
    return count;
}

static int give_up(struct recovery *recovery, const struct status_node *const *others,
                   const struct status_answer *answers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char why[CLIENT_PROBLEM_BYTES];
        if (may_live(others[i], &answers[i], why))
            return order_fail(recovery->order, "nothing was changed:", why);
        buffer_append_format(&recovery->lost, "%s%u", recovery->lost.length ? "," : "",
                             others[i]->number);
    }
    return EXIT_OK;
}

int recovery_list_lost(struct recovery *recovery) {
    size_t most = recovery->newest->node_count;
    const struct status_node **others = memory_allocate_zeroed(most, sizeof *others);
    struct status_answer *answers = memory_allocate_zeroed(most, sizeof *answers);
    size_t count = list_others(recovery, others, answers);
    status_fetch_all(answers, count, CLUSTER_ASK_MS);
    int exit_code = give_up(recovery, others, answers, count);
    for (size_t i = 0; i < count; i++)
        status_release(&answers[i].status);
    memory_free(answers);
    memory_free(others);
    if (exit_code == EXIT_OK && count == 0) {
        return order_fail(recovery->order, "nothing was changed:",
                          "every node of the cluster is named: none is lost");
    }
    return exit_code;
}
