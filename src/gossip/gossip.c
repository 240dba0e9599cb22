#include "gossip/gossip.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "gossip/asking.h"
#include "gossip/broadcast.h"
#include "gossip/bucket.h"
#include "gossip/digest.h"
#include "gossip/healing.h"
#include "gossip/instance.h"
#include "gossip/joining.h"
#include "gossip/member.h"
#include "gossip/nearness.h"
#include "gossip/observer.h"
#include "gossip/pace.h"
#include "gossip/packing.h"
#include "gossip/probe.h"
#include "gossip/replay.h"
#include "gossip/roster.h"
#include "gossip/serving.h"
#include "gossip/skew.h"
#include "gossip/state.h"
#include "gossip/suspicion.h"

/* What one step may send and change is bounded by what one datagram can ask for, far below these.
 */
enum {
    OUTBOX_BYTES_MAXIMUM = 8 << 20,
    CHANGE_BYTES_MAXIMUM = 8 << 20,
    SHORTEST_INTERVAL_US = 1000,
    NAP_SHARE = 10 /* a lag above this part of the probe timeout counts */
};

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

#define COUNT_EPOCH_US UINT64_C(1767225600000000) /* 2026-01-01, Unix time */

/* Making and ending. */

static void gossip_take_timing(struct gossip *gossip, const struct gossip_timing *timing) {
    gossip->timing = *timing;
    if (gossip->timing.probe_interval_us < SHORTEST_INTERVAL_US)
        gossip->timing.probe_interval_us = SHORTEST_INTERVAL_US;
    if (gossip->timing.probe_timeout_us < SHORTEST_INTERVAL_US)
        gossip->timing.probe_timeout_us = SHORTEST_INTERVAL_US;
    if (gossip->timing.fan_out == 0)
        gossip->timing.fan_out = GOSSIP_FAN_OUT;
    if (gossip->timing.fan_out > GOSSIP_FAN_OUT_MAXIMUM)
        gossip->timing.fan_out = GOSSIP_FAN_OUT_MAXIMUM;
    if (gossip->timing.goal_us == 0)
        gossip->timing.goal_us = GOSSIP_GOAL_MS * (GOSSIP_SECOND_US / 1000);
    if (gossip->timing.wire_maximum > GOSSIP_WIRE_MAXIMUM)
        gossip->timing.wire_maximum = GOSSIP_WIRE_MAXIMUM;
    pace_set(gossip);
}

void gossip_set_timing(struct gossip *gossip, const struct gossip_timing *timing) {
    gossip_take_timing(gossip, timing);
    observer_reschedule(gossip);
    gossip->deadline_us = earlier(gossip->deadline_us, gossip->probe_us);
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
    observer_init(gossip);
    member_set_state(gossip, gossip->self, GOSSIP_JOINING);
    joining_begin(gossip);
    broadcast_add(gossip, gossip->self, NULL, GOSSIP_CLUSTER);
}

struct gossip *gossip_new(const struct gossip_options *options) {
    CHECK(options->address.port != 0);
    CHECK(options->generation < CODEC_NUMBER_MAXIMUM);
    struct gossip *gossip = memory_allocate_zeroed(1, sizeof *gossip);
    gossip_take_timing(gossip, &options->timing);
    gossip->log = options->log;
    gossip->has_own_pool = options->pool == NULL;
    gossip->pool = gossip->has_own_pool ? gossip_pool_new() : options->pool;
    list_init(&gossip->suspicions);
    list_init(&gossip->contacts);
    list_init(&gossip->servings);
    gossip->has_streams = options->has_streams;
    gossip->now_us = options->now_us;
    random_init(&gossip->random, options->seed);
    bucket_init(gossip);
    nearness_init(gossip);
    gossip->sequence = random_next(&gossip->random);
    gossip->round_us = gossip->suspicion_us = gossip->news_us = GOSSIP_NEVER;
    gossip->probe_us =
        options->now_us + random_below(&gossip->random, gossip->timing.probe_interval_us);
    for (unsigned priority = 0; priority < GOSSIP_PRIORITY_COUNT; priority++)
        for (unsigned sent = 0; sent < GOSSIP_SENT_MAXIMUM; sent++)
            list_init(&gossip->news[priority][sent]);
    gossip->replay = options->is_sealed ? replay_new() : NULL;
    codec_writer_init(&gossip->writer);
    buffer_init(&gossip->packed, GOSSIP_DATAGRAM_MAXIMUM);
    buffer_init(&gossip->unpacked, 2 * GOSSIP_STREAM_MESSAGE_MAXIMUM);
    buffer_init(&gossip->outbox_bytes, OUTBOX_BYTES_MAXIMUM);
    buffer_init(&gossip->change_bytes, CHANGE_BYTES_MAXIMUM);
    gossip_add_self(gossip, options);
    gossip->deadline_us = GOSSIP_NEVER; /* until the first step says */
    return gossip;
}

