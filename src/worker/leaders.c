/* Which node leads each shard, as believed here: what the replicas of this node know, and of the
 * others what gossip hints at. A stale belief costs a redirect: the shard itself decides. */
#include "worker/leaders.h"

#include <stdio.h>

#include "worker/observe.h"
#include "worker/worker.h"

void leaders_set(struct worker *worker, uint32_t shard, uint32_t node, uint64_t term) {
    struct shard_leader *leader = &worker->leaders[shard];
    uint64_t lost_us = leader->node ? worker_now_us(worker) : leader->lost_us;
    *leader = (struct shard_leader){.node = node, .term = term, .lost_us = node ? 0 : lost_us};
}

static void leader_heard(struct worker *worker, uint32_t shard, uint32_t node, uint64_t term) {
    const struct shard_leader *leader = &worker->leaders[shard];
    if (term > leader->term || (term == leader->term && node != 0))
        leaders_set(worker, shard, node, term);
}

void leaders_hear_hints(struct worker *worker, const struct member_view_entry *member,
                        uint32_t node) {
    unsigned shard;
    unsigned long long term;
    int used;
    for (const char *at = member->leads; sscanf(at, "%u:%llu%n", &shard, &term, &used) == 2;) {
        /* What a replica here knows is firmer than any hint. */
        if (shard < WORKER_SHARD_MAXIMUM && !worker->shards[shard] && member->state != GOSSIP_DEAD)
            leader_heard(worker, shard, node, term);
        at += used;
        at += *at == ',';
    }
}

bool leaders_is_here(const struct worker *worker, uint32_t shard) {
    return worker->leaders[shard].node == worker->self && worker->self != 0;
}

static bool is_alive(const struct worker *worker, uint32_t number) {
    const struct topology_node *node = topology_node(worker->topology, number);
    const struct member_view_entry *member =
        node ? member_view_find(&worker->members, node->uuid) : NULL;
    return member && member->state != GOSSIP_DEAD && member->state != GOSSIP_LEFT;
}

/* What replicas here know is firm. Of other shards hints tell, for as many as a node has room for,
 * and the last one may be of a node that died since. */
uint32_t leaders_believed(const struct worker *worker, uint32_t shard) {
    const struct topology_shard *placed =
        worker->topology ? topology_shard(worker->topology, shard) : NULL;
    if (!placed)
        return 0;
    uint32_t known = worker->leaders[shard].node;
    bool is_firm = worker->shards[shard] || topology_shard_has_replica(placed, worker->self);
    if (is_firm || is_alive(worker, known))
        return known;
    for (unsigned i = 0; i < placed->replica_count; i++)
        if (is_alive(worker, placed->replicas[i]))
            return placed->replicas[i];
    return known;
}

/* Most elections are over in a few milliseconds, and every one in which the lead was given away; a
 * client that is told CLUSTERDOWN waits for longer, or gives up. */
bool leaders_are_being_elected(const struct worker *worker, uint32_t shard) {
    const struct shard_leader *leader = &worker->leaders[shard];
    return leader->node == 0 && leader->lost_us != 0 &&
           worker->turn_us < leader->lost_us + LEADERLESS_HOLD_US;
}

/* ---- away ---- */

static void net_address_of_node(const struct topology_node *node, struct net_address *client) {
    snprintf(client->host, sizeof client->host, "%s", node->address.host);
    client->port = node->address.client_port;
}

void leaders_redirect(struct worker *worker, uint32_t shard, slot_number slot,
                      struct reply *reply) {
    uint32_t leader = leaders_believed(worker, shard);
    const struct topology_node *node =
        leader && leader != worker->self ? topology_node(worker->topology, leader) : NULL;
    observe_redirect(worker, node ? "moved" : "clusterdown");
    if (!node) {
        reply_error(reply, "CLUSTERDOWN Hash slot not served");
        return;
    }
    struct net_address address;
    net_address_of_node(node, &address);
    reply_error_format(reply, "MOVED %u %s:%u", slot, address.host, address.port);
}
