/* `trothdb agent`: a member of gossip without data, as one process with one thread and one loop.
 *
 *     SIGTERM, SIGINT, GOSSIP LEAVE   say goodbye, AGENT_LEAVE_MS later exit 0; a signal
 *                                     AGENT_REPEAT_MS after that, if it is still there: exit 1
 *
 * Its client port speaks the Redis protocol (agent_commands.c), its peer port gossip as a node's
 * does (process/gossip_plane.h), its admin port HTTP (admin/admin.h). */
#pragma once

enum { AGENT_LEAVE_MS = 100, AGENT_REPEAT_MS = 500 };

/* The process's exit code: 0, 1 where it could not start, 2 for wrong flags. Arguments behind
 * "agent". */
int agent_run(int argc, char **argv);