void gossip_free(struct gossip *gossip) {
    if (gossip == NULL)
        return;
    replay_free(gossip->replay);
    serving_free(gossip);
    healing_free(gossip);
    roster_release(gossip);
    if (gossip->has_own_pool)
        gossip_pool_free(gossip->pool);
    memory_free(gossip->relays);
    memory_free(gossip->seeds);
    codec_writer_release(&gossip->writer);
    buffer_release(&gossip->packed);
    buffer_release(&gossip->unpacked);
    buffer_release(&gossip->outbox_bytes);
    buffer_release(&gossip->change_bytes);
    memory_free(gossip->outbox);
    memory_free(gossip->changed);
    memory_free(gossip->datagrams);
    memory_free(gossip->changes);
    memory_free(gossip->streams);
    memory_free(gossip->stream_actions);
    memory_free(gossip);
}

/* What the parts put out. */

/* Whoever is not well by what is known of it may be back as an older release by now. */
static unsigned gossip_version_for(const struct gossip *gossip, const struct member *to) {
    if (to == NULL || (to->shown.state != GOSSIP_ALIVE && to->shown.state != GOSSIP_JOINING))
        return 0;
    unsigned ours = gossip->timing.wire_maximum, theirs = contact_of(to)->wire_version;
    return ours < theirs ? ours : theirs;
}

/* It begins at the milliseconds of the wall clock since 2026: a life that is begun twice under one
 * generation, from a copied disk, is heard again at once and not when it has sent as much as
 * before.
 */
static uint64_t gossip_next_count(struct gossip *gossip) {
    if (gossip->written_count == 0 && gossip->wall_us > COUNT_EPOCH_US)
        gossip->written_count = (gossip->wall_us - COUNT_EPOCH_US) / 1000;
    return ++gossip->written_count;
}

void gossip_turn_to(struct gossip *gossip, const uint8_t *uuid, uint64_t generation) {
    gossip->partner = (struct partner){.is_set = uuid != NULL, .generation = generation};
    if (uuid != NULL)
        memcpy(gossip->partner.uuid, uuid, GOSSIP_UUID_BYTES);
}

/* Whoever is answered has said itself in which life it is. */
static void gossip_write_life(struct gossip *gossip, const struct member *to) {
    const struct partner *partner = &gossip->partner;
    const struct gossip_identity *who = to != NULL ? to->shown.who : NULL;
    bool is_partner = partner->is_set &&
                      (who == NULL || memcmp(who->uuid, partner->uuid, GOSSIP_UUID_BYTES) == 0);
    if (is_partner)
        codec_write_life(&gossip->writer, codec_life(partner->uuid, partner->generation));
    else if (who != NULL)
        codec_write_life(&gossip->writer, codec_life(who->uuid, who->generation));
}

