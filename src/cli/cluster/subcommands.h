/* The subcommands of `trothdb cluster`, each in the file of that name. */
#pragma once
#include "cli/cluster/order.h"

int cluster_create(struct order *order);
int cluster_add(struct order *order);
int cluster_replicas(struct order *order);
int cluster_leader(struct order *order);
int cluster_remove(struct order *order); /* and replace */
int cluster_recover(struct order *order);
int cluster_set(struct order *order);
int cluster_unset(struct order *order);
int cluster_settings(struct order *order);
