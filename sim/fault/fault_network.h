/* What other kinds of faults ask of the network's. */
#pragma once
#include "sim/fault/fault.h"

void faults_partition_begins(struct faults *faults); /* any other has ended */
void faults_isolate(struct faults *faults, unsigned node, bool inwards, bool outwards);
void faults_weather_clears(struct faults *faults);
event_run faults_weather_end_event;
