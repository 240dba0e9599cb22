/* Tests that also show that they can fail: `TEST --plant FAULT NAME` runs the one test of that name
 * with that fault of base/planted.def, and succeeds if it fails. In a build without planted faults
 * that is an error. */
#pragma once
#include "base/planted.h"
#include "unit.h"

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

#define RUN_TESTS_OR_PLANT(...)                                                                    \
    int main(int count, char **arguments) {                                                        \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                                           \
        bool is_planted = count == 4 && strcmp(arguments[1], "--plant") == 0;                      \
        if (is_planted && !plant_fault(arguments[2]))                                              \
            return 1;                                                                              \
        if (is_planted)                                                                            \
            cmocka_set_test_filter(arguments[3]);                                                  \
        int failed = cmocka_run_group_tests(tests, NULL, NULL);                                    \
        return is_planted ? failed == 0 : failed;                                                  \
    }
