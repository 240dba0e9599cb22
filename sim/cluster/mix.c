#include "sim/cluster/mix.h"
#include <string.h>

static const char *const mix_names[MIX_COUNT] = {
    "everything", "crashes", "partitions", "clocks",   "damage", "absence",
    "leaders",    "churn",   "membership", "slowness", "async",  "upgrade",
    "space",      "loss",    "backup",     "moments",  "limits"};

const char *mix_name(enum mix mix) { return mix_names[mix]; }

int mix_find(const char *name) {
    for (int mix = 0; mix < MIX_COUNT; mix++)
        if (strcmp(mix_names[mix], name) == 0)
            return mix;
    return -1;
}

bool mix_likes_moves(enum mix mix) { return mix == MIX_SLOWNESS; }
bool mix_likes_small_messages(enum mix mix) { return mix == MIX_CHURN; }
bool mix_fills_logs(enum mix mix) { return mix == MIX_CRASHES; }
bool mix_rolls_protocols(enum mix mix) { return mix == MIX_UPGRADE; }
bool mix_wants_async(enum mix mix) { return mix == MIX_ASYNC; }
bool mix_wants_more_nodes(enum mix mix) {
    return mix == MIX_MEMBERSHIP || mix == MIX_LOSS || mix == MIX_LIMITS;
}
bool mix_wants_spares(enum mix mix) { return mix == MIX_MEMBERSHIP || mix == MIX_LIMITS; }
bool mix_loses_nodes(enum mix mix) { return mix == MIX_LOSS; }
bool mix_wants_backups(enum mix mix) { return mix == MIX_BACKUP; }
bool mix_relies_on_leases(enum mix mix) { return mix == MIX_MOMENTS; }
bool mix_likes_limits(enum mix mix) { return mix == MIX_LIMITS; }
bool mix_keeps_three_replicas(enum mix mix) { return mix == MIX_LIMITS; }
