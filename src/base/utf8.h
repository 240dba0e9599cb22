/* UTF-8 (RFC 3629), and how bytes that may be none, or none that a line can hold, are shown to
 * people. What a member or a client says may be any bytes; a terminal would obey some of them. */
#pragma once
#include "base/buffer.h"

enum { UTF8_MAXIMUM = 4 }; /* bytes of a sequence */

/* The length of the sequence at the beginning of `text`; 0 where there is none. */
size_t utf8_sequence(struct bytes text);
/* Appends `text` as it is, but for control characters (C0, DEL and C1) and what is no UTF-8: these
 * as \n or \x1b. So it stays on its line, and moves no cursor. */
void utf8_append_shown(struct buffer *out, struct bytes text);
