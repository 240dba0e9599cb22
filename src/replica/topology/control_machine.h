/* The control shard's state machine: the topology behind shard/machine/machine.h, all of it in slot
 * 0. */
#pragma once
#include "cluster/topology.h"
#include "shard/machine/machine.h"

/* Begins with a copy of `founding`. Freed by its ops->free. */
struct machine *control_machine_new(const struct topology *founding);
/* Borrowed until the machine applies or loads something. */
const struct topology *control_machine_topology(struct machine *machine);