void gossip_begin(struct gossip *gossip, enum codec_kind kind, const struct member *to) {
    struct codec_wire wire = {.version = (uint8_t)gossip_version_for(gossip, to)};
    if (wire.version > 0)
        wire.wall_us = gossip->wall_us;
    const struct gossip_member *self = &gossip->self->shown;
    codec_begin(&gossip->writer, &wire, kind, self->who->uuid, self->who->generation);
    if (wire.version < gossip->timing.wire_maximum)
        codec_write_wire(&gossip->writer, gossip->timing.wire_maximum);
    if (self->state == GOSSIP_JOINING)
        codec_write_joining(&gossip->writer);
    if (gossip->replay == NULL)
        return;
    codec_write_count(&gossip->writer, gossip_next_count(gossip));
    gossip_write_life(gossip, to);
}

/* Comparing is what can wait: the next probe finds the same difference again. */
static bool is_comparison(enum codec_kind kind) {
    return kind == CODEC_DIGEST || kind == CODEC_PULL || kind == CODEC_FILL;
}

void gossip_send(struct gossip *gossip, const struct gossip_address *to) {
    if (is_comparison(gossip->writer.kind) && !bucket_admits(gossip, BUCKET_COMPARISON))
        gossip->counters.dropped_for_bandwidth++;
    else
        gossip_send_surely(gossip, to);
}

void gossip_send_surely(struct gossip *gossip, const struct gossip_address *to) {
    struct bytes bytes = packing_pack(gossip, GOSSIP_DATAGRAM_MAXIMUM);
    if (bytes.length == 0)
        return; /* it grew beyond what it could be packed into: the next comparison mends it */
    bucket_spend(gossip, bytes.length);
    size_t at = gossip->outbox_bytes.length;
    buffer_append_bytes(&gossip->outbox_bytes, bytes);
    CHECK(!gossip->outbox_bytes.is_overflowed);
    if (gossip->outbox_count == gossip->outbox_capacity) {
        gossip->outbox_capacity = gossip->outbox_capacity ? gossip->outbox_capacity * 2 : 16;
        gossip->outbox =
            memory_resize(gossip->outbox, gossip->outbox_capacity * sizeof *gossip->outbox);
    }
    gossip->outbox[gossip->outbox_count++] =
        (struct outgoing){.to = *to, .at = at, .length = bytes.length};
    gossip->counters.datagrams_sent++;
    gossip->counters.bytes_sent += bytes.length;
}

void gossip_try_stream(struct gossip *gossip, const struct gossip_member *member) {
    if (gossip->try_count == GOSSIP_STREAM_TRY_MAXIMUM)
        return;
    struct gossip_stream_try *try = &gossip->tries[gossip->try_count++];
    gossip->counters.stream_tries++;
    try->address = member->who->address;
    memcpy(try->uuid, member->who->uuid, GOSSIP_UUID_BYTES);
}

void gossip_stream(struct gossip *gossip, const struct gossip_stream_action *action,
                   struct bytes bytes) {
    if (gossip->stream_count == gossip->stream_capacity) {
        gossip->stream_capacity = gossip->stream_capacity ? gossip->stream_capacity * 2 : 4;
        gossip->streams =
            memory_resize(gossip->streams, gossip->stream_capacity * sizeof *gossip->streams);
    }
    struct stream_out *out = &gossip->streams[gossip->stream_count++];
    *out = (struct stream_out){.action = *action, .at = gossip->outbox_bytes.length};
    out->action.bytes.length = bytes.length;
    buffer_append_bytes(&gossip->outbox_bytes, bytes);
    CHECK(!gossip->outbox_bytes.is_overflowed);
}

static void buffer_shrink(struct buffer *buffer) {
    size_t maximum_bytes = buffer->maximum_bytes;
    buffer_release(buffer);
    buffer_init(buffer, maximum_bytes);
}

void gossip_shrink(struct gossip *gossip) {
    buffer_shrink(&gossip->writer.buffer);
    buffer_shrink(&gossip->packed);
    buffer_shrink(&gossip->unpacked);
}

