/* Random schedules: replicas under loss, reordering, duplication, partitions, slow disks, crashes,
 * clock drift, transfers, nodes that would rather not lead, changes of the voters, compaction and
 * snapshots, by seed. After every step the promises of Raft are checked against the truth that the
 * test keeps (CBTR figure 3.2). Once the faults stop, the cluster must agree again.
 *
 *      random [--plant NAME] [--seed S] [--seeds N] [--print]
 *
 * With --plant it must find the fault: exits 0 only if some seed failed. */
#include "../plant_fault.h"
#include "base/checksum.h"
#include "base/memory.h"
#include "cluster.h"
#include "transcript.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STEP_COUNT = 12000, TERM_MAXIMUM = 8192, READ_WAITING_MAXIMUM = 256, WANTED_MAXIMUM = 64 };

struct truth_entry {
    raft_term term;
    uint32_t checksum;
};
struct waiting_read {
    uint64_t id;
    raft_index least_index;
};
struct wanted {
    raft_node_number from, to;
};
struct world {
    struct cluster *cluster;
    struct random random;
    bool is_cut[CLUSTER_NODE_MAXIMUM + 1][CLUSTER_NODE_MAXIMUM + 1];
    struct truth_entry *committed; /* [i] is index i + 1 */
    size_t committed_count, committed_capacity;
    raft_node_number leader_of[TERM_MAXIMUM];
    struct waiting_read reads[READ_WAITING_MAXIMUM];
    size_t read_count;
    uint64_t next_read;
    struct wanted wanted[WANTED_MAXIMUM];
    size_t wanted_count;
    enum raft_standing standings[CLUSTER_NODE_MAXIMUM]; /* the truth; not all have heard of it */
    /* That something happened at all. */
    uint64_t leads, moves, leases, answers, installs, changes, quiets, equals;
    /* The temper of this seed. */
    uint64_t rare_percent; /* of all steps: how stormy it is */
    double propose_chance;
    bool is_hunting;           /* leaders often die before they commit anything */
    bool is_forgetting;        /* voters often die before they are asked */
    bool is_changing;          /* the voters are changed */
    struct raft_timing timing; /* at first */
    bool is_tuning;            /* so are the times, while nodes run and before they start */
    char failure[256];
};

static void fail(struct world *world, const char *text, uint64_t a, uint64_t b) {
    if (world->failure[0] == 0)
        snprintf(world->failure, sizeof world->failure, "%s (%" PRIu64 ", %" PRIu64 ")", text, a,
                 b);
}

static void commits_check(struct world *world, const struct cluster_node *node) {
    raft_index first = raft_first_index(node->raft);
    for (raft_index i = first; i <= node->commit_index; i++) {
        const struct raft_entry *entry = raft_entry_at(node->raft, i);
        struct truth_entry told = {.term = entry->term,
                                   .checksum = checksum_crc32c(0, raft_entry_bytes(entry))};
        if (i <= world->committed_count) {
            const struct truth_entry *known = &world->committed[i - 1];
            if (known->term != told.term || known->checksum != told.checksum)
                fail(world, "a committed entry changed: node, index", node->number, i);
            continue;
        }
        if (world->committed_count == world->committed_capacity) {
            world->committed_capacity = world->committed_capacity * 2 + 64;
            world->committed =
                memory_resize(world->committed, world->committed_capacity * sizeof told);
        }
        if (i != world->committed_count + 1)
            fail(world, "a commit beyond what anybody committed: node, index", node->number, i);
        else {
            world->committed[world->committed_count++] = told;
            world->changes += entry->kind == RAFT_ENTRY_CONFIGURATION;
        }
    }
}

/* What proposers are held back by: neither leaks nor is taken twice, whatever became of entries. */
static void uncommitted_check(struct world *world, const struct cluster_node *node) {
    uint64_t bytes = 0;
    for (raft_index i = node->commit_index + 1; i <= raft_last_index(node->raft); i++)
        bytes += raft_entry_at(node->raft, i)->length;
    if (bytes != raft_uncommitted_bytes(node->raft))
        fail(world, "uncommitted bytes: node, said", node->number,
             raft_uncommitted_bytes(node->raft));
}

/* Election safety, leader completeness. */
static void leader_check(struct world *world, const struct cluster_node *node) {
    raft_term term = raft_current_term(node->raft);
    if (term >= TERM_MAXIMUM) {
        fail(world, "terms run away", term, 0);
        return;
    }
    if (world->leader_of[term] != 0 && world->leader_of[term] != node->number)
        fail(world, "two leaders in one term: term, node", term, node->number);
    world->leads += world->leader_of[term] == 0;
    world->leader_of[term] = node->number;
    if (raft_last_index(node->raft) < world->committed_count)
        fail(world, "a leader lacks a committed entry: node, last index", node->number,
             raft_last_index(node->raft));
    for (raft_index i = raft_first_index(node->raft); i <= world->committed_count; i++)
        if (raft_term_at(node->raft, i) != world->committed[i - 1].term)
            fail(world, "a leader has another entry than was committed: node, index", node->number,
                 i);
}

