/* Where log lines go: stderr, each by one write, so that lines of several threads never mix. */
#pragma once
#include "base/log.h"
#include "config/config.h"
#include "member/mail.h"

/* Every thread has its own struct log, because the level may be changed while others write. */
void log_sink_init(struct log *log, const struct config *config);
/* Follows a change of `loglevel`. */
void log_sink_settings(struct log *log, const struct mail *mail);
/* Warns, at the start of a node or an agent, of a key file that everybody may read. */
void log_open_key(const struct log *log, const struct config *config);
