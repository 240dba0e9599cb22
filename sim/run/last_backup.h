/* In the end all there is gets archived, and is had back: at moments of the past, and as a new
 * cluster. */
#pragma once
#include "sim/cluster/simulation.h"

/* When nobody writes any more. Nothing where no backups are made. */
void last_backup_check(struct simulation *simulation);