static void leases_check(struct world *world) {
    for (size_t i = 0; i < world->cluster->node_count; i++) {
        const struct cluster_node *node = &world->cluster->nodes[i];
        if (node->raft == NULL || !raft_has_lease(node->raft, cluster_clock(world->cluster, node)))
            continue;
        world->leases++;
        if (raft_commit_index(node->raft) < world->committed_count)
            fail(world, "a lease read would be stale: node, commit index", node->number,
                 raft_commit_index(node->raft));
    }
}

static void read_check(struct world *world, const struct raft_read_answer *answer) {
    for (size_t i = 0; i < world->read_count; i++) {
        if (world->reads[i].id != answer->read_id)
            continue;
        if (!answer->is_refused && answer->index < world->reads[i].least_index)
            fail(world, "a read would be stale: index, at least", answer->index,
                 world->reads[i].least_index);
        world->answers += !answer->is_refused;
        world->reads[i] = world->reads[--world->read_count];
        return;
    }
    fail(world, "a read was answered that nobody asked or twice", answer->read_id, 0);
}

static void watch(void *context, struct cluster_node *node, const struct raft_actions *actions) {
    struct world *world = context;
    for (size_t i = 0; i < actions->read_count; i++)
        read_check(world, &actions->reads[i]);
    commits_check(world, node);
    uncommitted_check(world, node);
    if (actions->is_leadership_changed && raft_role(node->raft) == RAFT_LEADER)
        leader_check(world, node);
    for (size_t i = 0; i < actions->snapshot_wanted_count; i++)
        if (world->wanted_count < WANTED_MAXIMUM)
            world->wanted[world->wanted_count++] =
                (struct wanted){node->number, actions->snapshot_wanted_by[i]};
    world->moves += actions->is_move_begun;
    leases_check(world);
}

static void pair_check(struct world *world, const struct raft *a, const struct raft *b) {
    raft_index last =
        raft_last_index(a) < raft_last_index(b) ? raft_last_index(a) : raft_last_index(b);
    bool must_agree = false;
    for (raft_index i = last; i >= raft_first_index(a) && i >= raft_first_index(b); i--) {
        bool agree = raft_term_at(a, i) == raft_term_at(b, i);
        if (must_agree && !agree)
            fail(world, "log matching broken: index, term", i, raft_term_at(a, i));
        must_agree = must_agree || agree;
    }
}

static void logs_check(struct world *world) {
    struct cluster *cluster = world->cluster;
    for (size_t i = 0; i < cluster->node_count; i++)
        for (size_t j = i + 1; j < cluster->node_count; j++)
            if (cluster->nodes[i].raft != NULL && cluster->nodes[j].raft != NULL)
                pair_check(world, cluster->nodes[i].raft, cluster->nodes[j].raft);
}

static struct cluster_node *some_node(struct world *world) {
    return &world->cluster->nodes[random_below(&world->random, world->cluster->node_count)];
}

