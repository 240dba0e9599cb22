#include "base/check.h"
#include "base/error.h"
#include "io/net.h"
#include "library/inside.h"
#include <assert.h>

static_assert((int)TROTH_GOSSIP_UUID_BYTES == (int)GOSSIP_UUID_BYTES, "as the header says");
static_assert((int)TROTH_GOSSIP_HOST_BYTES == (int)GOSSIP_HOST_MAXIMUM, "as the header says");
static_assert((int)TROTH_GOSSIP_HOST_BYTES == (int)NET_HOST_MAXIMUM, "as the header says");
static_assert((int)TROTH_GOSSIP_KEY_MAXIMUM == (int)GOSSIP_KEY_MAXIMUM, "as the header says");
static_assert((int)TROTH_GOSSIP_KEYS_MAXIMUM == (int)GOSSIP_KEYS_PER_MEMBER_MAXIMUM,
              "as the header says");
static_assert((int)TROTH_GOSSIP_VALUE_MAXIMUM == (int)GOSSIP_VALUE_MAXIMUM, "as the header says");
static_assert((int)TROTH_GOSSIP_DATAGRAM_MAXIMUM == (int)GOSSIP_DATAGRAM_MAXIMUM,
              "as the header says");
static_assert((size_t)TROTH_GOSSIP_NAME_BYTES == sizeof(((struct gossip_identity *)0)->name),
              "as the header says");

/* ---- codes and texts ---- */

const char *troth_gossip_version(void) { return TROTHDB_VERSION; }

static int error_of(int code) {
    switch (code) {
    case 0:
        return 0;
    case ERR_LIMIT:
        return TROTH_GOSSIP_LIMIT;
    case ERR_NOT_FOUND:
        return TROTH_GOSSIP_NOT_FOUND;
    case ERR_IO:
    case ERR_NO_SPACE:
        return TROTH_GOSSIP_IO;
    case ERR_REFUSED:
        return TROTH_GOSSIP_REFUSED;
    default:
        return TROTH_GOSSIP_INVALID;
    }
}

const char *troth_gossip_error_text(int code) {
    switch (code) {
    case 0:
        return "no error";
    case TROTH_GOSSIP_INVALID:
        return "an argument is not what it must be";
    case TROTH_GOSSIP_LIMIT:
        return "too long, or too many";
    case TROTH_GOSSIP_NOT_FOUND:
        return "not found";
    case TROTH_GOSSIP_IO:
        return "a file or a socket failed";
    case TROTH_GOSSIP_REFUSED:
        return "not allowed as things are";
    default:
        return "an unknown error";
    }
}

int library_complain(int code, struct buffer *sentence, char *problem, size_t problem_bytes) {
    if (code != 0 && problem != NULL && problem_bytes > 0) {
        size_t length = sentence->length < problem_bytes ? sentence->length : problem_bytes - 1;
        if (length > 0)
            memcpy(problem, buffer_data(sentence), length);
        problem[length] = 0;
    }
    buffer_release(sentence);
    return error_of(code);
}

int troth_gossip_address_parse(struct troth_gossip_address *address, const char *text) {
    struct net_address parsed;
    if (net_address_parse(&parsed, bytes_of_text(text)) != 0)
        return TROTH_GOSSIP_INVALID;
    *address = (struct troth_gossip_address){.port = parsed.port};
    memcpy(address->host, parsed.host, sizeof address->host);
    return 0;
}

bool library_is_address(const struct troth_gossip_address *address) {
    struct net_address same = {.port = address->port}, parsed;
    char text[NET_HOST_MAXIMUM + 10];
    if (memchr(address->host, 0, sizeof address->host) == NULL)
        return false;
    memcpy(same.host, address->host, sizeof same.host);
    net_address_format(&same, text);
    return net_address_parse(&parsed, bytes_of_text(text)) == 0;
}

/* ---- looking in ---- */

static enum troth_gossip_state shown_state(enum gossip_member_state state) {
    switch (state) {
    case GOSSIP_ALIVE:
        return TROTH_GOSSIP_ALIVE;
    case GOSSIP_SUSPECT:
        return TROTH_GOSSIP_SUSPECT;
    case GOSSIP_DEAD:
        return TROTH_GOSSIP_DEAD;
    case GOSSIP_LEFT:
        return TROTH_GOSSIP_LEFT;
    case GOSSIP_JOINING:
        return TROTH_GOSSIP_JOINING;
    }
    UNREACHABLE();
}

