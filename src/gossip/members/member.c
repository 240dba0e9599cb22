#include "gossip/members/member.h"
#include "base/planted.h"
#include "base/text/hex.h"
#include <stdio.h>

void member_record(const struct member *member, struct codec_record *record) {
    const struct gossip_member *shown = &member->shown;
    *record = (struct codec_record){.generation = shown->who->generation,
                                    .incarnation = shown->who->incarnation,
                                    .state = shown->state,
                                    .address = shown->who->address,
                                    .created_us = shown->who->created_us};
    memcpy(record->uuid, shown->who->uuid, GOSSIP_UUID_BYTES);
    memcpy(record->name, shown->who->name, sizeof record->name);
    /* The newest accuser: the others were told of when they accused. */
    if (shown->state == GOSSIP_SUSPECT || shown->state == GOSSIP_DEAD)
        memcpy(record->accuser, shown->who->said_by, GOSSIP_UUID_BYTES);
}

static int compare_numbers(uint64_t a, uint64_t b) { return a < b ? -1 : a > b; }

/* Joining and alive are the same news: the difference is the member's alone to tell, by raising its
 * incarnation. */
static uint64_t member_rank(enum gossip_member_state state) {
    return state == GOSSIP_JOINING ? GOSSIP_ALIVE : state;
}

int member_compare_lives(const struct member_life *a, const struct member_life *b) {
    int order =
        PLANTED(GOSSIP_GENERATION_IGNORED) ? 0 : compare_numbers(a->generation, b->generation);
    if (order == 0)
        order = compare_numbers(a->state == GOSSIP_LEFT, b->state == GOSSIP_LEFT);
    if (order == 0)
        order = compare_numbers(a->incarnation, b->incarnation);
    return order ? order : compare_numbers(member_rank(a->state), member_rank(b->state));
}

void member_log(const struct log *log, enum log_level level, const char *what,
                const struct member *member) {
    if (log == NULL || level < log->level)
        return;
    char uuid[HEX_TEXT_BYTES(GOSSIP_UUID_BYTES)], address[GOSSIP_HOST_MAXIMUM + 10];
    hex_write(member->shown.who->uuid, GOSSIP_UUID_BYTES, uuid);
    snprintf(address, sizeof address, "%s:%u", member->shown.who->address.host,
             (unsigned)member->shown.who->address.port);
    log_line(log, level, what, LOG_T("member", uuid), LOG_T("name", member->shown.who->name),
             LOG_T("address", address), LOG_F("generation", member->shown.who->generation),
             LOG_F("incarnation", member->shown.who->incarnation));
}
