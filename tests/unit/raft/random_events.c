/* What may happen in a random schedule, and how often. */
#include "random_world.h"

static struct cluster_node *some_node(struct world *world) {
    return &world->cluster->nodes[random_below(&world->random, world->cluster->node_count)];
}

/* Reads of a life that ended are never answered. */
void event_crash(struct world *world, struct cluster_node *node) {
    for (size_t i = 0; i < world->read_count;)
        if (world->reads[i].id % CLUSTER_NODE_MAXIMUM == node->number % CLUSTER_NODE_MAXIMUM)
            world->reads[i] = world->reads[--world->read_count];
        else
            i++;
    cluster_crash(world->cluster, node);
}

/* As an operator may, on one node or before it starts: what was promised by other settings stands.
 */
static void timing_draw(struct world *world) {
    struct raft_timing *timing = &world->cluster->timing;
    timing->election_timeout_us = random_chance(&world->random, 0.5) ? 250000 : 100000;
    timing->lease_us = random_between(&world->random, 20000, timing->election_timeout_us);
}

static void start(struct world *world, struct cluster_node *node) {
    if (world->is_tuning)
        timing_draw(world);
    cluster_start(world->cluster, node);
}

static void tuning_step(struct world *world) {
    if (!world->is_tuning || !random_chance(&world->random, 0.02))
        return;
    timing_draw(world);
    cluster_timing_set(world->cluster, some_node(world));
}

/* What is left of its log, or nothing of it, is what it starts with. */
static void damage(struct world *world, struct cluster_node *node) {
    if (node->raft != NULL)
        event_crash(world, node);
    uint64_t kept = random_below(&world->random, node->disk.entry_count + 1);
    bool is_snapshot_lost = random_chance(&world->random, 0.3);
    cluster_damage(node, kept, is_snapshot_lost);
    world->damages++;
    start(world, node);
}

/* Rarely while a log is short, for what could be lost then was hardly ever acknowledged. */
static void damage_step(struct world *world) {
    if (world->rotting != 0 && random_chance(&world->random, 0.002))
        damage(world, cluster_node(world->cluster, world->rotting));
}

static void space_step(struct world *world) {
    struct cluster_node *node = some_node(world);
    if (world->is_filling && node->raft != NULL && random_chance(&world->random, 0.05))
        raft_set_room(node->raft, random_chance(&world->random, 0.7));
}

static void power_toggle(struct world *world, struct cluster_node *node) {
    if (node->raft == NULL) {
        start(world, node);
        return;
    }
    uint64_t written = random_below(&world->random, node->save_count + 1);
    while (written-- > 0)
        cluster_save_next(world->cluster, node, false);
    event_crash(world, node);
    if (random_chance(&world->random, 0.7))
        start(world, node);
}

void event_tick_all(struct world *world, uint64_t passed_us) {
    struct cluster *cluster = world->cluster;
    cluster->now_us += passed_us;
    for (size_t i = 0; i < cluster->node_count; i++) {
        if (cluster_clock(cluster, &cluster->nodes[i]) >= cluster->nodes[i].deadline_us)
            cluster_step(cluster, &cluster->nodes[i], (struct raft_event){.kind = RAFT_TICK});
        cluster_silence_notice(cluster, &cluster->nodes[i]);
        if (cluster->nodes[i].raft != NULL && random_chance(&world->random, 0.4))
            cluster_beat_send(cluster, &cluster->nodes[i]);
        world->quiets += cluster->nodes[i].raft != NULL && raft_is_quiet(cluster->nodes[i].raft);
    }
}

static void beat_move(struct world *world, double loss) {
    struct cluster *cluster = world->cluster;
    if (cluster->beat_count == 0)
        return;
    uint64_t reach = random_chance(&world->random, 0.8) ? 1 : cluster->beat_count;
    size_t position = random_below(&world->random, reach);
    const struct cluster_beat *beat = &cluster->beats[position];
    if (world->is_cut[beat->from][beat->to] || random_chance(&world->random, loss))
        cluster_beat_drop(cluster, position);
    else
        world->equals += cluster_beat_deliver(cluster, position);
    truth_leases_check(world);
}

