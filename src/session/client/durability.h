/* How sure a reply is. */
#pragma once
#include "session/client/session_command.h"

bool session_is_async(const struct session *session);  /* of the command that is being run */
void durability_command(struct session_command *call); /* TROTHDB DURABILITY */
/* "sync" or "async"; false: it is neither. */
bool durability_parse(struct bytes word, enum session_durability *durability);
