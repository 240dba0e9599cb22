#include "console/console_status.h"

#include "base/text/json.h"
#include "member/gossip_call.h"
#include "member/gossip_news.h"
#include "member/gossiper.h"
#include "member/said_keys.h"
#include "member/shared_names.h"

/* In which order members are told, where there are more than may be. */
enum member_class { CLASS_SELF, CLASS_NODE, CLASS_MISSED_AGENT, CLASS_AGENT, CLASS_COUNT };

struct members_writer {
    const struct gossip *gossip;
    uint64_t now_us;
    struct shared_names shared;
    struct json *json;
    size_t told, maximum;
};

static enum member_class class_of(const struct gossip *gossip, const struct gossip_member *member) {
    struct bytes kind = gossip_get(gossip, member, BYTES_LITERAL(GOSSIP_SAYS_KIND));
    if (member == gossip_member_at(gossip, 0))
        return CLASS_SELF;
    if (!bytes_equal(kind, BYTES_LITERAL(GOSSIP_KIND_AGENT)))
        return CLASS_NODE;
    return member->state == GOSSIP_ALIVE ? CLASS_AGENT : CLASS_MISSED_AGENT;
}

/* Milliseconds since then; NULL in JSON: never. */
static void write_ago(const struct members_writer *writer, const char *name, uint64_t then_us) {
    if (then_us == 0)
        json_null(writer->json, name);
    else
        json_number(writer->json, name,
                    writer->now_us > then_us ? (writer->now_us - then_us) / 1000 : 0);
}

static void write_text(const struct members_writer *writer, const char *key, struct bytes text) {
    if (text.length > CONSOLE_TEXT_MAXIMUM_BYTES)
        text.length = CONSOLE_TEXT_MAXIMUM_BYTES;
    json_bytes(writer->json, key, text);
}

static void write_said(const struct members_writer *writer, const struct gossip_member *member,
                       const char *key) {
    write_text(writer, key, gossip_get(writer->gossip, member, bytes_of_text(key)));
}

static void write_who(const struct members_writer *writer, const struct gossip_member *member) {
    char id[GOSSIP_ID_TEXT_BYTES], address[NET_HOST_MAXIMUM + 10];
    struct net_address peer = {.port = member->who->address.port};
    memcpy(peer.host, member->who->address.host, sizeof peer.host);
    net_address_format(&peer, address);
    gossip_id_text(member->who->uuid, id);
    json_text(writer->json, "id", id);
    json_text(writer->json, "name", member->who->name);
    json_boolean(writer->json, "name_shared", shared_names_has(&writer->shared, member));
    json_text(writer->json, "address", address);
    json_number(writer->json, "generation", member->who->generation);
}

/* What this node found out about it. An offset without an error was not measured. */
static void write_contact(const struct members_writer *writer, const struct gossip_member *member) {
    bool is_self = member == gossip_member_at(writer->gossip, 0);
    json_boolean(writer->json, "self", is_self);
    json_text(writer->json, "state", gossip_state_text(member->state));
    write_ago(writer, "state_ms", member->state_since_us);
    write_ago(writer, "heard_ms_ago", is_self ? writer->now_us : member->contact->heard_us);
    json_number(writer->json, "round_trip_us", member->contact->round_trip_us);
    json_integer(writer->json, "clock_offset_us", member->contact->clock_offset_us);
    json_number(writer->json, "clock_error_us", member->contact->clock_error_us);
}

static void write_member(struct members_writer *writer, const struct gossip_member *member) {
    static const char *const said[] = {GOSSIP_SAYS_CLIENT,   GOSSIP_SAYS_ADMIN,
                                       GOSSIP_SAYS_VERSION,  GOSSIP_SAYS_CLUSTER,
                                       GOSSIP_SAYS_STANDING, GOSSIP_KEY_ZONE};
    json_open(writer->json, NULL, '{');
    write_who(writer, member);
    write_contact(writer, member);
    write_text(writer, GOSSIP_SAYS_KIND, gossip_call_kind(writer->gossip, member));
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        write_said(writer, member, said[i]);
    json_close(writer->json, '}');
    writer->told++;
}

static void write_members(struct members_writer *writer) {
    size_t count = gossip_member_count(writer->gossip);
    json_open(writer->json, "members", '[');
    for (int class = CLASS_SELF; class < CLASS_COUNT; class ++) {
        for (size_t i = 0; i < count && writer->told < writer->maximum; i++) {
            const struct gossip_member *member = gossip_member_at(writer->gossip, i);
            if (class_of(writer->gossip, member) == (enum member_class) class)
                write_member(writer, member);
        }
    }
    json_close(writer->json, ']');
    json_number(writer->json, "members_left_out", count - writer->told);
}

/* Of all members, those that are left out as well. */
static void write_counts(const struct gossip *gossip, struct json *json) {
    uint64_t counts[GOSSIP_STATE_COUNT] = {0};
    for (size_t i = 0; i < gossip_member_count(gossip); i++)
        counts[gossip_member_at(gossip, i)->state]++;
    json_open(json, "member_counts", '{');
    for (int state = 0; state < GOSSIP_STATE_COUNT; state++)
        json_number(json, gossip_state_text((enum gossip_member_state)state), counts[state]);
    json_close(json, '}');
}

static void write_rest(struct bytes workers, struct json *json, struct buffer *out) {
    if (workers.length > 0) {
        buffer_append_u8(out, ',');
        buffer_append_bytes(out, workers);
        return;
    }
    json_null(json, "durability");
    json_null(json, "cluster");
    json_open(json, "replicas", '[');
    json_close(json, ']');
}

void console_status_write_some(const struct gossiper *gossiper, struct bytes workers,
                               size_t member_maximum, struct buffer *out) {
    struct json json = {.out = out};
    const struct gossip *gossip = gossiper_gossip(gossiper);
    struct members_writer writer = {.gossip = gossip,
                                    .now_us = gossiper_now_us(gossiper),
                                    .json = &json,
                                    .maximum = member_maximum};
    shared_names_init(&writer.shared, gossip);
    json_open(&json, NULL, '{');
    json_number(&json, "format", CONSOLE_STATUS_FORMAT);
    json_text(&json, "version", TROTHDB_VERSION);
    write_counts(gossip, &json);
    write_members(&writer);
    write_rest(workers, &json, out);
    json_close(&json, '}');
    buffer_append_u8(out, '\n');
    shared_names_release(&writer.shared);
}

void console_status_write(const struct gossiper *gossiper, struct bytes workers,
                          struct buffer *out) {
    console_status_write_some(gossiper, workers, CONSOLE_MEMBER_MAXIMUM, out);
}