/* Crashes at bad times find more: just before a question for a vote arrives. */
static void voter_restart(struct world *world, const struct raft_message *message) {
    struct cluster_node *node = cluster_node(world->cluster, message->to);
    bool is_question = message->kind == RAFT_PRE_VOTE || message->kind == RAFT_VOTE;
    if (!is_question || node->raft == NULL || !world->is_forgetting ||
        !random_chance(&world->random, 0.1))
        return;
    event_crash(world, node);
    start(world, node);
}

static void packet_move(struct world *world, double loss) {
    struct cluster *cluster = world->cluster;
    if (cluster->packets.count == 0)
        return;
    uint64_t reach = random_chance(&world->random, 0.8) ? 1 : cluster->packets.count;
    size_t position = random_below(&world->random, reach);
    const struct raft_message copy = cluster->packets.packets[position].message, *message = &copy;
    if (world->is_cut[message->from][message->to] || random_chance(&world->random, loss))
        cluster_packet_drop(cluster, position);
    else {
        if (random_chance(&world->random, 0.03))
            cluster_packet_duplicate(cluster, position);
        voter_restart(world, message);
        if (world->is_tearing && message->entry_count > 0 && random_chance(&world->random, 0.1))
            cluster_packet_cut(cluster, position,
                               random_below(&world->random, message->entry_count));
        cluster_packet_deliver(cluster, position);
    }
}

static void links_change(struct world *world) {
    size_t count = world->cluster->node_count;
    raft_node_number a = (raft_node_number)random_between(&world->random, 1, count);
    raft_node_number b = (raft_node_number)random_between(&world->random, 1, count);
    switch (world->is_forgetting ? random_between(&world->random, 3, 4)
                                 : random_below(&world->random, 5)) {
    case 0:
        world->is_cut[a][b] = true;
        return;
    case 4: /* one link, and no other */
        memset(world->is_cut, 0, sizeof world->is_cut);
        world->is_cut[a][b] = world->is_cut[b][a] = true;
        return;
    case 1:
        world->is_cut[a][b] = world->is_cut[b][a] = true;
        return;
    case 2:
        for (raft_node_number i = 1; i <= count; i++)
            world->is_cut[a][i] = world->is_cut[i][a] = true;
        return;
    case 3:
        memset(world->is_cut, 0, sizeof world->is_cut);
        return;
    }
}

static void read_begin(struct world *world, struct cluster_node *node) {
    if (node->raft == NULL || world->read_count == READ_WAITING_MAXIMUM)
        return;
    uint64_t id = ++world->next_read * CLUSTER_NODE_MAXIMUM + node->number % CLUSTER_NODE_MAXIMUM;
    world->reads[world->read_count++] = (struct waiting_read){id, world->committed_count};
    cluster_step(world->cluster, node, (struct raft_event){.kind = RAFT_READ, .read_id = id});
}

void event_snapshot_transfer(struct world *world) {
    if (world->wanted_count == 0)
        return;
    struct wanted wanted = world->wanted[--world->wanted_count];
    struct cluster_node *from = cluster_node(world->cluster, wanted.from);
    struct cluster_node *to = cluster_node(world->cluster, wanted.to);
    bool is_rejected = random_chance(&world->random, 0.3) || from->raft == NULL ||
                       to->raft == NULL || world->is_cut[wanted.from][wanted.to];
    if (!is_rejected && from->disk.snapshot_index + 1 < raft_first_index(from->raft))
        cluster_compact(world->cluster, from, from->commit_index);
    raft_index index = from->disk.snapshot_index;
    if (!is_rejected) {
        world->installs++;
        cluster_install(world->cluster, to, from, index);
    }
    cluster_step(world->cluster, from,
                 (struct raft_event){.kind = RAFT_SNAPSHOT_SENT,
                                     .peer = wanted.to,
                                     .snapshot_index = index,
                                     .is_rejected = is_rejected});
}

