/* The reserve, and what is done while the disk is full. */
#pragma once
#include "store/wal/internal.h"

void wal_note_full(struct wal *wal);
/* A spare was made or released: the disk gives space, or somebody else gave some back. */
void wal_note_space(struct wal *wal);
/* The disk gave no space for the sealed round. It goes on with the reserve, or waits. */
void wal_stall_round(struct wal *wal);
