/* The window in which a person reads. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* How many columns standard output is wide; 0 where it is no terminal, or one that does not say. */
size_t window_columns(void);
/* Can a line be drawn over again on the descriptor? Only on a terminal, and not on one whose TERM
 * is "dumb" or not set (an editor's shell, a serial line): it would show what was to move its
 * cursor. */
bool window_redraws(int descriptor);
