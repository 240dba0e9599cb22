#include "base/planted.h"

#ifdef TROTHDB_PLANTED_FAULTS
enum planted_fault planted_fault_on = PLANTED_NOTHING;
#endif
