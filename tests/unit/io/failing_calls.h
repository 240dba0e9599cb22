/* A door put before the C library, in executables that are linked with `failing_call_links`: the
 * n-th call of a kind fails once with EIO, as on a disk that goes bad. For what speaks to the
 * system itself, and not through io/disk.h. For one thread. */
#pragma once
#include <stdbool.h>

enum failing_call {
    CALL_OPEN, /* opendir too */
    CALL_READ,
    CALL_WRITE,
    CALL_SYNC,  /* fsync, fdatasync */
    CALL_CLOSE, /* it is closed all the same */
    CALL_RENAME,
    CALL_REMOVE, /* unlink, rmdir */
    CALL_MAKE,   /* mkdir */
    CALL_LOOK,   /* stat, lstat, fstat */
    CALL_MODE,   /* fchmod, fchown */
    CALL_LIST,   /* readdir */
    CALL_COUNT
};

/* The n-th from now on, or none: 0. Forgets that an earlier one was hit. */
void failing_calls_fail(enum failing_call call, unsigned nth);
/* Has there been such a call? */
bool failing_calls_is_hit(void);
/* Every read and write does a byte at the most, and every second one is interrupted. */
void failing_calls_crawl(bool is_crawling);