const char *troth_gossip_state_text(enum troth_gossip_state state) {
    static const char *const texts[] = {[TROTH_GOSSIP_ALIVE] = "alive",
                                        [TROTH_GOSSIP_SUSPECT] = "suspect",
                                        [TROTH_GOSSIP_DEAD] = "dead",
                                        [TROTH_GOSSIP_LEFT] = "left",
                                        [TROTH_GOSSIP_JOINING] = "joining"};
    return (unsigned)state < sizeof texts / sizeof *texts ? texts[state] : "unknown";
}

void library_show_member(const struct troth_gossip *gossip, const struct gossip_member *member,
                         struct troth_gossip_member *out) {
    *out = (struct troth_gossip_member){.generation = member->who->generation,
                                        .address.port = member->who->address.port,
                                        .state = shown_state(member->state),
                                        .is_self = member == gossip_member_at(gossip->gossip, 0),
                                        .round_trip_us = member->contact->round_trip_us,
                                        .heard_us = member->contact->heard_us,
                                        .state_since_us = member->state_since_us};
    memcpy(out->uuid, member->who->uuid, sizeof out->uuid);
    memcpy(out->address.host, member->who->address.host, sizeof out->address.host);
    memcpy(out->name, member->who->name, sizeof out->name);
}

size_t troth_gossip_member_count(const struct troth_gossip *gossip) {
    return gossip_member_count(gossip->gossip);
}

bool troth_gossip_member_at(const struct troth_gossip *gossip, size_t position,
                            struct troth_gossip_member *out) {
    const struct gossip_member *member = gossip_member_at(gossip->gossip, position);
    if (member == NULL)
        return false;
    library_show_member(gossip, member, out);
    return true;
}

bool troth_gossip_member_find(const struct troth_gossip *gossip,
                              const uint8_t uuid[TROTH_GOSSIP_UUID_BYTES],
                              struct troth_gossip_member *out) {
    const struct gossip_member *member = gossip_member_of(gossip->gossip, uuid);
    if (member == NULL)
        return false;
    library_show_member(gossip, member, out);
    return true;
}

bool troth_gossip_get(const struct troth_gossip *gossip,
                      const uint8_t uuid[TROTH_GOSSIP_UUID_BYTES], const char *key,
                      struct troth_gossip_bytes *value) {
    const struct gossip_member *member = gossip_member_of(gossip->gossip, uuid);
    if (member == NULL)
        return false;
    struct bytes found = gossip_get(gossip->gossip, member, bytes_of_text(key));
    if (found.length == 0)
        return false;
    *value = (struct troth_gossip_bytes){found.data, found.length};
    return true;
}

bool troth_gossip_walk(const struct troth_gossip *gossip,
                       const uint8_t uuid[TROTH_GOSSIP_UUID_BYTES], size_t *position,
                       struct troth_gossip_bytes *key, struct troth_gossip_bytes *value) {
    const struct gossip_member *member = gossip_member_of(gossip->gossip, uuid);
    struct bytes found_key, found_value;
    uint64_t version;
    if (member == NULL ||
        !gossip_walk_keys(gossip->gossip, member, position, &found_key, &found_value, &version))
        return false;
    *key = (struct troth_gossip_bytes){found_key.data, found_key.length};
    *value = (struct troth_gossip_bytes){found_value.data, found_value.length};
    return true;
}

bool troth_gossip_round_trip_us(const struct troth_gossip *gossip,
                                const uint8_t a[TROTH_GOSSIP_UUID_BYTES],
                                const uint8_t b[TROTH_GOSSIP_UUID_BYTES], uint64_t *out_us) {
    const struct gossip_member *from = gossip_member_of(gossip->gossip, a),
                               *to = gossip_member_of(gossip->gossip, b);
    return from != NULL && to != NULL && gossip_round_trip_us(gossip->gossip, from, to, out_us);
}

void troth_gossip_counters(const struct troth_gossip *gossip, struct troth_gossip_counters *out) {
    struct gossip_counters inner;
    gossip_counters(gossip->gossip, &inner);
    *out = (struct troth_gossip_counters){.datagrams_sent = inner.datagrams_sent,
                                          .datagrams_received = inner.datagrams_received,
                                          .bytes_sent = inner.bytes_sent,
                                          .bytes_received = inner.bytes_received,
                                          .malformed = inner.malformed,
                                          .replayed = inner.replayed,
                                          .probes_sent = inner.probes_sent,
                                          .probes_failed = inner.probes_failed,
                                          .indirect_probes = inner.indirect_probes,
                                          .suspicions = inner.suspicions,
                                          .refutations = inner.refutations,
                                          .deaths = inner.deaths,
                                          .local_health = inner.local_health};
}
