/* The log of a worker that is only written to: what it holds already is for nobody, and if it fails
 * so does the test. */
#pragma once
#include "../store/fake_disk.h"
#include "store/wal/wal.h"

struct written_log {
    struct fake_disk *fake; /* borrows */
    struct wal_tuning tuning;
    bool has_digests;
};

struct wal *written_log_open(const struct written_log *written); /* returns owned, by wal_free() */
/* Until all that was appended is durable. */
void written_log_flush(const struct written_log *written, struct wal *wal);
