#include "member/gossip_meter.h"
#include "member/shared_names.h"

static void meter_watch_init(struct gossip_meter *meter, struct metrics *metrics) {
    meter->suspicions = metrics_cell(metrics, METRIC_gossip_suspicions_total, NULL);
    meter->refutations = metrics_cell(metrics, METRIC_gossip_refutations_total, NULL);
    meter->answered = metrics_cell(metrics, METRIC_gossip_probes_total, "answered");
    meter->relayed = metrics_cell(metrics, METRIC_gossip_probes_total, "through-helper");
    meter->contacted = metrics_cell(metrics, METRIC_gossip_probes_total, "by-contact");
    meter->failed = metrics_cell(metrics, METRIC_gossip_probes_total, "failed");
    meter->asked = metrics_cell(metrics, METRIC_gossip_helpers_asked_total, NULL);
    meter->tried = metrics_cell(metrics, METRIC_gossip_stream_tries_total, NULL);
    meter->refuted = metrics_cell(metrics, METRIC_gossip_suspicions_ended_total, "refuted");
    meter->died = metrics_cell(metrics, METRIC_gossip_suspicions_ended_total, "died");
    meter->left = metrics_cell(metrics, METRIC_gossip_suspicions_ended_total, "left");
    meter->deaths = metrics_cell(metrics, METRIC_gossip_deaths_total, NULL);
    meter->name_conflicts = metrics_cell(metrics, METRIC_gossip_name_conflicts_total, NULL);
    meter->identity_conflicts = metrics_cell(metrics, METRIC_gossip_identity_conflicts_total, NULL);
    meter->local_health = metrics_cell(metrics, METRIC_gossip_local_health, NULL);
}

static void meter_streams_init(struct gossip_meter *meter, struct metrics *metrics) {
    static const char *const asked[] = {[GOSSIP_STREAM_DONE] = "asked-done",
                                        [GOSSIP_STREAM_BUSY] = "asked-busy",
                                        [GOSSIP_STREAM_FAILED] = "asked-failed"},
                             *const served[] = {[GOSSIP_STREAM_DONE] = "served-done",
                                                [GOSSIP_STREAM_BUSY] = "served-busy",
                                                [GOSSIP_STREAM_FAILED] = "served-failed"};
    for (size_t i = 0; i < GOSSIP_STREAM_OUTCOME_COUNT; i++) {
        meter->streams_asked[i] = metrics_cell(metrics, METRIC_gossip_streams_total, asked[i]);
        meter->streams_served[i] = metrics_cell(metrics, METRIC_gossip_streams_total, served[i]);
    }
    meter->serving = metrics_cell(metrics, METRIC_gossip_streams_served, NULL);
    meter->stream_received = metrics_cell(metrics, METRIC_gossip_stream_bytes_total, "received");
    meter->stream_sent = metrics_cell(metrics, METRIC_gossip_stream_bytes_total, "sent");
}

void gossip_meter_init(struct gossip_meter *meter, struct metrics *metrics) {
    *meter = (struct gossip_meter){
        .metrics = metrics,
        .malformed = metrics_cell(metrics, METRIC_gossip_refused_total, "malformed"),
        .replayed = metrics_cell(metrics, METRIC_gossip_refused_total, "replayed"),
        .unproven = metrics_cell(metrics, METRIC_gossip_refused_total, "unproven"),
        .detections = metrics_cell(metrics, METRIC_gossip_detection_seconds, NULL),
        .round_trips = metrics_cell(metrics, METRIC_gossip_probe_rtt_seconds, NULL),
        .undated = metrics_cell(metrics, METRIC_gossip_propagation_unmeasured_total, "undated"),
        .uncorrected =
            metrics_cell(metrics, METRIC_gossip_propagation_unmeasured_total, "uncorrected"),
        .implausible =
            metrics_cell(metrics, METRIC_gossip_propagation_unmeasured_total, "implausible"),
        .fan_out = metrics_cell(metrics, METRIC_gossip_fan_out, NULL),
        .flush = metrics_cell(metrics, METRIC_gossip_flush_seconds, NULL),
        .goal = metrics_cell(metrics, METRIC_gossip_goal_seconds, NULL),
        .pace = metrics_cell(metrics, METRIC_gossip_pace, NULL),
        .faster = metrics_cell(metrics, METRIC_gossip_adaptations_total, "faster"),
        .slower = metrics_cell(metrics, METRIC_gossip_adaptations_total, "slower"),
        .larger = metrics_cell(metrics, METRIC_gossip_adaptations_total, "larger"),
        .smaller = metrics_cell(metrics, METRIC_gossip_adaptations_total, "smaller"),
        .skews = metrics_cell(metrics, METRIC_gossip_clock_skew_seconds, NULL),
        .largest_skew = metrics_cell(metrics, METRIC_gossip_clock_skew_largest_seconds, NULL)};
    meter_watch_init(meter, metrics);
    meter_streams_init(meter, metrics);
    news_meter_init(&meter->news, metrics);
}

