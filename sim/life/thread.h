/* A thread of a node: what comes to it waits for its turn, and the turn ends soon after something
 * came. After every turn of a worker the checks look at what it holds. */
#pragma once
#include "sim/cluster/node.h"

/* Can it run now? False with *again_us when it is held up. */
bool sim_thread_is_ready(const struct sim_thread *thread, uint64_t *again_us);
/* Something was given to this thread: its turn ends soon. */
void sim_thread_touch(struct sim_thread *thread);
/* To a worker of the same node, or MAIL_TO_GOSSIPER. Takes the mail. */
void sim_thread_post(struct sim_thread *from, unsigned receiver, struct mail *mail);
/* Settings change by whatever reaches a thread; so this is called before anything does. */
void sim_thread_note_durability(struct sim_thread *thread);
/* May an answer of this node, to what was asked then and did not say, have left before the disk? */
bool sim_node_was_async(struct sim_node *node, uint64_t since_us);
/* Its jobs at the store of backups end, of which some may have arrived there. */
void sim_thread_end_backups(struct sim_thread *thread);
/* Frees what it had in memory. */
void sim_thread_end_life(struct sim_thread *thread);
