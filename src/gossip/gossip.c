#include "gossip/gossip.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "gossip/detect/detect_room.h"
#include "gossip/detect/healing.h"
#include "gossip/detect/judging.h"
#include "gossip/detect/observer.h"
#include "gossip/detect/outcome.h"
#include "gossip/detect/probe.h"
#include "gossip/detect/record.h"
#include "gossip/detect/relay.h"
#include "gossip/detect/skew.h"
#include "gossip/detect/suspicion.h"
#include "gossip/detect/watch.h"
#include "gossip/forgetting.h"
#include "gossip/hearing.h"
#include "gossip/instance/bucket.h"
#include "gossip/instance/identity.h"
#include "gossip/instance/instance.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/news/broadcast.h"
#include "gossip/news/nearness.h"
#include "gossip/news/news.h"
#include "gossip/news/news_room.h"
#include "gossip/news/pace.h"
#include "gossip/news/state.h"
#include "gossip/sync/asking.h"
#include "gossip/sync/joining.h"
#include "gossip/sync/more.h"
#include "gossip/sync/serving.h"
#include "gossip/sync/sync_room.h"
#include "gossip/wire/replay.h"

enum { NAP_SHARE = 10 /* a lag above this part of the probe timeout counts */ };

/* Making and ending. */

struct gossip_pool *gossip_pool_new(void) {
    return pool_new();
}

void gossip_pool_free(struct gossip_pool *pool) { pool_free(pool); }

struct gossip_scratch *gossip_scratch_new(void) {
    return scratch_new();
}

void gossip_scratch_free(struct gossip_scratch *scratch) { scratch_free(scratch); }

static void gossip_take_timing(struct gossip *gossip, const struct gossip_timing *timing) {
    gossip->timing = *timing;
    timing_bound(&gossip->timing);
    pace_set(gossip);
}

void gossip_set_timing(struct gossip *gossip, const struct gossip_timing *timing) {
    gossip_take_timing(gossip, timing);
    watch_set_rings(gossip);
    observer_reschedule(gossip);
    healing_reschedule(gossip);
    forgetting_reschedule(gossip);
    local_health_change(gossip, 0);
}

static void gossip_add_self(struct gossip *gossip, const struct gossip_options *options) {
    struct codec_record record = {.generation = options->generation, .address = options->address};
    memcpy(record.uuid, options->uuid, GOSSIP_UUID_BYTES);
    memcpy(record.name, options->name, sizeof record.name);
    record.name[sizeof record.name - 1] = 0;
    for (char *at = record.name; *at != 0; at++)
        if (*at <= ' ' || *at >= 0x7f)
            *at = '_'; /* as it may stand in a datagram */
    gossip->self = roster_add(gossip, &record);
    watch_init(gossip);
    record_set_state(gossip, gossip->self, GOSSIP_JOINING);
    joining_begin(gossip);
    news_add(gossip, gossip->self, NULL, GOSSIP_CLUSTER);
}

struct gossip *gossip_new(const struct gossip_options *options) {
    CHECK(options->address.port != 0);
    CHECK(options->generation < CODEC_NUMBER_MAXIMUM);
    struct gossip *gossip = memory_allocate_zeroed(1, sizeof *gossip);
    gossip->news = news_room_new();
    gossip->sync = sync_room_new();
    gossip_take_timing(gossip, &options->timing);
    gossip->log = options->log;
    gossip->has_own_pool = options->pool == NULL;
    gossip->pool = gossip->has_own_pool ? pool_new() : options->pool;
    gossip->has_streams = options->has_streams;
    gossip->now_us = options->now_us;
    random_init(&gossip->random, options->seed);
    gossip->detect = detect_room_new(gossip);
    bucket_init(gossip);
    nearness_init(gossip);
    gossip->replay = options->is_sealed ? replay_new() : NULL;
    gossip->has_own_scratch = options->scratch == NULL;
    gossip->scratch = gossip->has_own_scratch ? scratch_new() : options->scratch;
    gossip->writer = &gossip->scratch->writer;
    gossip_add_self(gossip, options);
    gossip->deadline_us = GOSSIP_NEVER; /* until the first step says */
    return gossip;
}

void gossip_free(struct gossip *gossip) {
    if (gossip == NULL)
        return;
    replay_free(gossip->replay);
    serving_free(gossip);
    forgetting_all(gossip);
    if (gossip->has_own_pool)
        pool_free(gossip->pool);
    sync_room_free(gossip->sync);
    detect_room_free(gossip->detect);
    news_room_free(gossip->news);
    if (gossip->has_own_scratch)
        scratch_free(gossip->scratch);
    memory_free(gossip);
}

/* Events. */

