/* What GOSSIP tells of members. A member is a map; what it says of itself stands under "tags",
 * without the keys that nodes say by themselves, of which those that help to find it stand beside.
 */
#include "member/gossip_call.h"
#include "member/gossip_news.h"
#include "member/said_keys.h"
#include "member/shared_names.h"
#include <strings.h>

enum { MEMBER_ID_PREFIX_BYTES = 8 /* an id may be shortened to so many digits */ };

/* ---- which members ---- */

struct member_filter {
    bool has_state;
    enum gossip_member_state state;
    struct bytes tag, value; /* BYTES_NONE: any */
};

/* False: the error is written. */
static bool parse_state(const struct gossip_call *call, struct bytes word,
                        struct member_filter *filter) {
    filter->has_state = gossip_state_parse(word, &filter->state);
    if (!filter->has_state)
        reply_error_format(call->reply,
                           "ERR no state is called '%.*s'; there are alive, suspect, dead, left "
                           "and joining",
                           (int)(word.length < 64 ? word.length : 64), (const char *)word.data);
    return filter->has_state;
}

/* Nobody says an empty key, or an empty value of one. */
static bool parse_tag(const struct gossip_call *call, struct bytes key, struct bytes value,
                      struct member_filter *filter) {
    filter->tag = key;
    filter->value = value;
    if (key.length > 0 && value.length > 0)
        return true;
    reply_error(call->reply, "ERR a tag is a key and a value, as in TAG role web");
    return false;
}

/* STATE and TAG, each once at the most. */
static bool parse_filter(const struct gossip_call *call, struct member_filter *filter) {
    const struct bytes *words = call->arguments;
    *filter = (struct member_filter){0};
    for (size_t i = 2, left; i < call->argument_count;) {
        left = call->argument_count - i;
        if (bytes_equal_ignoring_case(words[i], "state") && left > 1 && !filter->has_state) {
            if (!parse_state(call, words[i + 1], filter))
                return false;
            i += 2;
        } else if (bytes_equal_ignoring_case(words[i], "tag") && left > 2 && !filter->tag.length) {
            if (!parse_tag(call, words[i + 1], words[i + 2], filter))
                return false;
            i += 3;
        } else {
            reply_error(call->reply, REPLY_SYNTAX);
            return false;
        }
    }
    return true;
}

static bool is_wanted(const struct gossip *gossip, const struct gossip_member *member,
                      const struct member_filter *filter) {
    if (filter->has_state && member->state != filter->state)
        return false;
    return filter->tag.length == 0 ||
           bytes_equal(gossip_get(gossip, member, filter->tag), filter->value);
}

static bool is_called(const struct gossip_member *member, struct bytes who) {
    char id[GOSSIP_ID_TEXT_BYTES];
    if (bytes_equal(who, bytes_of_text(member->who->name)))
        return true;
    gossip_id_text(member->who->uuid, id);
    return who.length >= MEMBER_ID_PREFIX_BYTES && who.length < sizeof id &&
           strncasecmp(id, (const char *)who.data, who.length) == 0;
}

const struct gossip_member *gossip_call_member(const struct gossip_call *call, struct bytes who) {
    const struct gossip *gossip = gossiper_gossip(call->gossiper);
    const struct gossip_member *found = NULL;
    for (size_t i = 0; i < gossip_member_count(gossip); i++) {
        const struct gossip_member *member = gossip_member_at(gossip, i);
        if (is_called(member, who) && (found == NULL || (gossip_state_is_live(member->state) &&
                                                         !gossip_state_is_live(found->state))))
            found = member;
    }
    if (found == NULL)
        reply_error_format(call->reply, "ERR no member has the name or id '%.*s'",
                           (int)(who.length < 64 ? who.length : 64), (const char *)who.data);
    return found;
}

/* ---- one member ---- */

static void reply_text(struct reply *reply, const char *name, const char *text) {
    reply_bulk_text(reply, name);
    reply_bulk_text(reply, text);
}

static void reply_number(struct reply *reply, const char *name, uint64_t number) {
    reply_bulk_text(reply, name);
    reply_integer(reply, (int64_t)number);
}

static void reply_said(const struct gossip *gossip, const struct gossip_member *member,
                       const char *key, struct reply *reply) {
    reply_bulk_text(reply, key);
    struct bytes said = gossip_get(gossip, member, bytes_of_text(key));
    reply_bulk(reply, said.data != NULL ? said : BYTES_LITERAL(""));
}

struct bytes gossip_call_kind(const struct gossip *gossip, const struct gossip_member *member) {
    struct bytes said = gossip_get(gossip, member, BYTES_LITERAL(GOSSIP_SAYS_KIND));
    if (said.length > 0)
        return said;
    bool has_clients = gossip_get(gossip, member, BYTES_LITERAL(GOSSIP_SAYS_CLIENT)).length > 0;
    return has_clients ? BYTES_LITERAL("node") : BYTES_LITERAL("program");
}

