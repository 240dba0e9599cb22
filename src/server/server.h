/* `trothdb server`: one node as a process. Reads the settings, takes its directory and its ports,
 * starts the threads, and then only watches for signals:
 *
 *     SIGTERM, SIGINT   drain (at most LIFETIME_DRAIN_MS), say goodbye, stop, exit 0;
 *                       a second one, LIFETIME_REPEAT_MS later, exits at once
 *     SIGHUP            read the file again: all of it or nothing */
#pragma once

/* The process's exit code: 0, 1 where it could not start, 2 for wrong settings. Arguments behind
 * "server". */
int server_run(int argc, char **argv);
