/* Files that wait to become segments. */
#pragma once
#include "store/wal/internal.h"

int wal_find_spares(struct wal *wal) MUST_CHECK; /* those that an earlier life left */
void wal_close_spares(struct wal *wal);
void wal_add_spare(struct wal *wal, struct wal_spare_file spare);
/* What the next segment is made of; without a file, the round makes one itself. */
struct wal_spare_file wal_take_spare(struct wal *wal);
void wal_make_spare(struct wal *wal); /* at once */
void wal_make_reserve(struct wal *wal);
