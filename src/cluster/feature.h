/* Feature levels: what the control shard's machine decides differently from releases before, and
 * what may stand in logs that those cannot read. All replicas must decide alike, so a rule holds
 * from the entry on that raises the topology's level to it, and that is proposed only when every
 * node of the topology says that it knows it. A level is never lowered: a release that does not
 * know it cannot read the topology any more. */
#pragma once
#include "cluster/topology.h"

/* FEATURE(NAME, level, what is decided differently). */
enum feature {
#define FEATURE(name, level, text) FEATURE_##name,
#include "cluster/feature.def"
#undef FEATURE
    FEATURE_COUNT
};

enum { FEATURE_LEVEL_NEWEST = 4 }; /* that this release knows */

bool feature_is_on(const struct topology *topology, enum feature feature);
/* level.raise <level>; ERR_VERSION for one that is not known here. */
int feature_apply_raise(struct topology *topology, const struct bytes *arguments,
                        size_t count) MUST_CHECK;
