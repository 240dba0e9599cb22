/* What goes wrong, and when: a schedule by seed. Each kind of fault stands in its own function and
 * is a row of fault.def; a run has a mix, so that some runs are about crashes, some about
 * partitions, some about clocks. */
#pragma once
#include "sim/simulation.h"

struct faults *faults_new(struct simulation *simulation);
void faults_free(struct faults *faults);
void faults_start(struct faults *faults);
/* No new ones; everything that lasts is put right: the network is whole, clocks agree in rate,
 * disks are quick. */
void faults_heal(struct faults *faults);
/* Do this run's faults show more where a log takes many messages to send? */
/* The lead of a shard moves as soon as there is a reason. */
bool faults_like_moves(const struct faults *faults);
bool faults_roll_protocols(const struct faults *faults); /* nodes begin with either version */
bool faults_like_small_messages(const struct faults *faults);
/* Is this run about answers before the disk? */
bool faults_want_async(const struct faults *faults);
/* Are replicas to move to nodes that hold none? */
bool faults_want_more_nodes(const struct faults *faults);
bool faults_lose_nodes(const struct faults *faults); /* for good */
const char *faults_mix_name_of(int mix);
int faults_find_mix(const char *name); /* negative: there is none of that name */
const char *faults_mix_name(const struct faults *faults);
