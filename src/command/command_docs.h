/* The compact text of a row's arguments (command.def), told as COMMAND DOCS tells it. */
#pragma once
#include "command/command.h"

/* The value of "arguments": an array of maps; an empty array if the command takes none. */
void command_reply_arguments(const struct command *command, struct reply *reply);
