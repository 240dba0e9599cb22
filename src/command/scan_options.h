/* The arguments that SCAN, HSCAN and their kin share: cursor [MATCH pattern] [COUNT count] and, for
 * SCAN alone, [TYPE type]. */
#pragma once
#include "command/command.h"

struct scan_options {
    uint64_t cursor;
    uint64_t count;       /* at least 1; 10 unless told */
    struct bytes pattern; /* when has_pattern */
    struct bytes type;    /* when has_type */
    bool has_pattern, has_type;
};

/* A cursor as C's strtoul reads it: an empty text is 0, a sign is allowed, a negative number wraps
 * round, and a NUL ends it. False: it is none. */
bool scan_cursor_read(struct bytes text, uint64_t *cursor);
/* Reads from arguments[cursor_position] to the end. False: the error has been replied. The cursor
 * comes first, then (for HSCAN) the key is looked up, then the options: two steps, as in Redis. */
bool scan_parse_cursor(struct command_context *context, size_t cursor_position, uint64_t *cursor);
bool scan_parse_options(struct command_context *context, size_t options_position,
                        bool is_type_allowed, struct scan_options *options);
/* Whether an element's name passes MATCH. */
bool scan_matches(const struct scan_options *options, struct bytes name);
