#include "raft/state/standing.h"

static struct raft_stander *stander_find(struct raft *raft, raft_node_number node) {
    for (size_t i = 0; i < raft->stander_count; i++)
        if (raft->standers[i].node == node)
            return &raft->standers[i];
    return NULL;
}

/* Past RAFT_MEMBER_MAXIMUM unwilling nodes the rest count as willing: it is a hint. */
void raft_standing_take(struct raft *raft, raft_node_number node, enum raft_standing standing) {
    struct raft_stander *known = stander_find(raft, node);
    if (standing == RAFT_WILLING) {
        if (known != NULL)
            *known = raft->standers[--raft->stander_count];
        return;
    }
    if (known == NULL && raft->stander_count < RAFT_MEMBER_MAXIMUM)
        known = &raft->standers[raft->stander_count++];
    if (known != NULL)
        *known = (struct raft_stander){.node = node, .standing = standing};
}

enum raft_standing raft_standing_of(const struct raft *raft, raft_node_number node) {
    for (size_t i = 0; i < raft->stander_count; i++)
        if (raft->standers[i].node == node)
            return raft->standers[i].standing;
    return RAFT_WILLING;
}

/* A node that started a moment ago, or waits for a snapshot, is behind: it could not win. */
static enum raft_standing own_standing(const struct raft *raft) {
    enum raft_standing told = raft_standing_of(raft, raft->self);
    return told == RAFT_WILLING && raft->is_behind ? RAFT_RELUCTANT : told;
}

/* Only while somebody is better placed, the leader left out, since it is missing when this matters:
 * where all are slow, nobody waits for nobody. */
bool raft_stands_back(const struct raft *raft) {
    const struct raft_configuration *members = raft_members(raft);
    enum raft_standing own = own_standing(raft);
    for (unsigned i = 0; i < members->voter_count && own != RAFT_WILLING; i++) {
        raft_node_number node = members->voters[i];
        if (node != raft->self && node != raft->leader && raft_standing_of(raft, node) < own)
            return true;
    }
    return false;
}
