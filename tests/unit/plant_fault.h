/* Turns a planted fault on, by its name in base/planted.def. False, with a word, in a build that
 * does not have it. */
#pragma once
#include "base/planted.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#ifdef TROTHDB_PLANTED_FAULTS
static inline bool plant_fault(const char *name) {
    static const struct {
        const char *name;
        enum planted_fault fault;
    } faults[] = {
#define PLANTED_FAULT(name, text) {#name, PLANTED_##name},
#include "base/planted.def"
#undef PLANTED_FAULT
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (strcmp(faults[i].name, name) == 0)
            planted_fault_on = faults[i].fault;
    return planted_fault_on != PLANTED_NOTHING;
}
#else
static inline bool plant_fault(const char *name) {
    printf("this build has no planted faults, and so not %s\n", name);
    return false;
}
#endif
