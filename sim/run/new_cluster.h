/* A new cluster of one node, restored from a backup as `trothdb restore` does it: what the node
 * holds at its start is what the shards held, and it serves, though its machine lost its power as
 * soon as the restore was over. Of a restore in the middle of which it did no node has anything. */
#pragma once
#include "sim/backup/recall.h"

/* Borrows. What is wrong fails the simulation whose backup it is. */
void new_cluster_check(struct recall *recall);
