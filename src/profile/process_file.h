/* The files under /proc/self, which have no size until they are read. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

/* Appends the whole file. ERR_IO, ERR_LIMIT. */
int process_file_read(const char *path, struct buffer *out) MUST_CHECK;
