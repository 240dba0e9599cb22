/* Small files that are read whole and replaced whole: key files, identities, configurations.
 * Blocking; for starts and for what people change now and then. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

/* Appends the file's bytes to `out`, whose maximum is the longest that is allowed. ERR_IO,
 * ERR_LIMIT, with errno's cause or the limit in `problem`: "cannot open '/a/b': No such file or
 * directory". */
int whole_file_read(const char *name, struct buffer *out, struct buffer *problem) MUST_CHECK;
/* May everybody on this machine read it, or write it? False for what is not there. */
bool whole_file_is_open_to_all(const char *name);
/* A reader, and a crash, see the old file or the new one. The owner stays, where this process may
 * give files away; so does the mode, but for `mode_mask` (07777: all of it stays). A file that was
 * not there gets 0600. Where `name` is a link, what it leads to is replaced; a device or a pipe is
 * not. ERR_IO with a sentence in `problem`, which ends in "nothing is changed" where the old file
 * is as it was; else the new one is there, and is not durable yet. */
int whole_file_replace(const char *name, struct bytes text, unsigned mode_mask,
                       struct buffer *problem) MUST_CHECK;
