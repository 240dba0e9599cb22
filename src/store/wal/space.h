/* The reserve, and what is done while the disk is full, or the system has no more files to open. */
#pragma once
#include "store/wal/internal.h"

/* A file could not be made ahead of need. ERR_NO_SPACE: nothing new should be proposed; else the
 * log goes on in what it has. */
void wal_note_wanting(struct wal *wal, int error);
/* A spare was made or released: the disk gives space, or somebody else gave some back. */
void wal_note_space(struct wal *wal);
/* There was no space for the sealed round, or no file. It goes on with the reserve, or waits. */
void wal_stall_round(struct wal *wal, int error);
