#include "gossip/instance/identity.h"
#include "gossip/instance/hash.h"
#include "gossip/instance/sending.h"
#include "gossip/members/member.h"

static void identity_take(struct gossip *gossip, struct member *member,
                          const struct codec_record *record) {
    const struct gossip_identity *before = member->shown.who;
    member->shown.who = pool_identity(gossip->pool, record);
    identity_release(gossip->pool, before);
}

void identity_stamp(struct gossip *gossip, struct member *member, uint64_t created_us) {
    struct codec_record record;
    member_record(member, &record);
    record.created_us = created_us;
    identity_take(gossip, member, &record);
}

void identity_raise(struct gossip *gossip, uint64_t incarnation) {
    struct codec_record record;
    member_record(gossip->self, &record);
    record.incarnation = incarnation;
    record.created_us = gossip->wall_us;
    identity_take(gossip, gossip->self, &record);
    hash_member(gossip, gossip->self);
}

void identity_accuse(struct gossip *gossip, struct member *member,
                     const uint8_t accuser[GOSSIP_UUID_BYTES], uint64_t created_us) {
    struct codec_record record;
    member_record(member, &record);
    memcpy(record.accuser, accuser, GOSSIP_UUID_BYTES);
    record.created_us = created_us;
    identity_take(gossip, member, &record);
}

void identity_adopt(struct gossip *gossip, struct member *member,
                    const struct codec_record *record) {
    const struct gossip_identity *before = member->shown.who;
    struct codec_record adopted = *record;
    if (record->generation == before->generation)
        memcpy(adopted.name, before->name, sizeof adopted.name);
    const struct gossip_identity *after = pool_identity(gossip->pool, &adopted);
    member->shown.who = after;
    if (after->address.port != before->address.port ||
        strcmp(after->address.host, before->address.host) != 0)
        gossip_changed(gossip, GOSSIP_CHANGE_ADDRESS, member, BYTES_NONE);
    identity_release(gossip->pool, before);
}
