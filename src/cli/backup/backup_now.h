/* `trothdb backup now`: the nodes bring their backups up to date. */
#pragma once
#include "cli/backup/backup_place.h"

/* `text`: any node. Returns the exit code. */
int backup_now(const struct backup_flags *flags, const char *text, int64_t wait_seconds);
