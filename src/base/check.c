#include "base/check.h"
#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *property, const char *file, int line,
                            const char *function) {
    fprintf(stderr, "trothdb: %s:%d: %s: check failed: %s\n", file, line, function, property);
    fflush(stderr);
    abort();
}
