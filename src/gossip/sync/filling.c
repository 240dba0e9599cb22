#include "gossip/sync/filling.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/members/chain.h"
#include "gossip/members/member.h"
#include "gossip/sync/sync_room.h"
#include "gossip/wire/packing.h"

struct filling filling_for(struct gossip *gossip, const struct gossip_address *from,
                           const struct codec_message *message) {
    const struct member *member = member_find(gossip, message->sender);
    bool is_this_life = member != NULL && member->shown.who->generation == message->generation;
    return (struct filling){.gossip = gossip,
                            .to = from,
                            .member = is_this_life ? member : NULL,
                            .datagrams_left = GOSSIP_SYNC_DATAGRAMS};
}

static void filling_close_list(struct filling *filling) {
    if (filling->section != 0)
        codec_list_end(filling->gossip->writer);
    filling->section = 0;
}

struct filling filling_piece_for(struct gossip *gossip, const struct member *member) {
    return (struct filling){
        .gossip = gossip, .member = member, .is_piece = true, .datagrams_left = 1};
}

void filling_flush(struct filling *filling) {
    if (!filling->is_open)
        return;
    filling_close_list(filling);
    if (filling->is_piece) /* whoever asked for it has it sent */
        return;
    gossip_send(filling->gossip, filling->to);
    filling->is_open = false;
    filling->datagrams_left--;
}

static bool filling_grow(struct filling *filling) {
    struct gossip *gossip = filling->gossip;
    return packing_grow(gossip->writer, gossip->timing.compress_min_bytes);
}

/* What is open takes no more: room is made by compressing it, or it is sent. False: neither. */
static bool filling_make_room(struct filling *filling) {
    if (filling->is_piece) {
        filling->is_full = true;
        filling_close_list(filling);
        return false;
    }
    if (!filling_grow(filling))
        filling_flush(filling);
    return true;
}

static void filling_begin(struct filling *filling) {
    gossip_begin(filling->gossip, CODEC_FILL, filling->member);
    if (filling->is_piece)
        codec_widen(filling->gossip->writer);
    filling->is_open = true;
}

/* Opens a list of that section, in a new datagram if need be: a datagram has each section once,
 * records before entries. */
static bool filling_want(struct filling *filling, enum codec_section section) {
    if (filling->is_open && filling->section == section)
        return true;
    if (filling->is_open && section == CODEC_SECTION_RECORDS)
        filling_flush(filling);
    if (!filling->is_open && filling->datagrams_left == 0)
        filling->is_full = true;
    if (filling->is_full)
        return false;
    if (!filling->is_open)
        filling_begin(filling);
    filling_close_list(filling);
    if (!codec_list_begin(filling->gossip->writer, section))
        return filling_make_room(filling) && filling_want(filling, section);
    filling->section = section;
    return true;
}

static bool filling_is_older(const struct member *member, const struct codec_digest *known) {
    const struct member_life ours = member_life_of(member), theirs = member_life_of_digest(known);
    return member_compare_lives(&theirs, &ours) < 0;
}

void filling_add_record(struct filling *filling, const struct member *member,
                        const struct codec_digest *known) {
    if (!filling_is_older(member, known))
        return;
    struct codec_record record;
    member_record(member, &record);
    while (filling_want(filling, CODEC_SECTION_RECORDS))
        if (codec_write_record(filling->gossip->writer, &record) || !filling_make_room(filling))
            return;
}

static bool filling_group_begin(struct filling *filling, const struct member *member) {
    struct codec_group group = {.generation = member->shown.who->generation,
                                .floor = member->chain->floor};
    memcpy(group.uuid, member->shown.who->uuid, GOSSIP_UUID_BYTES);
    while (filling_want(filling, CODEC_SECTION_ENTRIES)) {
        if (codec_group_begin(filling->gossip->writer, &group))
            return true;
        if (!filling_make_room(filling))
            return false;
    }
    return false;
}

static bool filling_add_entry(struct filling *filling, const struct member *member,
                              const struct codec_entry *entry) {
    struct codec_writer *writer = filling->gossip->writer;
    do {
        if (writer->group_at != 0 && codec_write_entry(writer, entry))
            return true;
    } while (!filling->is_piece && filling_grow(filling));
    if (writer->group_at != 0)
        codec_group_end(writer);
    filling->is_full = filling->is_piece;
    filling_flush(filling);
    return filling_group_begin(filling, member) && codec_write_entry(writer, entry);
}

static struct codec_entry filling_entry(const struct member *member, const struct entry *entry) {
    return (struct codec_entry){.version = entry->version,
                                .previous = chain_previous(member->chain, entry),
                                .is_removed = entry->is_removed,
                                .key = entry_key(entry),
                                .value = entry_value(entry),
                                .created_us = entry->created_us};
}

/* And the word that there is no more. */
void filling_add_above(struct filling *filling, const struct member *member, uint64_t version) {
    filling->version = version;
    if (!filling_group_begin(filling, member))
        return;
    bool is_going_on = true;
    for (size_t i = chain_position(member->chain, version); i < member->chain->count && is_going_on;
         i++) {
        struct codec_entry written = filling_entry(member, member->chain->links[i].entry);
        is_going_on = filling_add_entry(filling, member, &written);
        if (is_going_on)
            filling->version = written.version;
    }
    size_t position = chain_position(member->chain, member->chain->version);
    uint64_t last = position > 0 ? member->chain->links[position - 1].entry->version : 0;
    struct codec_entry end = {.version = member->chain->version, .previous = last};
    if (is_going_on && last < member->chain->version)
        is_going_on = filling_add_entry(filling, member, &end);
    if (filling->gossip->writer->group_at != 0)
        codec_group_end(filling->gossip->writer);
}

/* Are entries of it lacked, and above which version? */
static bool filling_lacks(const struct member *member, const struct codec_digest *known,
                          uint64_t *version) {
    if (known->generation > member->shown.who->generation || !chain_is_whole(member->chain) ||
        !member_is_live(member))
        return false;
    bool is_same_life = known->generation == member->shown.who->generation;
    uint64_t floor = is_same_life ? known->floor : 0;
    *version = is_same_life ? known->version : 0;
    if (floor < member->chain->floor && *version < member->chain->floor)
        *version = 0; /* it may have missed a removal: it starts over */
    return *version < member->chain->version || floor < member->chain->floor;
}

void filling_add_entries(struct filling *filling, const struct member *member,
                         const struct codec_digest *known) {
    uint64_t version;
    if (filling_lacks(member, known, &version))
        filling_add_above(filling, member, version);
}

size_t filling_bytes(const struct gossip *gossip, const struct member *member,
                     const struct codec_digest *known) {
    struct codec_wire wire = {.version = (uint8_t)gossip->timing.wire_maximum,
                              .wall_us = gossip->wall_us};
    struct codec_record record;
    struct codec_group group = {.generation = member->shown.who->generation,
                                .floor = member->chain->floor};
    uint64_t version;
    size_t bytes = 0;
    member_record(member, &record);
    if (filling_is_older(member, known))
        bytes += codec_record_bytes(&wire, &record);
    if (!filling_lacks(member, known, &version))
        return bytes;
    bytes += codec_group_bytes(&group);
    for (size_t i = chain_position(member->chain, version); i < member->chain->count; i++) {
        struct codec_entry entry = filling_entry(member, member->chain->links[i].entry);
        bytes += codec_entry_bytes(&wire, &entry);
    }
    return bytes;
}
