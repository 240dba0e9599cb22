/* A subcommand of trothdb, for people: one row of the table in main.c. */
#pragma once

struct cli_command {
    const char *name, *summary;
    const char *help;                  /* usage, what it does, an example; ends in a newline */
    int (*run)(int argc, char **argv); /* arguments behind the name; the exit code of the process */
};

extern const struct cli_command cli_commands[]; /* ends with a row without a name */

const struct cli_command *cli_command_find(const char *name); /* NULL if there is none */

int backup_run(int argc, char **argv);
int check_run(int argc, char **argv);
int restore_run(int argc, char **argv);
int help_run(int argc, char **argv);
int version_run(int argc, char **argv);