/* One to five of the nodes, whoever they are. */
static void change_ask(struct world *world, struct cluster_node *node) {
    struct raft_configuration wanted = {0};
    uint64_t wanted_count = 1 + random_below(&world->random, 5);
    while (wanted.voter_count < wanted_count && wanted.voter_count < world->cluster->node_count) {
        raft_node_number voter = some_node(world)->number;
        if (!raft_configuration_has_voter(&wanted, voter))
            wanted.voters[wanted.voter_count++] = voter;
    }
    /* Not everybody has heard of the newest wish. */
    wanted.wish = random_chance(&world->random, 0.8)
                      ? ++world->wish
                      : random_below(&world->random, world->wish + 1);
    cluster_step(world->cluster, node,
                 (struct raft_event){.kind = RAFT_CHANGE, .configuration = &wanted});
}

/* A leader sees that a node is out, and nothing is changing. Or it is on the way in again, by a
 * wish of which it has not heard yet. */
static bool is_out(const struct raft *leader, const struct cluster_node *node) {
    const struct raft_configuration *members = raft_configuration(leader);
    if (raft_configuration_has_voter(members, node->number))
        return false;
    return raft_configuration(node->raft)->wish < members->wish ||
           (members->learner_count == 0 && !raft_is_changing(leader));
}

/* The replica of a node that is out goes. */
static void removal_step(struct world *world) {
    struct cluster_node *leader = some_node(world), *node = some_node(world);
    if (leader->raft == NULL || node->raft == NULL || raft_role(leader->raft) != RAFT_LEADER ||
        raft_term_at(leader->raft, leader->commit_index) != raft_current_term(leader->raft) ||
        !is_out(leader->raft, node))
        return;
    event_crash(world, node); /* its reads are nobody's now */
    cluster_start(world->cluster, node);
    cluster_remove(world->cluster, node);
}

static void changes_step(struct world *world) {
    if (world->is_changing && random_chance(&world->random, 0.01))
        removal_step(world);
    struct cluster_node *node = some_node(world);
    if (!world->is_changing || node->raft == NULL || raft_role(node->raft) != RAFT_LEADER ||
        !random_chance(&world->random, 0.03))
        return;
    change_ask(world, node);
}

static void standing_tell(struct world *world, struct cluster_node *to, raft_node_number of) {
    cluster_step(world->cluster, to,
                 (struct raft_event){
                     .kind = RAFT_STANDING, .peer = of, .standing = world->standings[of - 1]});
}

/* Some hear of it. */
static void standing_change(struct world *world, const struct cluster_node *node) {
    world->standings[node->number - 1] = (enum raft_standing)random_below(&world->random, 3);
    for (size_t i = 0; i < world->cluster->node_count; i++)
        if (random_chance(&world->random, 0.7))
            standing_tell(world, &world->cluster->nodes[i], node->number);
}

void event_standings_tell(struct world *world) {
    for (size_t i = 0; i < world->cluster->node_count; i++)
        for (size_t of = 0; of < world->cluster->node_count; of++)
            standing_tell(world, &world->cluster->nodes[i], world->cluster->nodes[of].number);
}

