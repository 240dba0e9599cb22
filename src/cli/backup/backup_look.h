/* Looking at a place for backups in which there is something. Each says what it finds, and returns
 * the exit code. */
#pragma once
#include "base/exit_code.h"
#include "cli/backup/backup_place.h"

enum { BACKUP_OUTPUT_MAXIMUM_BYTES = 64 << 20 };

int backup_list(const struct backup_flags *flags, struct blob_store *store,
                const struct backup_catalogue *catalogue);
int backup_check(const struct backup_flags *flags, struct blob_store *store,
                 const struct backup_catalogue *catalogue);
