/* What goes wrong, and when: a schedule by seed. Each kind of fault stands in its own function and
 * is a row of fault.def; how often it comes is for the run's mix to say (mix.h). */
#pragma once
#include "sim/cluster/simulation.h"

struct faults *faults_new(struct simulation *simulation);
void faults_free(struct faults *faults);
/* Before the nodes start: who of them has the wrong one, by lot. */
void faults_set_date(struct faults *faults);
void faults_start(struct faults *faults);
/* No new ones; everything that lasts is put right: the network is whole, clocks agree in rate,
 * disks are quick. */
void faults_heal(struct faults *faults);
