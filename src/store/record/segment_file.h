/* The files of segments: made under another name, then installed. */
#pragma once
#include "io/disk.h"

/* A zero-filled, synced file under a temporary name. */
int wal_segment_make(struct disk *disk, const char *name, uint64_t bytes,
                     struct disk_file **file) MUST_CHECK;
/* What was made as WAL_NEXT_NEW_NAME gets its segment's name, durably. */
int wal_segment_install(struct disk *disk, uint64_t segment) MUST_CHECK;
