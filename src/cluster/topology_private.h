/* What the files of a topology share. */
#pragma once
#include "cluster/topology.h"

/* ERR_MALFORMED unless it is 1 to TOPOLOGY_HOST_MAXIMUM - 1 bytes without a NUL. */
int topology_copy_host(char out[TOPOLOGY_HOST_MAXIMUM], struct bytes host) MUST_CHECK;
/* Of the shards' slots, once these are as they should be. */
void topology_derive_slot_owners(struct topology *topology);
