#include "rules.h"
#include <stdio.h>
#include <string.h>

static const struct bytes key_names[RULES_KEYS] = {{(const uint8_t *)"a", 1},
                                                   {(const uint8_t *)"b", 1}};

#define GRAVE_US (UINT64_C(23) * 3600 * 1000000) /* longer than that a grave need not be kept */

static void rules_break(struct rules *rules, const char *how, unsigned observer, unsigned subject) {
    if (rules->broken != NULL)
        return;
    rules->broken = how;
    rules->broken_observer = observer;
    rules->broken_subject = subject;
}

static unsigned subject_of(const struct rules *rules, const struct gossip_member *member) {
    unsigned subject = 0;
    while (subject < RULES_NODES &&
           memcmp(rules->nodes[subject].uuid, member->who->uuid, GOSSIP_UUID_BYTES) != 0)
        subject++;
    return subject;
}

static size_t said_count_of_life(const struct rules_node *node, uint64_t generation) {
    size_t end = generation == node->generation ? node->said_count : node->lives[generation + 1];
    return end - node->lives[generation];
}

/* NULL if nothing was said at that version of that life. */
static const struct rules_said *said_at(const struct rules_node *node, uint64_t generation,
                                        uint64_t version) {
    if (version == 0 || version > said_count_of_life(node, generation))
        return NULL;
    return &node->said[node->lives[generation] + version - 1];
}

/* The first removal of the key after a version; 0 if there was none. */
static uint64_t removed_after(const struct rules_node *node, uint64_t generation, unsigned key,
                              uint64_t version) {
    const struct rules_said *said;
    while ((said = said_at(node, generation, ++version)) != NULL)
        if (said->key == key && said->number == 0)
            return version;
    return 0;
}

static void look_at_key(struct rules *rules, unsigned observer, unsigned subject, unsigned key,
                        uint64_t version, struct bytes value) {
    struct rules_belief *belief = &rules->nodes[observer].beliefs[subject];
    const struct rules_node *node = &rules->nodes[subject];
    if (version == 0) {
        if (belief->versions[key] == 0)
            return;
        uint64_t removal = removed_after(node, belief->generation, key, belief->versions[key]);
        if (removal == 0)
            rules_break(rules, "a key is gone that nobody removed", observer, subject);
        belief->gone_at[key] = removal;
        belief->versions[key] = 0;
        return;
    }
    const struct rules_said *said = said_at(node, belief->generation, version);
    char expected[16];
    snprintf(expected, sizeof expected, "%u", said != NULL ? said->number : 0);
    if (said == NULL || said->key != key || !bytes_equal(value, bytes_of_text(expected)))
        rules_break(rules, "a key is shown that was never said so", observer, subject);
    if (version < belief->versions[key])
        rules_break(rules, "a version went back", observer, subject);
    if (version < belief->gone_at[key])
        rules_break(rules, "a removed key came back", observer, subject);
    belief->versions[key] = version;
}

static void look_at_keys(struct rules *rules, unsigned observer, unsigned subject,
                         const struct gossip_member *member) {
    uint64_t versions[RULES_KEYS] = {0}, version;
    struct bytes values[RULES_KEYS] = {{0}}, key, value;
    size_t position = 0;
    while (gossip_walk_keys(rules->nodes[observer].gossip, member, &position, &key, &value,
                            &version)) {
        unsigned which = 0;
        while (which < RULES_KEYS && !bytes_equal(key, key_names[which]))
            which++;
        if (which == RULES_KEYS) {
            rules_break(rules, "a key is shown that nobody ever said", observer, subject);
            return;
        }
        versions[which] = version;
        values[which] = value;
    }
    for (unsigned i = 0; i < RULES_KEYS; i++)
        look_at_key(rules, observer, subject, i, versions[i], values[i]);
}

static void look_at_life(struct rules *rules, unsigned observer, unsigned subject,
                         const struct gossip_member *member) {
    struct rules_belief *belief = &rules->nodes[observer].beliefs[subject];
    const struct rules_node *node = &rules->nodes[subject];
    if (member->who->generation == 0 || member->who->generation > node->generation) {
        rules_break(rules, "a life is shown that never was", observer, subject);
        return;
    }
    if (member->who->generation < belief->generation)
        rules_break(rules, "a generation went back", observer, subject);
    if (member->who->generation > belief->generation)
        *belief = (struct rules_belief){.generation = member->who->generation};
    if (member->state == GOSSIP_LEFT) {
        if (member->who->generation == node->generation && !node->has_left)
            rules_break(rules, "one is said to have left who did not", observer, subject);
        belief->left_generation = member->who->generation;
        belief->left_us = rules->now_us;
    } else if (belief->left_generation == member->who->generation &&
               rules->now_us - belief->left_us < GRAVE_US) {
        rules_break(rules, "one came back who had left", observer, subject);
    }
    look_at_keys(rules, observer, subject, member);
}

static void look_at_view(struct rules *rules, unsigned observer) {
    const struct gossip *gossip = rules->nodes[observer].gossip;
    unsigned times[RULES_NODES + 1] = {0};
    for (size_t i = 0; i < gossip_member_count(gossip); i++) {
        const struct gossip_member *member = gossip_member_at(gossip, i);
        unsigned subject = subject_of(rules, member);
        if (subject == RULES_NODES || times[subject]++ > 0) {
            rules_break(rules,
                        subject == RULES_NODES ? "a member is shown who never was"
                                               : "a member is shown twice",
                        observer, 0);
            return;
        }
        look_at_life(rules, observer, subject, member);
    }
}

void rules_look(struct rules *rules) {
    for (unsigned i = 0; i < RULES_NODES; i++)
        if (rules->nodes[i].gossip != NULL) /* as the world begins, one comes after the other */
            look_at_view(rules, i);
}

/* Rule 6. */

static const struct gossip_member *view_of(const struct rules *rules, unsigned observer,
                                           unsigned subject) {
    const struct gossip *gossip = rules->nodes[observer].gossip;
    for (size_t i = 0; i < gossip_member_count(gossip); i++)
        if (subject_of(rules, gossip_member_at(gossip, i)) == subject)
            return gossip_member_at(gossip, i);
    return NULL;
}

static bool is_view_right(const struct rules *rules, unsigned observer, unsigned subject) {
    const struct rules_node *node = &rules->nodes[subject];
    const struct gossip_member *member = view_of(rules, observer, subject);
    if (node->has_left)
        return member == NULL || member->state == GOSSIP_LEFT || member->state == GOSSIP_DEAD;
    if (member == NULL || member->state != GOSSIP_ALIVE ||
        member->who->generation != node->generation)
        return false;
    for (unsigned key = 0; key < RULES_KEYS; key++) {
        char expected[16] = "";
        if (node->values[key] != 0)
            snprintf(expected, sizeof expected, "%u", node->values[key]);
        if (!bytes_equal(gossip_get(rules->nodes[observer].gossip, member, key_names[key]),
                         bytes_of_text(expected)))
            return false;
    }
    return true;
}

bool rules_are_all_right(const struct rules *rules) {
    for (unsigned i = 0; i < RULES_NODES; i++)
        for (unsigned j = 0; j < RULES_NODES; j++)
            if (!rules->nodes[i].has_left && !is_view_right(rules, i, j))
                return false;
    return true;
}
