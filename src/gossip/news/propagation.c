#include "gossip/news/propagation.h"
#include "base/planted.h"
#include "gossip/instance/roster.h"
#include "gossip/members/member.h"
#include "gossip/news/news_room.h"
#include "gossip/news/pace.h"
#include "gossip/terms/text.h"
#include <stdio.h>

#define PROPAGATION_ERROR_US     (50 * UINT64_C(1000)) /* what is known worse is not counted */
#define PROPAGATION_LONGEST_US   (3600 * GOSSIP_SECOND_US)
#define PROPAGATION_LOG_PAUSE_US (10 * GOSSIP_SECOND_US)

/* The id of a piece of news: the same on every node, from what the piece is of. */

enum trace_of { TRACE_RECORD, TRACE_ENTRY };

static uint32_t propagation_trace(enum trace_of what, const struct gossip_member *member,
                                  uint64_t first, uint64_t second) {
    uint8_t bytes[GOSSIP_UUID_BYTES + 3 * 8 + 1];
    const uint64_t numbers[3] = {member->who->generation, first, second};
    memcpy(bytes, member->who->uuid, GOSSIP_UUID_BYTES);
    for (size_t i = 0; i < 24; i++) /* little-endian, so that it is the same on every machine */
        bytes[GOSSIP_UUID_BYTES + i] = (uint8_t)(numbers[i / 8] >> (8 * (i % 8)));
    bytes[sizeof bytes - 1] = (uint8_t)what;
    return (uint32_t)bytes_hash(bytes_of(bytes, sizeof bytes), 0);
}

static uint32_t propagation_trace_entry(const struct member *member, const struct entry *entry) {
    return propagation_trace(TRACE_ENTRY, &member->shown, entry->version, 0);
}

static void propagation_log(const struct gossip *gossip, enum log_level level, const char *what,
                            uint32_t trace, const char *type, const struct gossip_member *subject,
                            uint64_t delay_us) {
    if (gossip->log == NULL || level < gossip->log->level)
        return;
    char text[GOSSIP_TRACE_DIGITS + 1];
    snprintf(text, sizeof text, "%08x", (unsigned)trace);
    log_line(gossip->log, level, what, LOG_T("trace", text), LOG_T("type", type),
             LOG_T("of", subject->who->name), LOG_F("delay_us", delay_us));
}

/* How long it took; false, and counted, if that cannot be said. */
static bool propagation_measure(struct gossip *gossip, const struct member *origin,
                                uint64_t created_us, uint64_t *delay_us) {
    struct gossip_counters *counters = &gossip->counters;
    if (created_us == 0) {
        counters->propagation_undated++;
        return false;
    }
    uint64_t error_us = 0;
    if (origin != NULL && clock_offset_is_known(&contact_of(origin)->clock))
        error_us = clock_offset_error_us(&contact_of(origin)->clock, gossip->now_us);
    if (error_us == 0 || error_us > PROPAGATION_ERROR_US) {
        counters->propagation_uncorrected++;
        return false;
    }
    int64_t said_us =
        (int64_t)created_us - contact_of(origin)->clock.apart_us; /* by our monotonic clock */
    int64_t took_us = (int64_t)gossip->now_us - said_us;
    if (took_us < -(int64_t)error_us || took_us > (int64_t)PROPAGATION_LONGEST_US) {
        counters->propagation_implausible++;
        return false;
    }
    *delay_us = took_us > 0 ? (uint64_t)took_us : 0;
    return said_us >= (int64_t)gossip->met_us;
}

/* News that took longer than the goal is worth a line, now and then. */
static enum log_level propagation_level(struct gossip *gossip, uint64_t delay_us) {
    if (delay_us <= gossip->timing.goal_us || gossip->now_us < gossip->news->slow_log_us)
        return LOG_DEBUG;
    gossip->news->slow_log_us = gossip->now_us + PROPAGATION_LOG_PAUSE_US;
    return LOG_INFO;
}

static void propagation_heard(struct gossip *gossip, enum gossip_news_type type, uint32_t trace,
                              const struct member *origin, uint64_t created_us,
                              const struct gossip_member *subject) {
    if (PLANTED(GOSSIP_TRACE_UNTIED))
        trace ^=
            (uint32_t)bytes_hash(bytes_of(gossip->self->shown.who->uuid, GOSSIP_UUID_BYTES), 0);
    uint64_t delay_us;
    if (!propagation_measure(gossip, origin, created_us, &delay_us))
        return;
    pace_heard(gossip, delay_us);
    propagation_log(gossip, propagation_level(gossip, delay_us), "news heard", trace,
                    gossip_news_text(type), subject, delay_us);
    if (gossip->propagation_count < GOSSIP_PROPAGATION_MAXIMUM)
        gossip->propagations[gossip->propagation_count++] =
            (struct gossip_propagation){.type = type, .delay_us = delay_us, .trace = trace};
}

static enum gossip_news_type record_type(const struct codec_record *record,
                                         enum gossip_member_state before) {
    switch (record->state) {
    case GOSSIP_SUSPECT:
        return GOSSIP_NEWS_SUSPICION;
    case GOSSIP_DEAD:
        return GOSSIP_NEWS_DEATH;
    case GOSSIP_LEFT:
        return GOSSIP_NEWS_LEAVE;
    case GOSSIP_ALIVE:
    case GOSSIP_JOINING:
        break;
    }
    bool was_accused = before == GOSSIP_SUSPECT || before == GOSSIP_DEAD;
    return was_accused ? GOSSIP_NEWS_REFUTATION : GOSSIP_NEWS_JOIN;
}

void propagation_heard_record(struct gossip *gossip, const struct member *member,
                              const struct codec_record *record, enum gossip_member_state before) {
    bool is_accusation = record->state == GOSSIP_SUSPECT || record->state == GOSSIP_DEAD;
    const struct member *origin = is_accusation ? member_find(gossip, record->accuser) : member;
    if (origin == gossip->self)
        return; /* found out here, not heard */
    uint32_t trace = propagation_trace(TRACE_RECORD, &member->shown, record->incarnation,
                                       (uint64_t)record->state);
    propagation_heard(gossip, record_type(record, before), trace, origin, record->created_us,
                      &member->shown);
}

void propagation_heard_entry(struct gossip *gossip, const struct member *member,
                             const struct entry *entry, const enum gossip_priority *priority) {
    static const enum gossip_news_type types[GOSSIP_PRIORITY_COUNT] = {
        [GOSSIP_URGENT] = GOSSIP_NEWS_CLUSTER,
        [GOSSIP_CLUSTER] = GOSSIP_NEWS_CLUSTER,
        [GOSSIP_STATE] = GOSSIP_NEWS_STATE,
        [GOSSIP_REST] = GOSSIP_NEWS_REST};
    enum gossip_news_type type = priority != NULL ? types[*priority] : GOSSIP_NEWS_MENDED;
    propagation_heard(gossip, type, propagation_trace_entry(member, entry), member,
                      entry->created_us, &member->shown);
}

void propagation_said(struct gossip *gossip, const struct member *member,
                      const struct entry *entry) {
    propagation_log(gossip, LOG_DEBUG, "news said", propagation_trace_entry(member, entry),
                    entry->is_removed ? "removal" : "key", &member->shown, 0);
}
