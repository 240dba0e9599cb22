#include "session/commands/cluster_facts.h"

#include "base/check.h"
#include "worker/leaders.h"

uint32_t cluster_leader_of(const struct worker *worker, uint32_t shard) {
    return leaders_believed(worker, shard);
}

bool cluster_led_slots(const struct worker *worker, uint32_t node, struct slot_set *slots) {
    slot_set_clear(slots);
    bool is_leading = false;
    for (unsigned i = 1; i < worker->topology->shard_count; i++) {
        const struct topology_shard *shard = &worker->topology->shards[i];
        if (cluster_leader_of(worker, shard->number) != node)
            continue;
        is_leading = true;
        for (size_t word = 0; word < SLOT_COUNT / 64; word++)
            slots->words[word] |= shard->slots.words[word];
    }
    return is_leading;
}

bool cluster_leads_any(const struct worker *worker, uint32_t node) {
    for (unsigned i = 1; i < worker->topology->shard_count; i++)
        if (cluster_leader_of(worker, worker->topology->shards[i].number) == node)
            return true;
    return false;
}

uint32_t cluster_master_of(const struct worker *worker, uint32_t node) {
    if (!worker->topology || cluster_leads_any(worker, node))
        return 0;
    uint32_t any = 0;
    for (unsigned i = 1; i < worker->topology->shard_count; i++) {
        const struct topology_shard *shard = &worker->topology->shards[i];
        uint32_t leader = cluster_leader_of(worker, shard->number);
        if (leader && topology_shard_has_replica(shard, node))
            return leader;
        any = any ? any : leader;
    }
    return any;
}

uint64_t cluster_epoch_of(const struct worker *worker, uint32_t node) {
    uint64_t epoch = 0;
    for (unsigned i = 1; i < worker->topology->shard_count; i++) {
        const struct shard_leader *leader = &worker->leaders[worker->topology->shards[i].number];
        epoch = leader->node == node && leader->term > epoch ? leader->term : epoch;
    }
    return epoch;
}

const struct member_view_entry *cluster_member_of(const struct worker *worker,
                                                  const struct topology_node *node) {
    return member_view_find(&worker->members, node->uuid);
}

enum node_health cluster_health_of(const struct worker *worker, const struct topology_node *node) {
    const struct member_view_entry *member = cluster_member_of(worker, node);
    if (node->number == worker->self)
        return NODE_IS_WELL;
    if (!member)
        return NODE_IS_UNHEARD;
    switch (member->state) {
    case GOSSIP_ALIVE:
    case GOSSIP_JOINING:
        return NODE_IS_WELL;
    case GOSSIP_SUSPECT:
        return NODE_IS_SUSPECT;
    case GOSSIP_DEAD:
    case GOSSIP_LEFT:
        return NODE_HAS_FAILED;
    }
    UNREACHABLE();
}
