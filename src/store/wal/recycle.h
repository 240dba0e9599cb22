/* Spares are made ahead of need; segments that are released become spares. */
#pragma once
#include "store/wal/internal.h"

void wal_recycle_init(struct wal *wal);
void wal_start_spare(struct wal *wal); /* if one is needed */
/* Only of what the log says durably that nobody needs it. */
void wal_start_release(struct wal *wal, uint64_t durable_release);
