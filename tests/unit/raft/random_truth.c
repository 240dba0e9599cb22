/* What random schedules are held against: the truth is kept as nodes tell of it, and whoever
 * contradicts it, or an earlier promise, fails. */
#include "base/checksum.h"
#include "base/memory.h"
#include "random_world.h"

#include <inttypes.h>
#include <stdio.h>

void truth_fail(struct world *world, const char *text, uint64_t a, uint64_t b) {
    if (world->failure[0] == 0)
        snprintf(world->failure, sizeof world->failure, "%s (%" PRIu64 ", %" PRIu64 ")", text, a,
                 b);
}

/* Along the log no wish gives way to an older one. */
static void wish_check(struct world *world, const struct raft_entry *entry) {
    struct raft_configuration configuration;
    world->changes++;
    if (raft_configuration_decode(&configuration, raft_entry_payload(entry)) != 0)
        truth_fail(world, "a configuration that cannot be read: index", entry->index, 0);
    if (configuration.wish < world->committed_wish)
        truth_fail(world, "an older wish behind a newer one: index, wish", entry->index,
                   configuration.wish);
    world->committed_wish = configuration.wish;
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
                truth_fail(world, "a committed entry changed: node, index", node->number, i);
            continue;
        }
        if (world->committed_count == world->committed_capacity) {
            world->committed_capacity = world->committed_capacity * 2 + 64;
            world->committed =
                memory_resize(world->committed, world->committed_capacity * sizeof told);
        }
        if (i != world->committed_count + 1)
            truth_fail(world, "a commit beyond what anybody committed: node, index", node->number,
                       i);
        else {
            world->committed[world->committed_count++] = told;
            if (entry->kind == RAFT_ENTRY_CONFIGURATION)
                wish_check(world, entry);
        }
    }
}

/* What proposers are held back by: neither leaks nor is taken twice, whatever became of entries. */
static void uncommitted_check(struct world *world, const struct cluster_node *node) {
    uint64_t bytes = 0;
    for (raft_index i = node->commit_index + 1; i <= raft_last_index(node->raft); i++)
        bytes += raft_entry_at(node->raft, i)->length;
    if (bytes != raft_uncommitted_bytes(node->raft))
        truth_fail(world, "uncommitted bytes: node, said", node->number,
                   raft_uncommitted_bytes(node->raft));
}

/* Election safety, leader completeness. */
static void leader_check(struct world *world, const struct cluster_node *node) {
    raft_term term = raft_current_term(node->raft);
    if (term >= TERM_MAXIMUM) {
        truth_fail(world, "terms run away", term, 0);
        return;
    }
    if (world->leader_of[term] != 0 && world->leader_of[term] != node->number)
        truth_fail(world, "two leaders in one term: term, node", term, node->number);
    world->leads += world->leader_of[term] == 0;
    world->leader_of[term] = node->number;
    if (raft_last_index(node->raft) < world->committed_count)
        truth_fail(world, "a leader lacks a committed entry: node, last index", node->number,
                   raft_last_index(node->raft));
    for (raft_index i = raft_first_index(node->raft); i <= world->committed_count; i++)
        if (raft_term_at(node->raft, i) != world->committed[i - 1].term)
            truth_fail(world, "a leader has another entry than was committed: node, index",
                       node->number, i);
}

void truth_leases_check(struct world *world) {
    for (size_t i = 0; i < world->cluster->node_count; i++) {
        const struct cluster_node *node = &world->cluster->nodes[i];
        if (node->raft == NULL || !raft_has_lease(node->raft, cluster_clock(world->cluster, node)))
            continue;
        world->leases++;
        if (raft_commit_index(node->raft) < world->committed_count)
            truth_fail(world, "a lease read would be stale: node, commit index", node->number,
                       raft_commit_index(node->raft));
    }
}

static void read_check(struct world *world, const struct raft_read_answer *answer) {
    for (size_t i = 0; i < world->read_count; i++) {
        if (world->reads[i].id != answer->read_id)
            continue;
        if (!answer->is_refused && answer->index < world->reads[i].least_index)
            truth_fail(world, "a read would be stale: index, at least", answer->index,
                       world->reads[i].least_index);
        world->answers += !answer->is_refused;
        world->reads[i] = world->reads[--world->read_count];
        return;
    }
    truth_fail(world, "a read was answered that nobody asked or twice", answer->read_id, 0);
}

void truth_watch(void *context, struct cluster_node *node, const struct raft_actions *actions) {
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
    truth_leases_check(world);
}

static void pair_check(struct world *world, const struct raft *a, const struct raft *b) {
    raft_index last =
        raft_last_index(a) < raft_last_index(b) ? raft_last_index(a) : raft_last_index(b);
    bool must_agree = false;
    for (raft_index i = last; i >= raft_first_index(a) && i >= raft_first_index(b); i--) {
        bool agree = raft_term_at(a, i) == raft_term_at(b, i);
        if (must_agree && !agree)
            truth_fail(world, "log matching broken: index, term", i, raft_term_at(a, i));
        must_agree = must_agree || agree;
    }
}

void truth_logs_check(struct world *world) {
    struct cluster *cluster = world->cluster;
    for (size_t i = 0; i < cluster->node_count; i++)
        for (size_t j = i + 1; j < cluster->node_count; j++)
            if (cluster->nodes[i].raft != NULL && cluster->nodes[j].raft != NULL)
                pair_check(world, cluster->nodes[i].raft, cluster->nodes[j].raft);
}
