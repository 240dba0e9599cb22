/* Somebody who changes replicas, settings and releases while all this goes on. */
#include "cluster/feature.h"
#include "sim/fault/fault.h"
#include "sim/life/life.h"
#include "sim/life/stopping.h"
#include "sim/operator/loss.h"
#include "sim/operator/membership.h"
#include "sim/operator/rotation.h"
#include "sim/operator/settings.h"
#include "sim/operator/visitor.h"

static struct membership *faults_membership(struct faults *faults) {
    if (faults->membership == NULL)
        faults->membership = membership_new(faults->simulation);
    return faults->membership;
}

void fault_change_replicas(struct faults *faults) { membership_change(faults_membership(faults)); }

void fault_add_node(struct faults *faults) { membership_add_node(faults_membership(faults)); }

void fault_remove_node(struct faults *faults) { membership_remove_node(faults_membership(faults)); }

void fault_lose_nodes(struct faults *faults) { loss_begin(faults->simulation->loss); }

struct settings_operator *faults_settings(struct faults *faults) {
    if (faults->settings == NULL)
        faults->settings = settings_operator_new(faults->simulation);
    return faults->settings;
}

void fault_change_settings(struct faults *faults) {
    settings_operator_change(faults_settings(faults));
}

void fault_tune_node(struct faults *faults) {
    settings_operator_tune_by_lot(faults_settings(faults));
}

void fault_visit_node(struct faults *faults) {
    if (faults->visitor == NULL)
        faults->visitor = visitor_new(faults->simulation);
    visitor_ask(faults->visitor);
}

void fault_rotate_keys(struct faults *faults) {
    if (faults->rotation == NULL)
        faults->rotation = rotation_new(faults->simulation);
    rotation_begin(faults->rotation);
}

void fault_reload_node(struct faults *faults) { settings_operator_reload(faults_settings(faults)); }

/* A node restarts as the release before, or the one after, would: two versions of the protocol
 * between nodes meet in every combination, while clients go on. */
void fault_roll_protocol(struct faults *faults) {
    struct sim_node *node = faults_node(faults);
    node->protocol = node->protocol == 1 ? SIM_PROTOCOL_NEWEST : node->protocol - 1;
    node->level += node->level < FEATURE_LEVEL_NEWEST && random_chance(faults_random(faults), 0.3);
    trace_line(&faults->simulation->trace,
               "fault: node %u is to restart with protocol %u, level %u", node->index + 1,
               node->protocol, node->level);
    node->is_restart_quick = random_chance(faults_random(faults), 0.5);
    if (random_chance(faults_random(faults), 0.5))
        stopping_begin(node);
    else
        sim_node_kill(node, SIM_DEATH_OF_PROCESS);
}
