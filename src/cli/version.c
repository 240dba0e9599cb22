#include "cli/command.h"
#include <stdio.h>

int version_run(int argc, char **argv) {
    (void)argv;
    if (argc > 0) {
        fputs("trothdb version: no arguments are taken\n", stderr);
        return 2;
    }
    puts("trothdb " TROTHDB_VERSION);
    return 0;
}
