#include "sim/gossip/claims.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>

static const char *const key_names[CLAIMS_KEYS] = {"leader", "slots", "load", "place"};

/* One change: of which key, and whether it removed it. A node's changes are numbered from 1, over
 * all its lives. */
struct change {
    unsigned key;
    bool is_removal;
};

struct speaker {
    struct change *changes;
    unsigned count, capacity;
    unsigned current[CLAIMS_KEYS]; /* the change that counts; 0: the key is not there */
};

/* What an observer showed last of a speaker's keys. */
struct shown {
    uint64_t generation;
    unsigned least[CLAIMS_KEYS]; /* nothing before this change may be shown any more */
};

struct claims {
    struct crowd *crowd;
    struct report *report;
    struct speaker *speakers;
    struct shown *shown; /* observer * node_count + subject */
    uint64_t broken;
};

static void claims_break(struct claims *claims, const char *how, unsigned observer,
                         unsigned subject) {
    char note[100];
    snprintf(note, sizeof note, "%.3f s: node %u of node %u: %s",
             (double)claims->crowd->now_us / CROWD_SECOND_US, observer, subject, how);
    report_note(claims->report, note);
    claims->broken++;
}

static struct shown *shown_of(struct claims *claims, unsigned observer, unsigned subject) {
    return &claims->shown[(size_t)observer * claims->crowd->node_count + subject];
}

/* The change that a value is: "generation.number"; 0 if it was never said so. */
static unsigned change_of(const struct speaker *speaker, uint64_t generation, unsigned key,
                          struct bytes value) {
    char text[40];
    snprintf(text, sizeof text, "%.*s", BYTES_PRINT(value));
    char *dot;
    uint64_t said_in = strtoull(text, &dot, 10);
    unsigned number = *dot == '.' ? (unsigned)strtoul(dot + 1, NULL, 10) : 0;
    if (said_in != generation || number == 0 || number > speaker->count)
        return 0;
    const struct change *change = &speaker->changes[number - 1];
    return change->key == key && !change->is_removal ? number : 0;
}

static unsigned removed_after(const struct speaker *speaker, unsigned key, unsigned number) {
    for (unsigned i = number; i < speaker->count; i++)
        if (speaker->changes[i].key == key && speaker->changes[i].is_removal)
            return i + 1;
    return number;
}

static void notice_key(struct claims *claims, unsigned observer, unsigned subject,
                       const struct gossip_change *change) {
    if (bytes_equal(change->key, bytes_of_text(GOSSIP_KEY_ZONE)))
        return; /* where a node stands is not a claim: many say the same */
    unsigned key = 0;
    while (key < CLAIMS_KEYS && !bytes_equal(change->key, bytes_of_text(key_names[key])))
        key++;
    if (key == CLAIMS_KEYS) {
        claims_break(claims, "a key is shown that nobody ever said", observer, subject);
        return;
    }
    const struct speaker *speaker = &claims->speakers[subject];
    unsigned *least = &shown_of(claims, observer, subject)->least[key];
    struct bytes value =
        gossip_get(claims->crowd->nodes[observer].gossip, change->member, change->key);
    if (value.length == 0) {
        *least = removed_after(speaker, key, *least);
        return;
    }
    unsigned number = change_of(speaker, change->member->who->generation, key, value);
    if (number == 0)
        claims_break(claims, "a key is shown that was never said so", observer, subject);
    else if (number < *least)
        claims_break(claims, "an old value came back", observer, subject);
    else
        *least = number;
}

static void claims_notice(void *context, unsigned observer, const struct gossip_change *change) {
    struct claims *claims = context;
    unsigned subject = crowd_node_of(claims->crowd, change->member->who->uuid);
    if (subject == CROWD_NODE_MAXIMUM) {
        claims_break(claims, "a member is shown who never was", observer, 0);
        return;
    }
    struct shown *shown = shown_of(claims, observer, subject);
    uint64_t generation = change->member->who->generation;
    if (generation > claims->crowd->nodes[subject].generation)
        claims_break(claims, "a life is shown that never was", observer, subject);
    if (generation < shown->generation)
        claims_break(claims, "an earlier life came back", observer, subject);
    if (generation > shown->generation)
        *shown = (struct shown){.generation = generation};
    if (change->kind == GOSSIP_CHANGE_KEY)
        notice_key(claims, observer, subject, change);
}

