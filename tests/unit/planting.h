/* Tests that also show that they can fail: `TEST --plant FAULT NAME` runs the one test of that name
 * with that fault of base/planted.def, and succeeds if it fails. In a build without planted faults
 * that is an error. */
#pragma once
#include "plant_fault.h"
#include "unit.h"

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
