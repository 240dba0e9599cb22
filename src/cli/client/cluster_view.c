#include "cli/client/cluster_view.h"

#include "base/memory.h"
#include "cluster/topology.h"

const struct status *cluster_view_at(const struct cluster_view *view, size_t at) {
    const struct status *told = &view->nodes[at].status;
    bool is_it = strcmp(told->cluster, view->asked.cluster) == 0 &&
                 told->self == view->asked.nodes[at].number;
    return is_it ? told : NULL;
}

/* An old leader that was cut off may still believe in itself; the higher term is right. */
void cluster_view_find_leads(struct cluster_view *view) {
    view->leads = memory_allocate_zeroed(TOPOLOGY_SHARD_MAXIMUM + 1, sizeof *view->leads);
    for (size_t i = 0; i < view->asked.node_count; i++) {
        const struct status *told = cluster_view_at(view, i);
        for (size_t r = 0; told && r < told->replica_count; r++) {
            const struct status_replica *replica = &told->replicas[r];
            if (strcmp(replica->role, "leader") != 0 || replica->shard > TOPOLOGY_SHARD_MAXIMUM)
                continue;
            struct cluster_lead *lead = &view->leads[replica->shard];
            if (!lead->replica || replica->term > lead->replica->term)
                *lead = (struct cluster_lead){told->self, replica};
        }
    }
}

int cluster_view_fetch(struct cluster_view *view, const struct net_address *client, char *problem) {
    *view = (struct cluster_view){0};
    int error = status_fetch(&view->asked, client, CLUSTER_ASK_MS, problem);
    if (error)
        return error;
    view->nodes = memory_allocate_zeroed(view->asked.node_count, sizeof *view->nodes);
    for (size_t i = 0; i < view->asked.node_count; i++) {
        status_node_client(&view->asked.nodes[i], &view->nodes[i].address);
        view->nodes[i].is_doubtful = status_node_is_doubtful(&view->asked.nodes[i]);
    }
    status_fetch_all(view->nodes, view->asked.node_count, CLUSTER_ASK_MS);
    cluster_view_find_leads(view);
    return 0;
}

void cluster_view_release(struct cluster_view *view) {
    for (size_t i = 0; view->nodes && i < view->asked.node_count; i++)
        status_release(&view->nodes[i].status);
    memory_free(view->nodes);
    memory_free(view->leads);
    status_release(&view->asked);
    *view = (struct cluster_view){0};
}

const struct status *cluster_view_of(const struct cluster_view *view, uint32_t node_number) {
    for (size_t i = 0; i < view->asked.node_count; i++)
        if (view->asked.nodes[i].number == node_number)
            return cluster_view_at(view, i);
    return NULL;
}

size_t cluster_view_count_unaware(const struct cluster_view *view) {
    size_t unaware = 0;
    for (size_t i = 0; i < view->asked.node_count; i++) {
        const struct status *told = cluster_view_at(view, i);
        unaware += !told || topology_was_recovery_between(told->epoch, view->asked.epoch);
    }
    return unaware;
}

struct cluster_lead cluster_view_lead(const struct cluster_view *view, uint32_t shard) {
    return shard <= TOPOLOGY_SHARD_MAXIMUM ? view->leads[shard] : (struct cluster_lead){0};
}

const struct status_replica *cluster_view_leader(const struct cluster_view *view, uint32_t shard) {
    return cluster_view_lead(view, shard).replica;
}