static void gossip_say(struct gossip *gossip, struct bytes key, struct bytes value,
                       enum gossip_priority priority) {
    int status = ERR_INVALID;
    if (!coordinate_is_key(key))
        status = state_set(gossip, key, value, priority == GOSSIP_URGENT ? GOSSIP_REST : priority);
    if (status)
        log_line(gossip->log, LOG_WARN, "key not told to the cluster",
                 LOG_T("cause", error_text(status)), LOG_F("key_bytes", key.length),
                 LOG_F("value_bytes", value.length));
}

static void gossip_leave(struct gossip *gossip) {
    if (gossip->self->shown.state == GOSSIP_LEFT)
        return;
    record_set_state(gossip, gossip->self, GOSSIP_LEFT);
    identity_stamp(gossip, gossip->self, gossip->wall_us);
    gossip_changed(gossip, GOSSIP_CHANGE_STATE, gossip->self, BYTES_NONE);
    news_add(gossip, gossip->self, NULL, GOSSIP_URGENT);
    broadcast_goodbye(gossip);
}

/* Woken far later than asked for: this process stood still, or the machine slept. Whoever did not
 * answer meanwhile is not to blame; this node is (Lifeguard's local health, from its own lag). */
static void gossip_notice_lag(struct gossip *gossip) {
    uint64_t lag_us =
        gossip->now_us > gossip->deadline_us ? gossip->now_us - gossip->deadline_us : 0;
    if (lag_us <= gossip->timing.probe_timeout_us / NAP_SHARE || PLANTED(GOSSIP_LAG_IGNORED))
        return;
    suspicion_postpone(gossip, lag_us);
    probe_postpone(gossip, lag_us);
    if (lag_us <= gossip->timing.probe_timeout_us)
        return;
    probe_cancel_all(gossip);
    local_health_change(gossip, 1);
    log_line(gossip->log, LOG_WARN, "gossip was late", LOG_F("lag_us", lag_us));
}

static void gossip_handle(struct gossip *gossip, const struct gossip_event *event) {
    switch (event->kind) {
    case GOSSIP_TICK:
        return;
    case GOSSIP_DATAGRAM:
        hearing_datagram(gossip, &event->address, event->bytes);
        return;
    case GOSSIP_SET:
        gossip_say(gossip, event->key, event->value, event->priority);
        return;
    case GOSSIP_SEED:
        healing_seed(gossip, &event->address);
        joining_has_seed(gossip);
        return;
    case GOSSIP_LEAVE:
        gossip_leave(gossip);
        return;
    case GOSSIP_CONTACT:
        outcome_contact(gossip, event->uuid);
        return;
    case GOSSIP_STREAM_PIECE:
        asking_piece(gossip, event->stream, event->bytes);
        return;
    case GOSSIP_STREAM_ENDED:
        asking_ended(gossip, event->stream, event->outcome);
        return;
    case GOSSIP_STREAM_ASKED:
        serving_asked(gossip, event->stream, event->bytes);
        return;
    case GOSSIP_STREAM_ROOM:
        serving_room(gossip, event->stream);
        return;
    case GOSSIP_STREAM_GONE:
        serving_gone(gossip, event->stream);
        return;
    }
}

static uint64_t gossip_next_deadline_us(const struct gossip *gossip) {
    uint64_t deadline_us = probe_deadline_us(gossip);
    if (gossip->self->shown.state != GOSSIP_LEFT) {
        deadline_us = earlier(deadline_us, healing_deadline_us(gossip));
        deadline_us = earlier(deadline_us, observer_deadline_us(gossip));
    }
    deadline_us =
        earlier(deadline_us, earlier(judging_deadline_us(gossip), joining_deadline_us(gossip)));
    deadline_us = earlier(deadline_us, more_deadline_us(gossip));
    deadline_us = earlier(deadline_us, asking_deadline_us(gossip));
    deadline_us = earlier(deadline_us, serving_deadline_us(gossip));
    return earlier(deadline_us, broadcast_deadline_us(gossip));
}

void gossip_step(struct gossip *gossip, const struct gossip_event *event,
                 struct gossip_actions *actions) {
    if (event->now_us > gossip->now_us)
        gossip->now_us = event->now_us;
    gossip->wall_us = event->wall_us <= CODEC_NUMBER_MAXIMUM ? event->wall_us : 0;
    sending_clear(gossip);
    bucket_fill(gossip);
    gossip_notice_lag(gossip);
    forgetting_run(gossip);
    state_forget_removed(gossip);
    gossip_handle(gossip, event);
    joining_run(gossip);
    more_run(gossip);
    relay_run(gossip);
    outcome_run(gossip);
    if (gossip->self->shown.state != GOSSIP_LEFT) {
        healing_run(gossip);
        observer_run(gossip);
    }
    judging_run(gossip);
    asking_run(gossip);
    serving_run(gossip);
    nearness_run(gossip);
    broadcast_run(gossip);
    skew_run(gossip);
    pace_run(gossip);
    gossip->deadline_us = gossip_next_deadline_us(gossip);
    sending_hand_out(gossip, actions);
}
