/* Troubles of the store that backups go to. */
#pragma once
#include "sim/fault/fault.h"

void faults_store_recovers(struct faults *faults);