struct claims *claims_new(struct crowd *crowd, struct report *report) {
    struct claims *claims = memory_allocate_zeroed(1, sizeof *claims);
    size_t count = crowd->node_count;
    claims->crowd = crowd;
    claims->report = report;
    claims->speakers = memory_allocate_zeroed(count, sizeof *claims->speakers);
    claims->shown = memory_allocate_zeroed(count * count, sizeof *claims->shown);
    crowd->on_change = claims_notice;
    crowd->context = claims;
    return claims;
}

void claims_free(struct claims *claims) {
    claims->crowd->on_change = NULL;
    for (unsigned i = 0; i < claims->crowd->node_count; i++)
        memory_free(claims->speakers[i].changes);
    memory_free(claims->speakers);
    memory_free(claims->shown);
    memory_free(claims);
}

static void speaker_add(struct speaker *speaker, struct change change) {
    if (speaker->count == speaker->capacity) {
        speaker->capacity = speaker->capacity ? speaker->capacity * 2 : 16;
        speaker->changes =
            memory_resize(speaker->changes, speaker->capacity * sizeof *speaker->changes);
    }
    speaker->changes[speaker->count++] = change;
    speaker->current[change.key] = change.is_removal ? 0 : speaker->count;
}

void claims_set(struct claims *claims, unsigned node, unsigned key) {
    struct speaker *speaker = &claims->speakers[node];
    char value[40];
    speaker_add(speaker, (struct change){.key = key});
    snprintf(value, sizeof value, "%llu.%u",
             (unsigned long long)claims->crowd->nodes[node].generation, speaker->count);
    crowd_set(claims->crowd, node, bytes_of_text(key_names[key]), bytes_of_text(value));
}

void claims_remove(struct claims *claims, unsigned node, unsigned key) {
    struct speaker *speaker = &claims->speakers[node];
    if (speaker->current[key] == 0)
        return;
    speaker_add(speaker, (struct change){.key = key, .is_removal = true});
    crowd_set(claims->crowd, node, bytes_of_text(key_names[key]), BYTES_NONE);
}

void claims_life_begins(struct claims *claims, unsigned node) {
    struct speaker *speaker = &claims->speakers[node];
    memset(speaker->current, 0, sizeof speaker->current);
    memset(shown_of(claims, node, 0), 0, claims->crowd->node_count * sizeof(struct shown));
}

/* The end. */

static bool is_equal(const struct claims *claims, const struct gossip *gossip,
                     const struct gossip_member *member, unsigned subject) {
    const struct speaker *speaker = &claims->speakers[subject];
    for (unsigned key = 0; key < CLAIMS_KEYS; key++) {
        char value[40] = "";
        if (speaker->current[key] != 0)
            snprintf(value, sizeof value, "%llu.%u", (unsigned long long)member->who->generation,
                     speaker->current[key]);
        if (!bytes_equal(gossip_get(gossip, member, bytes_of_text(key_names[key])),
                         bytes_of_text(value)))
            return false;
    }
    return true;
}

static bool is_view_equal(const struct claims *claims, unsigned observer) {
    const struct gossip *gossip = claims->crowd->nodes[observer].gossip;
    for (size_t i = 0; gossip != NULL && i < gossip_member_count(gossip); i++) {
        const struct gossip_member *member = gossip_member_at(gossip, i);
        unsigned subject = crowd_node_of(claims->crowd, member->who->uuid);
        if (crowd_is_running(claims->crowd, subject) && !is_equal(claims, gossip, member, subject))
            return false;
    }
    return true;
}

bool claims_all_equal(const struct claims *claims) {
    for (unsigned i = 0; i < claims->crowd->node_count; i++)
        if (!is_view_equal(claims, i))
            return false;
    return true;
}

uint64_t claims_broken(const struct claims *claims) { return claims->broken; }
