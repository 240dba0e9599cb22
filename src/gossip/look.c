#include "gossip/gossip.h"
#include "gossip/instance/roster.h"
#include "gossip/members/chain.h"
#include "gossip/news/nearness.h"

size_t gossip_member_count(const struct gossip *gossip) { return gossip->member_count; }

const struct gossip_member *gossip_member_at(const struct gossip *gossip, size_t position) {
    return position < gossip->member_count ? &gossip->members[position]->shown : NULL;
}

const struct gossip_member *gossip_member_of(const struct gossip *gossip,
                                             const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    const struct member *member = member_find(gossip, uuid);
    return member != NULL ? &member->shown : NULL;
}

struct bytes gossip_get(const struct gossip *gossip, const struct gossip_member *member,
                        struct bytes key) {
    (void)gossip;
    const struct entry *entry = chain_find(member_behind(member)->chain, key);
    return entry != NULL ? entry_value(entry) : BYTES_NONE;
}

bool gossip_walk_keys(const struct gossip *gossip, const struct gossip_member *shown,
                      size_t *position, struct bytes *key, struct bytes *value, uint64_t *version) {
    (void)gossip;
    const struct chain *chain = member_behind(shown)->chain;
    while (*position < chain->count) {
        const struct entry *entry = chain->links[(*position)++].entry;
        if (entry->is_removed || coordinate_is_key(entry_key(entry)))
            continue;
        *key = entry_key(entry);
        *value = entry_value(entry);
        *version = entry->version;
        return true;
    }
    return false;
}

void gossip_counters(const struct gossip *gossip, struct gossip_counters *out) {
    *out = gossip->counters;
    out->tokens_left = gossip->bucket.tokens;
}

const char *gossip_datagram_kind(struct bytes datagram) {
    static const char *const names[] = {
#define MESSAGE(name, number, text) [number] = #name,
#define SECTION(name, tag)
#include "gossip/wire/gossip_message.def"
#undef MESSAGE
#undef SECTION
    };
    uint8_t kind = datagram.length > 1 ? datagram.data[1] : 0;
    return kind < sizeof names / sizeof *names && names[kind] != NULL ? names[kind] : "unknown";
}

/* Nearness. */

int gossip_wire_version(const struct gossip *gossip, const struct gossip_member *shown) {
    const struct contact *contact = contact_of(member_behind(shown));
    unsigned ours = gossip->timing.wire_maximum;
    if (shown == &gossip->self->shown)
        return (int)ours;
    if (contact->shown.heard_us == 0)
        return -1;
    return (int)(contact->wire_version < ours ? contact->wire_version : ours);
}

bool gossip_round_trip_us(const struct gossip *gossip, const struct gossip_member *a,
                          const struct gossip_member *b, uint64_t *out_us) {
    uint64_t error_us;
    return nearness_estimate(gossip, member_behind(a), member_behind(b), out_us, &error_us);
}
