/* The flags of a subcommand, as a table: --name value, --name=value, or a bare --name for a switch.
 * What is not a flag is an operand, and so is all that stands behind a bare "--". */
#pragma once
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flag {
    const char *name;  /* without the dashes; NULL ends the table */
    bool *is_set;      /* a switch, */
    const char **text; /* or a text, */
    int64_t *number;   /* or a number in [minimum, maximum] */
    int64_t minimum, maximum;
};

/* Sets what the flags say and moves the operands to the front of argv. ERR_INVALID after telling
 * what is wrong (refusal_tell) in the name of `command`. */
int flags_read(const struct flag *flags, const char *command, int argc, char **argv,
               int *operand_count) MUST_CHECK;