static struct meter_kind *meter_kind_of(struct meter_kind *kinds, struct bytes datagram) {
    size_t kind =
        datagram.length > 1 && datagram.data[1] < METER_KIND_MAXIMUM ? datagram.data[1] : 0;
    return &kinds[kind];
}

static void meter_kind_add(struct meter_kind *kind, struct bytes datagram) {
    metric_add(kind->messages, 1);
    metric_add(kind->bytes, datagram.length);
}

void gossip_meter_sent(struct gossip_meter *meter, struct bytes datagram) {
    struct meter_kind *kind = meter_kind_of(meter->sent, datagram);
    if (kind->messages == NULL) {
        const char *name = gossip_datagram_kind(datagram);
        kind->messages = metrics_cell(meter->metrics, METRIC_gossip_messages_sent_total, name);
        kind->bytes = metrics_cell(meter->metrics, METRIC_gossip_sent_bytes_total, name);
    }
    meter_kind_add(kind, datagram);
}

void gossip_meter_received(struct gossip_meter *meter, struct bytes datagram) {
    struct meter_kind *kind = meter_kind_of(meter->received, datagram);
    if (kind->messages == NULL) {
        const char *name = gossip_datagram_kind(datagram);
        kind->messages = metrics_cell(meter->metrics, METRIC_gossip_messages_received_total, name);
        kind->bytes = metrics_cell(meter->metrics, METRIC_gossip_received_bytes_total, name);
    }
    meter_kind_add(kind, datagram);
}

static void meter_propagation(struct gossip_meter *meter, const struct gossip_propagation *news,
                              uint64_t wall_us) {
    struct metric_cell **cell = &meter->propagations[news->type];
    if (*cell == NULL)
        *cell = metrics_cell(meter->metrics, METRIC_gossip_propagation_latency_seconds,
                             gossip_news_text(news->type));
    metric_observe_traced(*cell, news->delay_us, news->trace, wall_us);
}

/* What has not changed is left alone: a step changes a few of some sixty cells, and each is to be
 * fetched from memory where many processes take turns on a processor. */
static void meter_add(struct metric_cell *cell, uint64_t then, uint64_t now) {
    if (now != then)
        metric_add(cell, now - then);
}

static void meter_set(struct metric_cell *cell, int64_t then, int64_t now) {
    if (now != then)
        metric_set(cell, now);
}

static void meter_pace(struct gossip_meter *meter, const struct gossip_counters *now) {
    const struct gossip_counters *then = &meter->counted;
    meter_set(meter->fan_out, then->fan_out, now->fan_out);
    meter_set(meter->flush, (int64_t)then->flush_us, (int64_t)now->flush_us);
    meter_set(meter->goal, (int64_t)then->goal_us, (int64_t)now->goal_us);
    meter_set(meter->pace, then->pace, now->pace);
    meter_add(meter->faster, then->adapted_faster, now->adapted_faster);
    meter_add(meter->slower, then->adapted_slower, now->adapted_slower);
    meter_add(meter->larger, then->adapted_larger, now->adapted_larger);
    meter_add(meter->smaller, then->adapted_smaller, now->adapted_smaller);
}

