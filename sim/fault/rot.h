/* Disks that lose bits of what was durable long ago. One node at a time: what it lost is on the
 * others' disks, and until it has got that back no other disk may lose anything. */
#pragma once
#include "sim/cluster/simulation.h"

struct rot;
struct rot *rot_new(struct simulation *simulation);
void rot_free(struct rot *rot);
/* The node dies, and one bit of its log or of a snapshot is another when it starts again. Nothing
 * happens while another node is not whole. */
void rot_log(struct rot *rot, unsigned node);
void rot_snapshot(struct rot *rot, unsigned node);
/* One bit of what is at rest on the disk of a node that runs, and goes on running: it may find and
 * mend that by itself, or be repaired when it is started next. */
void rot_at_rest(struct rot *rot, unsigned node);
/* Each node in turn, the next one when the one before is whole. */
void rot_logs_in_turn(struct rot *rot);
