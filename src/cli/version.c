#include "cli/command.h"
#include <stdio.h>

int version_run(int argc, char **argv) {
    (void)argv;
    if (argc > 0) {
        fputs("trothdb version: no arguments are taken\n", stderr);
        return EXIT_USAGE;
    }
    puts("trothdb " TROTHDB_VERSION);
    return EXIT_OK;
}