void gossip_changed(struct gossip *gossip, enum gossip_change_kind kind,
                    const struct member *member, struct bytes key) {
    if (nearness_is_own_key(key))
        return;
    size_t at = gossip->change_bytes.length;
    buffer_append_bytes(&gossip->change_bytes, key);
    CHECK(!gossip->change_bytes.is_overflowed);
    if (gossip->changed_count == gossip->changed_capacity) {
        gossip->changed_capacity = gossip->changed_capacity ? gossip->changed_capacity * 2 : 16;
        gossip->changed =
            memory_resize(gossip->changed, gossip->changed_capacity * sizeof *gossip->changed);
    }
    gossip->changed[gossip->changed_count++] = (struct changed){
        .kind = kind, .member = &member->shown, .key_at = at, .key_length = key.length};
}

/* Events. */

static void gossip_hear_record(struct gossip *gossip, const struct codec_message *message,
                               struct member *known, struct codec_record *record) {
    if (message->is_joining && record->state == GOSSIP_ALIVE &&
        memcmp(record->uuid, message->sender, GOSSIP_UUID_BYTES) == 0)
        record->state = GOSSIP_JOINING;
    if (PLANTED(GOSSIP_RELAY_IS_CONTACT))
        probe_contact(gossip, record->uuid);
    if (known == NULL) /* unless an earlier record of the same datagram has brought it */
        known = member_find(gossip, record->uuid);
    member_hear(gossip, known, record, message->kind != CODEC_FILL);
}

static void gossip_hear_records(struct gossip *gossip, const struct codec_message *message) {
    struct codec_record records[INDEX_FIND_MAXIMUM];
    const uint8_t *uuids[INDEX_FIND_MAXIMUM];
    struct member *known[INDEX_FIND_MAXIMUM];
    struct cursor in = cursor_of(message->records);
    while (cursor_left(&in) > 0) {
        size_t count = 0;
        while (cursor_left(&in) > 0 && count < INDEX_FIND_MAXIMUM) {
            codec_read_record(&in, &message->wire, &records[count]);
            uuids[count] = records[count].uuid;
            count++;
        }
        index_find_all(&gossip->index, gossip->members, uuids, count, known);
        for (size_t i = 0; i < count; i++)
            gossip_hear_record(gossip, message, known[i], &records[i]);
    }
}

static void gossip_hear_news(struct gossip *gossip, const struct codec_message *message) {
    bool is_told_on = message->kind != CODEC_FILL;
    struct cursor groups = cursor_of(message->groups);
    gossip_hear_records(gossip, message);
    struct codec_group group;
    for (size_t i = 0; cursor_left(&groups) > 0; i++) {
        codec_read_group(&groups, &group);
        enum gossip_priority priority = codec_priority_of(message, i);
        state_hear(gossip, &message->wire, &group, is_told_on ? &priority : NULL);
    }
}

static void gossip_dispatch(struct gossip *gossip, const struct gossip_address *from,
                            const struct codec_message *message) {
    switch (message->kind) {
    case CODEC_PING:
        probe_pinged(gossip, from, message);
        return;
    case CODEC_ACK:
        probe_acknowledged(gossip, from, message);
        return;
    case CODEC_ASK:
        probe_asked(gossip, from, message);
        return;
    case CODEC_NACK:
        probe_nacked(gossip, message);
        return;
    case CODEC_DIGEST:
        digest_hear(gossip, from, message);
        return;
    case CODEC_PULL:
        digest_pulled(gossip, from, message);
        return;
    case CODEC_PACKED:
    case CODEC_FILL:
        joining_copied(gossip, message);
        if (message->has_stream)
            asking_offered(gossip, message);
        return;
    case CODEC_NEWS:
        return;
    }
}

bool gossip_hear(struct gossip *gossip, const struct codec_message *message) {
    if (gossip->met_us == 0)
        gossip->met_us = gossip->now_us;
    gossip_hear_news(gossip, message);
    struct member *sender = member_find(gossip, message->sender);
    if (sender == NULL)
        return true;
    if (message->generation == sender->shown.who->generation) {
        roster_contact(gossip, sender)->shown.heard_us = gossip->now_us;
        roster_contact(gossip, sender)->wire_version = (uint8_t)message->newest_version;
    }
    return message->generation >= sender->shown.who->generation;
}

