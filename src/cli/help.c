#include "cli/command.h"
#include <stdio.h>
#include <string.h>

const struct cli_command *cli_command_find(const struct cli_command *commands, const char *name) {
    for (const struct cli_command *command = commands; command->name != NULL; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

static void list(const struct cli_command *commands) {
    puts("TrothDB is a strongly consistent key-value store that speaks the Redis "
         "protocol.\n\nusage: trothdb <command> [flags]\n");
    for (const struct cli_command *command = commands; command->name != NULL; command++)
        printf("    %-10s %s\n", command->name, command->summary);
    puts("\n`trothdb help <command>` explains one, with an example.");
}

int help_print(const struct cli_command *commands, int argc, char **argv) {
    if (argc == 0) {
        list(commands);
        return EXIT_OK;
    }
    const struct cli_command *command = cli_command_find(commands, argv[0]);
    if (command == NULL) {
        fprintf(stderr, "trothdb help: there is no command '%s'; `trothdb help` lists them\n",
                argv[0]);
        return EXIT_USAGE;
    }
    printf("trothdb %s: %s\n\n%s", command->name, command->summary, command->help);
    return EXIT_OK;
}
