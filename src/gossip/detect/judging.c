#include "gossip/detect/judging.h"
#include "base/planted.h"
#include "gossip/detect/ping.h"
#include "gossip/detect/record.h"
#include "gossip/detect/suspicion.h"
#include "gossip/instance/roster.h"
#include "gossip/members/member.h"

enum {
    ANSWER_SHARE = 4, /* of the probe timeout: what a ping is given before it is repeated */
    HEARERS = 3,
    CALLED_TOGETHER = 8 /* suspects in one ping; of more, others are asked in the next one */
};

void judging_accuse(struct gossip *gossip, struct member *member) {
    if (member->shown.state == GOSSIP_SUSPECT) {
        suspicion_confirm(gossip, member, gossip->self->shown.who->uuid, gossip->wall_us);
        return;
    }
    gossip->counters.suspicions++;
    record_declare(gossip, member, GOSSIP_SUSPECT);
}

/* The last call. */

static uint64_t answer_us(const struct gossip *gossip) {
    return PLANTED(GOSSIP_JUDGED_ASLEEP) ? 0 : gossip->timing.probe_timeout_us / ANSWER_SHARE;
}

/* Those that end before an answer could come are asked about together. */
static size_t call_together(struct gossip *gossip, const struct member **called) {
    uint64_t answered_us = gossip->now_us + answer_us(gossip);
    size_t count = 0;
    struct suspicion *ending;
    while (count < CALLED_TOGETHER &&
           (ending = suspicion_first(&gossip->detect->open, answered_us)) != NULL) {
        suspicion_called(gossip, ending, answered_us);
        called[count++] = ending->member;
    }
    return count;
}

static void ask_others(struct gossip *gossip, const struct member *const *called, size_t count) {
    struct member *candidates[2 * HEARERS];
    size_t found = member_choose(gossip, called[0], 2 * HEARERS, candidates), asked = 0;
    for (size_t i = 0; i < found && asked < HEARERS; i++)
        if (candidates[i]->shown.state == GOSSIP_ALIVE) {
            ping_about(gossip, candidates[i], called, count);
            asked++;
        }
}

static void make_last_call(struct gossip *gossip) {
    while (suspicion_first(&gossip->detect->open, gossip->now_us) != NULL) {
        const struct member *called[CALLED_TOGETHER];
        size_t count = call_together(gossip, called);
        if (!PLANTED(GOSSIP_SUSPICION_UNASKED))
            ask_others(gossip, called, count);
    }
}

/* The end. */

/* A newcomer may be one that nobody can reach, and who has left only answers. */
static bool may_judge(const struct gossip *gossip) {
    return gossip->self->shown.state == GOSSIP_ALIVE;
}

static uint64_t judging_next_us(const struct gossip *gossip) {
    const struct due *open = due_first(&gossip->detect->open),
                     *called = due_first(&gossip->detect->called);
    uint64_t open_us = open != NULL ? open->time_us : GOSSIP_NEVER,
             called_us = called != NULL ? called->time_us : GOSSIP_NEVER;
    return earlier(open_us, called_us);
}

void judging_run(struct gossip *gossip) {
    if (gossip->now_us < gossip->detect->suspicion_us || !may_judge(gossip))
        return;
    make_last_call(gossip);
    const struct suspicion *over;
    while ((over = suspicion_first(&gossip->detect->called, gossip->now_us)) != NULL)
        record_declare(gossip, over->member, GOSSIP_DEAD);
    /* Thousands that fell silent together end one after the other, and not each by its own turn. */
    gossip->detect->suspicion_us =
        later(judging_next_us(gossip), gossip->now_us + gossip->timing.flush_us);
}

uint64_t judging_deadline_us(const struct gossip *gossip) {
    return may_judge(gossip) ? gossip->detect->suspicion_us : GOSSIP_NEVER;
}