enum replay_verdict gossip_judge(struct gossip *gossip, const struct codec_message *message) {
    const struct gossip_identity *self = gossip->self->shown.who;
    if (gossip->replay == NULL)
        return REPLAY_NEW;
    bool is_for_this_life =
        message->has_life && message->life == codec_life(self->uuid, self->generation);
    enum replay_verdict verdict = replay_judge(gossip->replay, message->sender, message->generation,
                                               message->count, is_for_this_life);
    gossip->counters.replayed += verdict == REPLAY_OLD;
    gossip->counters.unproven += verdict == REPLAY_UNPROVEN;
    return verdict;
}

static void gossip_answer_unproven(struct gossip *gossip, const struct gossip_address *from,
                                   const struct codec_message *message) {
    if (!replay_is_new_ask(gossip->replay, message->sender, message->generation, message->count))
        return;
    gossip->counters.unproven_answered++;
    probe_pinged_unproven(gossip, from, message);
}

static void gossip_receive(struct gossip *gossip, const struct gossip_address *from,
                           struct bytes bytes) {
    struct codec_message message;
    gossip->counters.datagrams_received++;
    gossip->counters.bytes_received += bytes.length;
    if (bytes.length > GOSSIP_DATAGRAM_MAXIMUM ||
        packing_unpack(bytes, PACKING_RAW_MAXIMUM, &gossip->unpacked, &bytes) ||
        codec_decode(&message, bytes)) {
        gossip->counters.malformed++;
        return;
    }
    if (memcmp(message.sender, gossip->self->shown.who->uuid, GOSSIP_UUID_BYTES) == 0) {
        probe_met_self(gossip, &message);
        return;
    }
    gossip_turn_to(gossip, message.sender, message.generation);
    enum replay_verdict verdict = gossip_judge(gossip, &message);
    if (verdict == REPLAY_UNPROVEN && message.kind == CODEC_PING)
        gossip_answer_unproven(gossip, from, &message);
    /* Of an earlier life only pings are answered, with the news that there is a later one. */
    if (verdict == REPLAY_NEW && (gossip_hear(gossip, &message) || message.kind == CODEC_PING))
        gossip_dispatch(gossip, from, &message);
    gossip_turn_to(gossip, NULL, 0);
}

static void gossip_say(struct gossip *gossip, struct bytes key, struct bytes value,
                       enum gossip_priority priority) {
    int status = ERR_INVALID;
    if (!nearness_is_own_key(key))
        status = state_set(gossip, key, value, priority == GOSSIP_URGENT ? GOSSIP_REST : priority);
    if (status)
        log_line(gossip->log, LOG_WARN, "key not told to the cluster",
                 LOG_T("cause", error_text(status)), LOG_F("key_bytes", key.length),
                 LOG_F("value_bytes", value.length));
}

static void gossip_leave(struct gossip *gossip) {
    if (gossip->self->shown.state == GOSSIP_LEFT)
        return;
    member_set_state(gossip, gossip->self, GOSSIP_LEFT);
    member_stamp(gossip, gossip->self, gossip->wall_us);
    gossip_changed(gossip, GOSSIP_CHANGE_STATE, gossip->self, BYTES_NONE);
    broadcast_add(gossip, gossip->self, NULL, GOSSIP_URGENT);
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
        gossip_receive(gossip, &event->address, event->bytes);
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
        probe_contact(gossip, event->uuid);
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
    deadline_us = earlier(deadline_us, earlier(gossip->suspicion_us, joining_deadline_us(gossip)));
    deadline_us = earlier(deadline_us, asking_deadline_us(gossip));
    deadline_us = earlier(deadline_us, serving_deadline_us(gossip));
    return earlier(deadline_us, gossip->news_us);
}