static void rare_event(struct world *world) {
    struct cluster *cluster = world->cluster;
    struct cluster_node *node = some_node(world);
    switch (random_below(&world->random, 14)) {
    case 0:
    case 1:
        power_toggle(world, node);
        return;
    case 2:
    case 3:
    case 4:
        links_change(world);
        return;
    case 5:
        cluster_compact(cluster, node, node->commit_index);
        return;
    case 11: {
        uint64_t kept_bytes = random_below(&world->random, 1000);
        cluster_forget(cluster, node, node->commit_index, kept_bytes, kept_bytes * 4);
        return;
    }
    case 6:
        cluster_step(cluster, node,
                     (struct raft_event){.kind = RAFT_PEER_LOST, .peer = some_node(world)->number});
        return;
    case 7:
        if (random_chance(&world->random, 0.3))
            cluster_step(cluster, node, (struct raft_event){.kind = RAFT_TRANSFER});
        return;
    case 8:
    case 9:
        standing_change(world, node);
        return;
    case 10:
        cluster_step(
            cluster, node,
            (struct raft_event){.kind = RAFT_PEER_SUSPECTED, .peer = some_node(world)->number});
        return;
    default:
        truth_logs_check(world);
        return;
    }
}

/* The hour in which figure 3.7 happens. */
static void young_leader_hunt(struct world *world) {
    struct cluster_node *node = some_node(world);
    if (node->raft == NULL || raft_role(node->raft) != RAFT_LEADER ||
        raft_term_at(node->raft, node->commit_index) == raft_current_term(node->raft))
        return;
    if (random_chance(&world->random, 0.2))
        power_toggle(world, node);
}

/* For a while disks and network are much faster than the clocks. */
static void hurry(struct world *world) {
    struct cluster *cluster = world->cluster;
    for (unsigned round = 0; round < 30; round++) {
        event_tick_all(world, 1000);
        for (size_t i = 0; i < cluster->node_count; i++)
            cluster_save_next(cluster, &cluster->nodes[i], true);
        for (size_t left = cluster->packets.count; left > 0; left--)
            packet_move(world, 0.02);
    }
}

/* The leader of a quiet shard is cut off, and all others hear at once that their streams to it are
 * gone. */
static void quiet_leader_cut(struct world *world) {
    struct cluster *cluster = world->cluster;
    struct cluster_node *leader = some_node(world);
    if (leader->raft == NULL || raft_role(leader->raft) != RAFT_LEADER ||
        !raft_is_quiet(leader->raft) || !random_chance(&world->random, 0.02))
        return;
    memset(world->is_cut, 0, sizeof world->is_cut);
    for (raft_node_number i = 1; i <= cluster->node_count; i++)
        world->is_cut[leader->number][i] = world->is_cut[i][leader->number] = true;
    for (size_t i = 0; i < cluster->node_count; i++)
        if (&cluster->nodes[i] != leader)
            cluster_step(cluster, &cluster->nodes[i],
                         (struct raft_event){.kind = RAFT_PEER_LOST, .peer = leader->number});
    hurry(world);
}

void event_any(struct world *world) {
    if (world->is_hunting)
        young_leader_hunt(world);
    quiet_leader_cut(world);
    changes_step(world);
    tuning_step(world);
    damage_step(world);
    space_step(world);
    struct cluster_node *node = some_node(world);
    uint64_t lot = random_below(&world->random, 97 + world->rare_percent);
    if (lot < 50 && world->cluster->beat_count > 0 && random_chance(&world->random, 0.5))
        beat_move(world, 0.02);
    else if (lot < 50 && world->cluster->packets.count == 0)
        event_tick_all(world, random_below(&world->random, 60000));
    else if (lot < 50)
        packet_move(world, 0.02);
    else if (lot < 75)
        cluster_save_next(world->cluster, node, true);
    else if (lot < 87)
        event_tick_all(world, random_below(&world->random, 15000));
    else if (lot < 92) {
        if (node->raft != NULL && raft_role(node->raft) == RAFT_LEADER &&
            random_chance(&world->random, world->propose_chance))
            cluster_propose(world->cluster, node, "word", random_chance(&world->random, 0.3));
    } else if (lot < 95)
        read_begin(world, node);
    else if (lot < 97)
        event_snapshot_transfer(world);
    else
        rare_event(world);
}
