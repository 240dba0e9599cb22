#include "gossip/doubt.h"
#include "base/planted.h"
#include "gossip/member.h"
#include "gossip/probe.h"
#include "gossip/suspicion.h"

enum {
    ANSWER_SHARE = 4, /* of the probe timeout: what a ping is given before it is repeated */
    HEARERS = 3,
    CALLED_TOGETHER = 8 /* suspects in one ping; of more, others are asked in the next one */
};

/* In pings. */

size_t doubt_choose(struct gossip *gossip, const struct member *but, size_t wanted,
                    const struct member **out) {
    size_t found = 0, open_count = PLANTED(GOSSIP_SUSPICION_UNASKED) ? 0 : gossip->open.count;
    for (size_t i = 0; i < open_count && found < wanted; i++) {
        const struct due *end = due_at(&gossip->open, gossip->doubt_turn++ % open_count);
        const struct member *suspect = DUE_ELEMENT(end, const struct suspicion, end)->member;
        if (suspect != but)
            out[found++] = suspect;
    }
    return found;
}

static bool is_contradicted(const struct member *member, const struct codec_record *record) {
    if (member == NULL || (record->state != GOSSIP_SUSPECT && record->state != GOSSIP_DEAD))
        return false;
    const struct member_life known = member_life_of(member),
                             said = {.generation = record->generation,
                                     .incarnation = record->incarnation,
                                     .state = record->state};
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

/* The last call. */

static uint64_t doubt_answer_us(const struct gossip *gossip) {
    return PLANTED(GOSSIP_JUDGED_ASLEEP) ? 0 : gossip->timing.probe_timeout_us / ANSWER_SHARE;
}

/* Those that end before an answer could come are asked about together. */
static size_t doubt_call(struct gossip *gossip, const struct member **called) {
    uint64_t answered_us = gossip->now_us + doubt_answer_us(gossip);
    size_t count = 0;
    struct suspicion *ending;
    while (count < CALLED_TOGETHER &&
           (ending = suspicion_first(&gossip->open, answered_us)) != NULL) {
        suspicion_called(gossip, ending, answered_us);
        called[count++] = ending->member;
    }
    return count;
}

static void doubt_ask(struct gossip *gossip, const struct member *const *called, size_t count) {
    struct member *candidates[2 * HEARERS];
    size_t found = member_choose(gossip, called[0], 2 * HEARERS, candidates), asked = 0;
    for (size_t i = 0; i < found && asked < HEARERS; i++)
        if (candidates[i]->shown.state == GOSSIP_ALIVE) {
            probe_ask_about(gossip, candidates[i], called, count);
            asked++;
        }
}

void doubt_last_call(struct gossip *gossip) {
    while (suspicion_first(&gossip->open, gossip->now_us) != NULL) {
        const struct member *called[CALLED_TOGETHER];
        size_t count = doubt_call(gossip, called);
        if (!PLANTED(GOSSIP_SUSPICION_UNASKED))
            doubt_ask(gossip, called, count);
    }
}
