/* The sections of INFO that are made of metrics: they count since the start of the node, and CONFIG
 * RESETSTAT leaves them as they are. */
#pragma once
#include "base/buffer.h"

struct worker;

/* A line for each command that was called: how often, and the time from its arrival to its reply,
 * the wait for a majority included; commands that the node answers itself at once take none. */
void info_commandstats(const struct worker *worker, struct buffer *out);
/* A line for each kind of error reply. */
void info_errorstats(const struct worker *worker, struct buffer *out);
