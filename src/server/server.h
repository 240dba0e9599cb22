/* `trothdb server`: one node as a process. Reads the settings, takes its directory and its ports,
 * starts the threads, and then only watches for signals:
 *
 *     SIGTERM, SIGINT   drain (at most SERVER_DRAIN_MS), say goodbye, stop, exit 0;
 *                       a second one, SERVER_REPEAT_MS later, exits at once
 *     SIGHUP            read the file again: all of it or nothing */
#pragma once

enum {
    SERVER_DRAIN_MS = 10000,
    SERVER_LEAVE_MS = 100,
    SERVER_STOP_MS = 5000,
    SERVER_REPEAT_MS = 500
};

/* The process's exit code: 0, 1 where it could not start, 2 for wrong settings. Arguments behind
 * "server". */
int server_run(int argc, char **argv);