static void gossip_hand_out_streams(struct gossip *gossip) {
    const uint8_t *bytes = buffer_data(&gossip->outbox_bytes);
    if (gossip->stream_action_capacity < gossip->stream_count) {
        gossip->stream_action_capacity = gossip->stream_capacity;
        gossip->stream_actions = memory_resize(
            gossip->stream_actions, gossip->stream_capacity * sizeof *gossip->stream_actions);
    }
    for (size_t i = 0; i < gossip->stream_count; i++) {
        gossip->stream_actions[i] = gossip->streams[i].action;
        gossip->stream_actions[i].bytes.data = bytes + gossip->streams[i].at;
    }
}

static void gossip_hand_out(struct gossip *gossip, struct gossip_actions *actions) {
    if (gossip->datagram_capacity < gossip->outbox_count) {
        gossip->datagram_capacity = gossip->outbox_capacity;
        gossip->datagrams =
            memory_resize(gossip->datagrams, gossip->datagram_capacity * sizeof *gossip->datagrams);
    }
    if (gossip->change_capacity < gossip->changed_count) {
        gossip->change_capacity = gossip->changed_capacity;
        gossip->changes =
            memory_resize(gossip->changes, gossip->change_capacity * sizeof *gossip->changes);
    }
    const uint8_t *bytes = buffer_data(&gossip->outbox_bytes),
                  *keys = buffer_data(&gossip->change_bytes);
    for (size_t i = 0; i < gossip->outbox_count; i++) {
        const struct outgoing *out = &gossip->outbox[i];
        gossip->datagrams[i] =
            (struct gossip_datagram){.to = out->to, .bytes = {bytes + out->at, out->length}};
    }
    for (size_t i = 0; i < gossip->changed_count; i++) {
        const struct changed *changed = &gossip->changed[i];
        gossip->changes[i] =
            (struct gossip_change){.kind = changed->kind, .member = changed->member};
        if (changed->key_length > 0)
            gossip->changes[i].key = bytes_of(keys + changed->key_at, changed->key_length);
    }
    gossip_hand_out_streams(gossip);
    *actions = (struct gossip_actions){.datagrams = gossip->datagrams,
                                       .datagram_count = gossip->outbox_count,
                                       .changes = gossip->changes,
                                       .change_count = gossip->changed_count,
                                       .streams = gossip->stream_actions,
                                       .stream_count = gossip->stream_count,
                                       .stream_tries = gossip->tries,
                                       .stream_try_count = gossip->try_count,
                                       .deadline_us = gossip->deadline_us,
                                       .round_trip_us = gossip->round_trip_us,
                                       .detection_us = gossip->detection_us,
                                       .is_clock_measured = gossip->is_clock_measured,
                                       .clock_skew_us = gossip->clock_skew_us,
                                       .propagations = gossip->propagations,
                                       .propagation_count = gossip->propagation_count};
}

void gossip_step(struct gossip *gossip, const struct gossip_event *event,
                 struct gossip_actions *actions) {
    if (event->now_us > gossip->now_us)
        gossip->now_us = event->now_us;
    gossip->wall_us = event->wall_us <= CODEC_NUMBER_MAXIMUM ? event->wall_us : 0;
    gossip->outbox_count = gossip->changed_count = gossip->try_count = gossip->stream_count = 0;
    gossip->round_trip_us = gossip->detection_us = 0;
    gossip->is_clock_measured = false;
    gossip->clock_skew_us = 0;
    gossip->propagation_count = 0;
    buffer_clear(&gossip->outbox_bytes);
    buffer_clear(&gossip->change_bytes);
    bucket_fill(gossip);
    gossip_notice_lag(gossip);
    member_forget_graves(gossip);
    state_forget_removed(gossip);
    gossip_handle(gossip, event);
    joining_run(gossip);
    probe_run(gossip);
    if (gossip->self->shown.state != GOSSIP_LEFT) {
        healing_run(gossip);
        observer_run(gossip);
    }
    suspicion_run(gossip);
    asking_run(gossip);
    serving_run(gossip);
    nearness_run(gossip);
    broadcast_run(gossip);
    skew_run(gossip);
    pace_run(gossip);
    gossip->deadline_us = gossip_next_deadline_us(gossip);
    gossip_hand_out(gossip, actions);
}
