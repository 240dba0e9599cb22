#include "member/news_meter.h"

static const char *const priorities[GOSSIP_PRIORITY_COUNT] = {[GOSSIP_URGENT] = "urgent",
                                                              [GOSSIP_CLUSTER] = "cluster",
                                                              [GOSSIP_STATE] = "state",
                                                              [GOSSIP_REST] = "rest"};
static const char *const causes[NEWS_METER_CAUSES] = {"bandwidth", "referred", "memory",
                                                      "relays",    "members",  "news"};

static uint64_t dropped_for(const struct gossip_counters *counters, unsigned cause) {
    const uint64_t counts[NEWS_METER_CAUSES] = {
        counters->dropped_for_bandwidth, counters->referrals,
        counters->dropped_for_memory,    counters->dropped_for_relays,
        counters->dropped_for_members,   counters->dropped_for_news};
    return counts[cause];
}

void news_meter_init(struct news_meter *meter, struct metrics *metrics) {
    *meter = (struct news_meter){0};
    for (unsigned i = 0; i < GOSSIP_PRIORITY_COUNT; i++) {
        meter->waiting[i] = metrics_cell(metrics, METRIC_gossip_queue_depth, priorities[i]);
        meter->told[i] = metrics_cell(metrics, METRIC_gossip_news_told_total, priorities[i]);
        meter->bytes[i] = metrics_cell(metrics, METRIC_gossip_news_bytes_total, priorities[i]);
    }
    for (unsigned i = 0; i < NEWS_METER_CAUSES; i++)
        meter->dropped[i] = metrics_cell(metrics, METRIC_gossip_dropped_total, causes[i]);
    meter->waits = metrics_cell(metrics, METRIC_gossip_bandwidth_waits_total, NULL);
    meter->spent = metrics_cell(metrics, METRIC_gossip_bandwidth_spent_bytes_total, NULL);
    meter->tokens = metrics_cell(metrics, METRIC_gossip_bandwidth_left_bytes, NULL);
}

void news_meter_step(struct news_meter *meter, const struct gossip_counters *then,
                     const struct gossip_counters *now) {
    for (unsigned i = 0; i < GOSSIP_PRIORITY_COUNT; i++) {
        if (now->news_waiting[i] != then->news_waiting[i])
            metric_set(meter->waiting[i], (int64_t)now->news_waiting[i]);
        if (now->news_told[i] == then->news_told[i])
            continue;
        metric_add(meter->told[i], now->news_told[i] - then->news_told[i]);
        metric_add(meter->bytes[i], now->news_bytes[i] - then->news_bytes[i]);
    }
    for (unsigned i = 0; i < NEWS_METER_CAUSES; i++)
        if (dropped_for(now, i) != dropped_for(then, i))
            metric_add(meter->dropped[i], dropped_for(now, i) - dropped_for(then, i));
    if (now->news_waits != then->news_waits)
        metric_add(meter->waits, now->news_waits - then->news_waits);
    if (now->tokens_spent != then->tokens_spent)
        metric_add(meter->spent, now->tokens_spent - then->tokens_spent);
    if (now->tokens_left != then->tokens_left)
        metric_set(meter->tokens, now->tokens_left);
}
