#include "gossip/detect/doubt.h"
#include "base/planted.h"
#include "gossip/detect/suspicion.h"
#include "gossip/instance/roster.h"
#include "gossip/members/member.h"

size_t doubt_choose(struct gossip *gossip, const struct member *but, size_t wanted,
                    const struct member **out) {
    size_t found = 0,
           open_count = PLANTED(GOSSIP_SUSPICION_UNASKED) ? 0 : gossip->detect->open.count;
    for (size_t i = 0; i < open_count && found < wanted; i++) {
        const struct due *end =
            due_at(&gossip->detect->open, gossip->detect->doubt_turn++ % open_count);
        const struct member *suspect = DUE_ELEMENT(end, const struct suspicion, end)->member;
        if (suspect != but)
            out[found++] = suspect;
    }
    return found;
}

static bool is_contradicted(const struct member *member, const struct codec_record *record) {
    if (member == NULL || (record->state != GOSSIP_SUSPECT && record->state != GOSSIP_DEAD))
        return false;
    const struct member_life known = member_life_of(member), said = member_life_of_record(record);
    return member_compare_lives(&said, &known) < 0;
}

size_t doubt_contradicted(const struct gossip *gossip, const struct codec_message *message,
                          size_t wanted, const struct member **out) {
    struct cursor records = cursor_of(message->records);
    size_t found = 0;
    while (cursor_left(&records) > 0 && found < wanted) {
        struct codec_record record;
        codec_read_record(&records, &message->wire, &record);
        const struct member *member = member_find(gossip, record.uuid);
        if (is_contradicted(member, &record))
            out[found++] = member;
    }
    return found;
}
