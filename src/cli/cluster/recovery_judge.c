/* Which replicas are to go on, or why nothing can be done. */
#include <stdio.h>

#include "cli/cluster/recovery.h"

/* Says what is where, as far as the nodes that are left know. */
static int has_nothing(const struct recovery *recovery, const struct status_shard *shard) {
    char why[ORDER_SHOWN_BYTES], nodes[8 * TOPOLOGY_REPLICA_MAXIMUM] = "", old[96] = "";
    size_t length = 0;
    uint32_t node;
    for (unsigned i = 0; i < shard->replica_count && length < sizeof nodes - 1; i++)
        length += (size_t)snprintf(nodes + length, sizeof nodes - length, "%s%u", i ? "," : "",
                                   shard->replicas[i]);
    if (recovery_has_old(recovery, shard, &node))
        snprintf(old, sizeof old, "; what node %u has of it lacks what was written since", node);
    snprintf(why, sizeof why,
             "no replica of shard %u is left on the nodes named: by what these know it is on node "
             "%s%s; name one that has it, or restore the cluster from a backup",
             shard->number, nodes, old);
    return order_fail(recovery->order, "nothing was changed:", why);
}

int recovery_judge(struct recovery *recovery) {
    for (size_t i = 0; i < recovery->newest->shard_count; i++) {
        const struct status_shard *shard = &recovery->newest->shards[i];
        uint32_t best;
        switch (recovery_fate(recovery, shard, &best)) {
        case RECOVERY_GOES_ON:
            break;
        case RECOVERY_BEGINS:
            recovery->is_any_lost = true;
            recovery->is_control_lost |= shard->number == 0;
            buffer_append_format(&recovery->choices, "%s%u=%u", recovery->choices.length ? "," : "",
                                 shard->number, best);
            break;
        case RECOVERY_HAS_NOTHING:
            return has_nothing(recovery, shard);
        }
    }
    if (!recovery->is_any_lost) {
        return order_fail(recovery->order, "nothing was changed:",
                          "every shard has a majority on the nodes named; `trothdb cluster "
                          "replace` or `remove` takes the lost ones out, and loses nothing");
    }
    return EXIT_OK;
}