static void reply_pairs(const struct gossip *gossip, const struct gossip_member *member,
                        bool with_own, struct reply *reply) {
    struct bytes key, value;
    uint64_t version;
    size_t position = 0, count = 0;
    while (gossip_walk_keys(gossip, member, &position, &key, &value, &version))
        count += with_own || !gossip_key_is_own(key);
    reply_map(reply, count);
    position = 0;
    while (gossip_walk_keys(gossip, member, &position, &key, &value, &version)) {
        if (!with_own && gossip_key_is_own(key))
            continue;
        reply_bulk(reply, key);
        reply_bulk(reply, value);
    }
}

/* Milliseconds since then; -1: never. */
static int64_t ago_ms(uint64_t now_us, uint64_t then_us) {
    return then_us == 0 ? -1 : now_us > then_us ? (int64_t)((now_us - then_us) / 1000) : 0;
}

static void reply_one(const struct gossip_call *call, const struct gossip_member *member,
                      const struct shared_names *shared) {
    const struct gossip *gossip = gossiper_gossip(call->gossiper);
    struct reply *reply = call->reply;
    bool is_self = member == gossip_member_at(gossip, 0);
    uint64_t now_us = gossiper_now_us(call->gossiper);
    char id[GOSSIP_ID_TEXT_BYTES], address[NET_HOST_MAXIMUM + 10];
    struct net_address peer = {.port = member->who->address.port};
    memcpy(peer.host, member->who->address.host, sizeof peer.host);
    net_address_format(&peer, address);
    gossip_id_text(member->who->uuid, id);
    reply_map(reply, 20);
    reply_text(reply, "id", id);
    reply_text(reply, "name", member->who->name);
    reply_number(reply, "name_shared", shared_names_has(shared, member));
    reply_text(reply, "state", gossip_state_text(member->state));
    reply_text(reply, "address", address);
    reply_said(gossip, member, GOSSIP_SAYS_CLIENT, reply);
    reply_said(gossip, member, GOSSIP_SAYS_ADMIN, reply);
    reply_bulk_text(reply, GOSSIP_SAYS_KIND);
    reply_bulk(reply, gossip_call_kind(gossip, member));
    reply_said(gossip, member, GOSSIP_SAYS_VERSION, reply);
    reply_said(gossip, member, GOSSIP_KEY_ZONE, reply);
    reply_number(reply, "generation", member->who->generation);
    reply_number(reply, "incarnation", member->who->incarnation);
    reply_number(reply, "self", is_self);
    reply_number(reply, "round_trip_us", member->contact->round_trip_us);
    reply_number(reply, "heard_ms_ago",
                 (uint64_t)(is_self ? 0 : ago_ms(now_us, member->contact->heard_us)));
    /* As a signed number; error 0: not measured. */
    reply_number(reply, "clock_offset_us", (uint64_t)member->contact->clock_offset_us);
    reply_number(reply, "clock_error_us", member->contact->clock_error_us);
    reply_number(reply, "wire", (uint64_t)gossip_wire_version(gossip, member)); /* -1: not heard */
    reply_number(reply, "state_ms", (uint64_t)ago_ms(now_us, member->state_since_us));
    reply_bulk_text(reply, "tags");
    reply_pairs(gossip, member, false, reply);
}

/* ---- the commands ---- */

void gossip_reply_members(const struct gossip_call *call) {
    const struct gossip *gossip = gossiper_gossip(call->gossiper);
    struct member_filter filter;
    size_t count = 0, all = gossip_member_count(gossip);
    if (!parse_filter(call, &filter))
        return;
    for (size_t i = 0; i < all; i++)
        count += is_wanted(gossip, gossip_member_at(gossip, i), &filter);
    struct shared_names shared;
    shared_names_init(&shared, gossip);
    reply_array(call->reply, count);
    for (size_t i = 0; i < all; i++)
        if (is_wanted(gossip, gossip_member_at(gossip, i), &filter))
            reply_one(call, gossip_member_at(gossip, i), &shared);
    shared_names_release(&shared);
}

void gossip_reply_member(const struct gossip_call *call) {
    const struct gossip_member *member = gossip_call_member(call, call->arguments[2]);
    if (member == NULL)
        return;
    struct shared_names shared;
    shared_names_init(&shared, gossiper_gossip(call->gossiper));
    reply_one(call, member, &shared);
    shared_names_release(&shared);
}

void gossip_reply_key(const struct gossip_call *call) {
    const struct gossip_member *member = gossip_call_member(call, call->arguments[2]);
    if (member == NULL)
        return;
    struct bytes value = gossip_get(gossiper_gossip(call->gossiper), member, call->arguments[3]);
    if (value.length > 0)
        reply_bulk(call->reply, value);
    else
        reply_null(call->reply);
}

void gossip_reply_keys(const struct gossip_call *call) {
    const struct gossip_member *member = gossip_call_member(call, call->arguments[2]);
    if (member != NULL)
        reply_pairs(gossiper_gossip(call->gossiper), member, true, call->reply);
}
