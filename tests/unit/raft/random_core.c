/* A majority gets on by itself. Once the faults stop for all but one node, which nobody needs, the
 * others commit: whether that node is down, cut off, or heard by those that it does not hear. Where
 * everything heals, a replica that keeps the others from it is hidden by the one that came back. */
#include "random_world.h"

#include "raft/state/state.h"

enum absence { ABSENT_DOWN, ABSENT_CUT_OFF, ABSENT_DEAF, ABSENT_MUTE, ABSENCE_COUNT };
enum { ROUNDS_MAXIMUM = 800, ROUND_US = 10000 };

static bool is_majority(uint8_t count, const raft_node_number *voters, raft_node_number absent) {
    unsigned left = 0;
    for (unsigned i = 0; i < count; i++)
        left += voters[i] != absent;
    return count == 0 || left * 2 > count;
}

static bool may_do_without(const struct raft_configuration *members, raft_node_number absent) {
    return is_majority(members->voter_count, members->voters, absent) &&
           is_majority(members->old_voter_count, members->old_voters, absent);
}

/* By a configuration that it knows, and may bring the others to, or that it was asked for. */
static bool needs(const struct raft *raft, raft_node_number absent) {
    const struct raft_configuration_marks *marks = &raft->configurations;
    for (size_t i = 0; i < marks->count; i++)
        if (!may_do_without(&marks->marks[i].configuration, absent))
            return true;
    return !may_do_without(&raft->wanted, absent) ||
           raft_is_below_floor(raft); /* it may have to wait for what only that one has */
}

static bool is_needed(const struct world *world, raft_node_number absent) {
    for (size_t i = 0; i < world->cluster->node_count; i++)
        if (needs(world->cluster->nodes[i].raft, absent))
            return true;
    return false;
}

static void take_away(struct world *world, raft_node_number absent, enum absence absence) {
    while (world->cluster->packets.count > 0) /* of configurations that nobody knows any more */
        cluster_packet_drop(world->cluster, 0);
    if (absence == ABSENT_DOWN)
        event_crash(world, cluster_node(world->cluster, absent));
    for (raft_node_number i = 1; i <= world->cluster->node_count; i++) {
        world->is_cut[i][absent] = absence == ABSENT_CUT_OFF || absence == ABSENT_DEAF;
        world->is_cut[absent][i] = absence == ABSENT_CUT_OFF || absence == ABSENT_MUTE;
    }
}

static bool packet_arrives(const struct world *world) {
    const struct raft_message *message = &world->cluster->packets.packets[0].message;
    return !world->is_cut[message->from][message->to];
}

static bool beat_arrives(const struct world *world) {
    const struct cluster_beat *beat = &world->cluster->beats[0];
    return !world->is_cut[beat->from][beat->to];
}

/* All that waits is durable, and has arrived where it can. */
static void settle(struct world *world) {
    struct cluster *cluster = world->cluster;
    for (bool is_moving = true; is_moving;) {
        is_moving = cluster->packets.count > 0 || cluster->beat_count > 0;
        for (size_t i = 0; i < cluster->node_count; i++)
            while (cluster->nodes[i].raft && cluster_save_next(cluster, &cluster->nodes[i], true))
                is_moving = true;
        while (cluster->packets.count > 0)
            (packet_arrives(world) ? cluster_packet_deliver : cluster_packet_drop)(cluster, 0);
        while (cluster->beat_count > 0)
            if (beat_arrives(world))
                cluster_beat_deliver(cluster, 0);
            else
                cluster_beat_drop(cluster, 0);
    }
}

static void propose_everywhere(struct world *world) {
    struct cluster *cluster = world->cluster;
    for (size_t i = 0; i < cluster->node_count; i++)
        if (cluster->nodes[i].raft && raft_role(cluster->nodes[i].raft) == RAFT_LEADER)
            cluster_propose(cluster, &cluster->nodes[i], "on", false);
}

void core_check(struct world *world) {
    size_t before = world->committed_count;
    raft_node_number absent =
        (raft_node_number)random_between(&world->random, 1, world->cluster->node_count);
    enum absence absence = (enum absence)random_below(&world->random, ABSENCE_COUNT);
    if (is_needed(world, absent))
        return;
    take_away(world, absent, absence);
    for (unsigned round = 0; round < ROUNDS_MAXIMUM && world->committed_count == before; round++) {
        event_tick_all(world, ROUND_US);
        settle(world);
        while (world->wanted_count > 0)
            event_snapshot_transfer(world);
        if (round % 16 == 15)
            propose_everywhere(world);
    }
    world->cores++;
    if (world->committed_count == before)
        truth_fail(world, "the others do not get on without a node that they do not need: it, how",
                   absent, absence);
    if (absence == ABSENT_DOWN)
        cluster_start(world->cluster, cluster_node(world->cluster, absent));
    memset(world->is_cut, 0, sizeof world->is_cut);
}
