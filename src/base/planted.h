/* Planted faults: bugs put in on purpose, so that it can be shown that the simulator finds them
 * (tests/planted). In an ordinary build PLANTED(x) is the constant false and nothing of this
 * exists. In a build with -Dplanted=true, `trothdb-sim --plant NAME` turns one on. The one global
 * of the code base, and never in a product. */
#pragma once

enum planted_fault {
    PLANTED_NOTHING,
#define PLANTED_FAULT(name, text) PLANTED_##name,
#include "base/planted.def"
#undef PLANTED_FAULT
};

#ifdef TROTHDB_PLANTED_FAULTS
extern enum planted_fault planted_fault_on;
#define PLANTED(name) (planted_fault_on == PLANTED_##name)
#else
#define PLANTED(name) 0
#endif