/* Reads of a life that ended are never answered. */
static void crash(struct world *world, struct cluster_node *node) {
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

static void power_toggle(struct world *world, struct cluster_node *node) {
    if (node->raft == NULL) {
        start(world, node);
        return;
    }
    uint64_t written = random_below(&world->random, node->save_count + 1);
    while (written-- > 0)
        cluster_save_next(world->cluster, node, false);
    crash(world, node);
    if (random_chance(&world->random, 0.7))
        start(world, node);
}

static void tick_all(struct world *world, uint64_t passed_us) {
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
    leases_check(world);
}

/* Crashes at bad times find more: just before a question for a vote arrives. */
static void voter_restart(struct world *world, const struct raft_message *message) {
    struct cluster_node *node = cluster_node(world->cluster, message->to);
    bool is_question = message->kind == RAFT_PRE_VOTE || message->kind == RAFT_VOTE;
    if (!is_question || node->raft == NULL || !world->is_forgetting ||
        !random_chance(&world->random, 0.1))
        return;
    crash(world, node);
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

static void snapshot_transfer(struct world *world) {
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
    cluster_step(world->cluster, node,
                 (struct raft_event){.kind = RAFT_CHANGE, .configuration = &wanted});
}

/* A leader sees that a node is out, and nothing is changing: its replica goes. */
static void removal_step(struct world *world) {
    struct cluster_node *leader = some_node(world), *node = some_node(world);
    if (leader->raft == NULL || node->raft == NULL || raft_role(leader->raft) != RAFT_LEADER ||
        raft_is_changing(leader->raft) ||
        raft_term_at(leader->raft, leader->commit_index) != raft_current_term(leader->raft))
        return;
    const struct raft_configuration *members = raft_configuration(leader->raft);
    if (members->learner_count > 0 || raft_configuration_has_voter(members, node->number))
        return;
    crash(world, node); /* its reads are nobody's now */
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

static void standings_tell_all(struct world *world) {
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
    case 11:
        cluster_forget(cluster, node, node->commit_index, random_below(&world->random, 1000));
        return;
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
        logs_check(world);
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
        tick_all(world, 1000);
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

static void step_anything(struct world *world) {
    if (world->is_hunting)
        young_leader_hunt(world);
    quiet_leader_cut(world);
    changes_step(world);
    tuning_step(world);
    struct cluster_node *node = some_node(world);
    uint64_t lot = random_below(&world->random, 97 + world->rare_percent);
    if (lot < 50 && world->cluster->beat_count > 0 && random_chance(&world->random, 0.5))
        beat_move(world, 0.02);
    else if (lot < 50 && world->cluster->packets.count == 0)
        tick_all(world, random_below(&world->random, 60000));
    else if (lot < 50)
        packet_move(world, 0.02);
    else if (lot < 75)
        cluster_save_next(world->cluster, node, true);
    else if (lot < 87)
        tick_all(world, random_below(&world->random, 15000));
    else if (lot < 92) {
        if (node->raft != NULL && raft_role(node->raft) == RAFT_LEADER &&
            random_chance(&world->random, world->propose_chance))
            cluster_propose(world->cluster, node, "word", random_chance(&world->random, 0.3));
    } else if (lot < 95)
        read_begin(world, node);
    else if (lot < 97)
        snapshot_transfer(world);
    else
        rare_event(world);
}

static const struct cluster_node *newest_leader(const struct cluster *cluster) {
    const struct cluster_node *leader = NULL;
    for (size_t i = 0; i < cluster->node_count; i++) {
        const struct cluster_node *node = &cluster->nodes[i];
        if (raft_role(node->raft) == RAFT_LEADER &&
            (leader == NULL || raft_current_term(node->raft) > raft_current_term(leader->raft)))
            leader = node;
    }
    return leader;
}

/* All that vote have the same log, committed to its end, and the voters are not changing. */
static bool is_agreed(const struct cluster *cluster) {
    const struct cluster_node *leader = newest_leader(cluster);
    if (leader == NULL || raft_is_changing(leader->raft))
        return false;
    for (size_t i = 0; i < cluster->node_count; i++) {
        const struct cluster_node *node = &cluster->nodes[i];
        if (!raft_configuration_has_voter(raft_configuration(leader->raft), node->number))
            continue;
        if (node->commit_index != leader->commit_index ||
            raft_last_index(node->raft) != node->commit_index ||
            raft_leader(node->raft) != leader->number)
            return false;
    }
    return true;
}

/* Progress once faults stop: within seconds all agree on a leader and on one more entry. */
static void heal_and_check(struct world *world) {
    struct cluster *cluster = world->cluster;
    memset(world->is_cut, 0, sizeof world->is_cut);
    cluster->timing = world->timing;
    cluster_timing_set(cluster, NULL);
    for (size_t i = 0; i < cluster->node_count; i++)
        if (cluster->nodes[i].raft == NULL)
            cluster_start(cluster, &cluster->nodes[i]);
    memset(world->standings, 0, sizeof world->standings); /* no move while it is looked at */
    standings_tell_all(world);
    size_t before = world->committed_count;
    for (unsigned round = 0; round < 800 && world->failure[0] == 0; round++) {
        tick_all(world, 10000);
        cluster_settle(cluster);
        while (world->wanted_count > 0)
            snapshot_transfer(world);
        for (size_t i = 0; i < cluster->node_count && round == 600; i++)
            if (raft_role(cluster->nodes[i].raft) == RAFT_LEADER)
                cluster_propose(cluster, &cluster->nodes[i], "last", false);
    }
    logs_check(world);
    if (world->committed_count == before || !is_agreed(cluster))
        fail(world, "no progress after the faults stopped: committed before, after", before,
             world->committed_count);
}

static void world_run(struct world *world, uint64_t seed, struct buffer *transcript) {
    *world = (struct world){0};
    struct random *random = &world->random;
    random_init(random, seed);
    world->rare_percent = 1 + 3 * random_below(random, 3);
    world->is_hunting = random_chance(random, 0.5);
    world->is_forgetting = !world->is_hunting && random_chance(random, 0.6);
    world->is_changing = random_chance(random, 0.5);
    world->is_tuning = seed % 3 == 0;
    world->propose_chance = random_chance(random, 0.4) || world->is_forgetting ? 0.01 : 1;
    struct raft_timing timing = {.election_timeout_us = 250000,
                                 .lease_us = random_chance(random, 0.5) ? 250000 : 100000,
                                 .heartbeat_us = 50000,
                                 .quiet_after_us = random_chance(random, 0.5) ? 60000 : 0,
                                 .clock_drift_percent = 20,
                                 .window_bytes = 200,
                                 .window_messages = 4,
                                 .message_bytes = random_chance(random, 0.6) ? 40 : 100,
                                 .lazy_us =
                                     random_chance(random, 0.6) ? random_below(random, 50000) : 0,
                                 .move_pause_us = random_below(random, 20000000)};
    if (random_chance(random, 0.5))
        timing.move_pause_us = 0;
    world->timing = timing;
    struct raft_configuration configuration = {.voter_count = random_chance(random, 0.25) ? 5 : 3,
                                               .voters = {1, 2, 3, 4, 5}};
    size_t newcomers = world->is_changing ? 2 : 0;
    world->cluster = cluster_new(configuration.voter_count + newcomers, &timing, &configuration,
                                 seed, transcript);
    world->cluster->watch = watch;
    world->cluster->context = world;
    for (size_t i = 0; i < world->cluster->node_count; i++)
        world->cluster->nodes[i].clock_rate = 0.92 + 0.16 * random_unit(&world->random);
    for (size_t i = 0; i < world->cluster->node_count; i++) {
        crash(world, &world->cluster->nodes[i]); /* its first life began by another clock */
        cluster_start(world->cluster, &world->cluster->nodes[i]);
    }
    for (unsigned step = 0; step < STEP_COUNT && world->failure[0] == 0; step++)
        step_anything(world);
    if (world->failure[0] == 0)
        heal_and_check(world);
    cluster_free(world->cluster);
    memory_free(world->committed);
}

struct request {
    uint64_t seed, seed_count;
    bool is_printed;
    const char *planted;
};

static struct request request_read(int argc, char **argv) {
    struct request request = {.seed = 1, .seed_count = 150};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--print") == 0) {
            request.is_printed = true;
            continue;
        }
        if (strcmp(argv[i], "--seed") == 0) {
            request.seed = strtoull(value, NULL, 10);
            request.seed_count = 1;
        } else if (strcmp(argv[i], "--seeds") == 0)
            request.seed_count = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--plant") == 0)
            request.planted = value;
        i++;
    }
    return request;
}

/* A check of the product's own finds a planted fault as well as any of ours. */
static void on_failed_check(int number) {
    (void)number;
    _exit(0);
}

int main(int argc, char **argv) {
    struct request request = request_read(argc, argv);
    if (request.planted != NULL && !plant_fault(request.planted))
        return 77; /* skipped */
    if (request.planted != NULL)
        signal(SIGABRT, on_failed_check);
    static struct world world;
    uint64_t leads = 0, moves = 0, commits = 0, leases = 0, answers = 0, installs = 0, changes = 0;
    uint64_t quiets = 0, equals = 0;
    for (uint64_t seed = request.seed; seed < request.seed + request.seed_count; seed++) {
        struct buffer transcript;
        buffer_init(&transcript, 64u << 20);
        world_run(&world, seed, request.is_printed ? &transcript : NULL);
        if (transcript.length > 0)
            fwrite(buffer_data(&transcript), 1, transcript.length, stdout);
        buffer_release(&transcript);
        if (world.failure[0] != 0) {
            printf("seed %" PRIu64 ": %s\n", seed, world.failure);
            return request.planted != NULL ? 0 : 1;
        }
        leads += world.leads;
        moves += world.moves;
        commits += world.committed_count;
        leases += world.leases;
        answers += world.answers;
        installs += world.installs;
        changes += world.changes;
        quiets += world.quiets;
        equals += world.equals;
    }
    printf("%" PRIu64 " seeds: %" PRIu64 " leaders (%" PRIu64 " by a move of their own), %" PRIu64
           " commits, %" PRIu64 " lease checks, %" PRIu64 " reads answered, %" PRIu64
           " snapshots installed, %" PRIu64 " changes of the voters, %" PRIu64
           " quiet moments, %" PRIu64 " equal pairs\n",
           request.seed_count, leads, moves, commits, leases, answers, installs, changes, quiets,
           equals);
    return request.planted != NULL ? 1 : 0;
}
