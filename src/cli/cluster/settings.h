/* Settings of all nodes, printed. */
#pragma once
#include "cli/cluster/order.h"

/* Those that are not as they are built in. Returns the exit code. */
int settings_print_changed(const struct order *order);
