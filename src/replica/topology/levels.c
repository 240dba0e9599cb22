/* Which features the control shard may use (cluster/feature.h). Every node says by gossip which
 * level it knows; the control shard's leader raises the topology's level to the lowest of them. So
 * nodes of two releases share the control shard, by the rules of the older one, until the last of
 * them is upgraded. What a node said counts while it is down, too: it may come back as it was. */
#include "replica/topology/levels.h"

#include <stdio.h>
#include <stdlib.h>

#include "member/said_keys.h"
#include "worker/worker.h"

void levels_say(struct worker *worker) {
    char text[16];
    snprintf(text, sizeof text, "%u", (unsigned)worker->config.feature_level_maximum);
    worker_say(worker, GOSSIP_SAYS_LEVEL, text);
}

unsigned levels_of(const struct worker *worker, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    const struct member_view_entry *member = member_view_find(&worker->members, uuid);
    return member ? (unsigned)strtoul(member->level, NULL, 10) : 0;
}

static unsigned known_by_all(const struct worker *worker) {
    unsigned lowest = (unsigned)worker->config.feature_level_maximum;
    for (unsigned i = 0; i < worker->topology->node_count; i++) {
        const struct topology_node *node = &worker->topology->nodes[i];
        unsigned level = node->number == worker->self ? lowest : levels_of(worker, node->uuid);
        lowest = level < lowest ? level : lowest;
    }
    return lowest;
}

void levels_tick(struct worker *worker) {
    unsigned level = known_by_all(worker);
    if (level <= worker->topology->level)
        return;
    char text[16];
    snprintf(text, sizeof text, "%u", level);
    const struct bytes arguments[] = {BYTES_LITERAL("level.raise"), bytes_of_text(text)};
    if (shard_propose(worker->shards[0], arguments, 2, (struct shard_waiter){0}) == 0) {
        log_line(worker->io.log, LOG_INFO, "all nodes know a newer feature level",
                 LOG_F("level", level));
    }
}

int levels_check(const struct worker *worker, const struct topology *topology,
                 struct buffer *problem) {
    unsigned known = (unsigned)worker->config.feature_level_maximum;
    if (topology->level <= known)
        return 0;
    buffer_append_format(problem,
                         "the cluster uses feature level %u, and this node is told to know %u at "
                         "most; raise feature-level-maximum",
                         topology->level, known);
    return ERR_VERSION;
}
