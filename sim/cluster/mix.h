/* What a run is mostly about. Each mix has its own shares of the kinds of faults (fault.def), so
 * that some runs are about crashes, some about partitions, some about clocks; and some mixes have
 * nodes, settings or clients to match. */
#pragma once
#include <stdbool.h>

enum mix {
    MIX_EVERYTHING,
    MIX_CRASHES,
    MIX_PARTITIONS,
    MIX_CLOCKS,
    MIX_DAMAGE,
    MIX_ABSENCE,
    MIX_LEADERS,
    MIX_CHURN,
    MIX_MEMBERSHIP,
    MIX_SLOWNESS,
    MIX_ASYNC,
    MIX_UPGRADE,
    MIX_SPACE,
    MIX_LOSS,
    MIX_BACKUP,
    MIX_MOMENTS,
    MIX_LIMITS,
    MIX_COUNT
};

const char *mix_name(enum mix mix);
int mix_find(const char *name); /* negative: there is none of that name */

/* The lead of a shard moves as soon as there is a reason. */
bool mix_likes_moves(enum mix mix);
/* Do its faults show more where a log takes many messages to send? */
bool mix_likes_small_messages(enum mix mix);
bool mix_fills_logs(enum mix mix);       /* so that segments are used again */
bool mix_rolls_protocols(enum mix mix);  /* nodes begin with any version */
bool mix_wants_async(enum mix mix);      /* answers before the disk */
bool mix_wants_more_nodes(enum mix mix); /* replicas are to move to nodes that hold none */
bool mix_wants_spares(enum mix mix);     /* nodes are to be added */
bool mix_loses_nodes(enum mix mix);      /* for good */
bool mix_wants_backups(enum mix mix);
bool mix_relies_on_leases(enum mix mix); /* long ones, in every run */
bool mix_likes_limits(enum mix mix);     /* settings as small as they may be */
/* Whoever loses bits of its disk is outvoted by two others, whatever moves. */
bool mix_keeps_three_replicas(enum mix mix);
