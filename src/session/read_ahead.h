/* The keys of a pipeline of reads are fetched from memory together. */
#pragma once
#include "session/client/session.h"

/* A command is about to run, and `rest` of the input stands behind it. Changes nothing but the time
 * that it takes, and the commands behind it. */
void read_ahead(struct session *session, const struct command *command,
                const struct bytes *arguments, struct bytes rest);
