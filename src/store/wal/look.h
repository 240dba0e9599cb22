/* What the log is just now, and that it failed. */
#pragma once
#include "store/wal/internal.h"

void wal_fail(struct wal *wal, int error, const char *what);
uint64_t wal_now_us(const struct wal *wal); /* 0 without a clock */
/* The segment written to is damaged: the next round begins another, if there is space for one. */
bool wal_must_leave_segment(const struct wal *wal);
