/* The settings of all nodes that the topology carries: name and value as text, ascending by name.
 * What they mean is not known here; whoever proposes one has checked it. Private to cluster/. */
#pragma once
#include "cluster/topology.h"

void topology_settings_free(struct topology *topology);
void topology_settings_copy(struct topology *to, const struct topology *from);
void topology_settings_encode(const struct topology *topology, struct buffer *out);
/* Into a topology without any. ERR_MALFORMED. */
int topology_settings_decode(struct topology *topology, struct cursor *in) MUST_CHECK;

/* The commands setting.set and setting.unset, whole or not at all. */
int topology_apply_setting_set(struct topology *topology, const struct bytes *arguments,
                               size_t count) MUST_CHECK;
int topology_apply_setting_unset(struct topology *topology, const struct bytes *arguments,
                                 size_t count) MUST_CHECK;
