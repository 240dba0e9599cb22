/* The window in which a person reads. */
#pragma once
#include <stddef.h>

/* How many columns standard output is wide; 0 where it is no terminal, or one that does not say. */
size_t window_columns(void);
