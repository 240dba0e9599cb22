/* What the metrics say of gossip's news: how much waits, is told, and is dropped. */
#pragma once
#include "gossip/gossip.h"
#include "metric/metric.h"

enum { NEWS_METER_CAUSES = 6 };

struct news_meter {
    struct metric_cell *waiting[GOSSIP_PRIORITY_COUNT], *told[GOSSIP_PRIORITY_COUNT],
        *bytes[GOSSIP_PRIORITY_COUNT];
    struct metric_cell *waits, *spent, *tokens, *dropped[NEWS_METER_CAUSES];
};

void news_meter_init(struct news_meter *meter, struct metrics *metrics);
void news_meter_step(struct news_meter *meter, const struct gossip_counters *then,
                     const struct gossip_counters *now);
