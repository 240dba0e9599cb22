/* COMMAND and its subcommands COUNT, LIST, INFO, DOCS, GETKEYS and HELP: the table of commands,
 * told in the shapes of Redis 7.0. Commands that only a shard gives itself are not told. */
#pragma once
#include "command/command.h"

/* Is this one of the commands that are told? A container is, where a subcommand of it is. */
typedef bool command_filter(const struct command *command);
command_filter command_is_any;
/* arguments[0] is "command"; the count has been checked against the row of the subcommand. */
void command_table_reply(command_filter *has, const struct bytes *arguments, size_t count,
                         struct reply *reply);
