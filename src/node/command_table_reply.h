/* COMMAND and its subcommands COUNT, LIST, INFO, DOCS and GETKEYS: the table of commands, told in
 * the shapes of Redis 7.0. Commands that only a shard gives itself are not told. */
#pragma once
#include "command/command.h"

/* arguments[0] is "command"; the count has been checked against the row of the subcommand. */
void command_table_reply(const struct bytes *arguments, size_t count, struct reply *reply);