/* Who lives, who was thought not to, and how that came out. */
static void meter_watch(struct gossip_meter *meter, const struct gossip_counters *then,
                        const struct gossip_counters *now) {
    meter_add(meter->suspicions, then->suspicions, now->suspicions);
    meter_add(meter->refutations, then->refutations, now->refutations);
    meter_add(meter->answered, then->probes_answered, now->probes_answered);
    meter_add(meter->relayed, then->probes_relayed, now->probes_relayed);
    meter_add(meter->contacted, then->probes_contacted, now->probes_contacted);
    meter_add(meter->failed, then->probes_failed, now->probes_failed);
    meter_add(meter->asked, then->indirect_probes, now->indirect_probes);
    meter_add(meter->tried, then->stream_tries, now->stream_tries);
    meter_add(meter->refuted, then->suspicions_refuted, now->suspicions_refuted);
    meter_add(meter->died, then->suspicions_died, now->suspicions_died);
    meter_add(meter->left, then->suspicions_left, now->suspicions_left);
    meter_add(meter->deaths, then->deaths, now->deaths);
    meter_add(meter->name_conflicts, then->name_conflicts, now->name_conflicts);
    meter_add(meter->identity_conflicts, then->identity_conflicts, now->identity_conflicts);
    meter_set(meter->local_health, then->local_health, now->local_health);
}

static void meter_streams(struct gossip_meter *meter, const struct gossip_counters *then,
                          const struct gossip_counters *now) {
    for (size_t i = 0; i < GOSSIP_STREAM_OUTCOME_COUNT; i++) {
        meter_add(meter->streams_asked[i], then->streams_asked[i], now->streams_asked[i]);
        meter_add(meter->streams_served[i], then->streams_served[i], now->streams_served[i]);
    }
    meter_set(meter->serving, then->streams_serving, now->streams_serving);
    meter_add(meter->stream_received, then->stream_bytes_received, now->stream_bytes_received);
    meter_add(meter->stream_sent, then->stream_bytes_sent, now->stream_bytes_sent);
}

void gossip_meter_count(struct gossip_meter *meter, const struct gossip_counters *now) {
    const struct gossip_counters *then = &meter->counted;
    meter_add(meter->malformed, then->malformed, now->malformed);
    meter_add(meter->replayed, then->replayed, now->replayed);
    meter_add(meter->unproven, then->unproven, now->unproven);
    meter_watch(meter, then, now);
    meter_streams(meter, then, now);
    meter_add(meter->undated, then->propagation_undated, now->propagation_undated);
    meter_add(meter->uncorrected, then->propagation_uncorrected, now->propagation_uncorrected);
    meter_add(meter->implausible, then->propagation_implausible, now->propagation_implausible);
    meter_set(meter->largest_skew, (int64_t)then->clock_skew_us, (int64_t)now->clock_skew_us);
    meter_pace(meter, now);
    news_meter_step(&meter->news, then, now);
    meter->counted = *now;
}

void gossip_meter_step(struct gossip_meter *meter, const struct gossip *gossip,
                       const struct gossip_actions *actions, uint64_t wall_us) {
    struct gossip_counters now;
    gossip_counters(gossip, &now);
    gossip_meter_count(meter, &now);
    if (actions->round_trip_us > 0)
        metric_observe(meter->round_trips, actions->round_trip_us);
    if (actions->detection_us > 0)
        metric_observe(meter->detections, actions->detection_us);
    if (actions->is_clock_measured)
        metric_observe(meter->skews, actions->clock_skew_us);
    for (size_t i = 0; i < actions->propagation_count; i++)
        meter_propagation(meter, &actions->propagations[i], wall_us);
}

void gossip_meter_members(struct gossip_meter *meter, const struct gossip *gossip) {
    int64_t counts[GOSSIP_STATE_COUNT] = {0};
    for (size_t i = 0; i < gossip_member_count(gossip); i++)
        counts[gossip_member_at(gossip, i)->state]++;
    for (unsigned state = 0; state < GOSSIP_STATE_COUNT; state++) {
        const char *name = gossip_state_text((enum gossip_member_state)state);
        metric_set(metrics_cell(meter->metrics, METRIC_members, name), counts[state]);
    }
    struct shared_names shared;
    shared_names_init(&shared, gossip);
    metric_set(metrics_cell(meter->metrics, METRIC_gossip_names_shared, NULL),
               (int64_t)shared_names_count(&shared));
    shared_names_release(&shared);
}
