/* What this program ends with, whichever of its subcommands ran. */
#pragma once

enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1, /* it was tried, and what went wrong is said on standard error */
    EXIT_USAGE = 2   /* nothing was tried: the arguments or settings are wrong */
};
