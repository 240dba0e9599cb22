/* The subcommands of trothdb, for people. */
#pragma once
#include "base/exit_code.h"

struct cli_command { /* one row of the table in main.c */
    const char *name, *summary;
    const char *help;                  /* usage, what it does, an example; ends in a newline */
    int (*run)(int argc, char **argv); /* arguments behind the name; the exit code of the process */
};

/* `commands` ends with a row without a name. NULL if there is none of this name. */
const struct cli_command *cli_command_find(const struct cli_command *commands, const char *name);
/* Explains the command that the first argument names, or lists them all. */
int help_print(const struct cli_command *commands, int argc, char **argv);

int check_run(int argc, char **argv);
int version_run(int argc, char **argv);
