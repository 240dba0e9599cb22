/* What was gathered becomes a round; what follows when it is durable. */
#pragma once
#include "store/wal/internal.h"

void wal_round_init(struct wal *wal);
/* The newest round is durable; `is_wanted`: and no mark says so yet. */
void wal_note_markable(struct wal *wal, bool is_wanted);
