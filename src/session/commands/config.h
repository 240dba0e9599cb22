/* CONFIG and TROTHDB SETTINGS: what worker 0 answers for all. */
#pragma once
#include "session/client/session_command.h"

enum settings_call_kind {
    SETTINGS_CALL_GET,
    SETTINGS_CALL_SET,
    SETTINGS_CALL_REWRITE,
    SETTINGS_CALL_UNSET,
    SETTINGS_CALL_SHOW
};
/* True: the reply is written. False: it comes by mail. */
bool settings_call(struct session_command *call, enum settings_call_kind kind);
void settings_call_mail(struct worker *worker, struct mail *mail); /* stays the caller's */
