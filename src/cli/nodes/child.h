/* Processes of this very program that a subcommand starts, and what they need: free ports and a
 * log. They die with the subcommand, even if that is killed without a chance to clean up. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Starts `trothdb` with these arguments (NULL ends; the first is the program's name) in a group of
 * its own, its output appended to `log`. Its process id, or -1 with errno. */
pid_t child_start(char *const *arguments, const char *log);
/* SIGINT, SIGTERM, SIGHUP and SIGPIPE become readable: a signalfd, owned. Children have them
 * as usual. */
int child_signals_open(void);
/* Is this port of 127.0.0.1 free for SOCK_STREAM or SOCK_DGRAM? */
bool child_port_is_free(int port, int kind);
/* Appends "; its last words: ..." to a problem's text of `size` bytes, or that there was no space
 * for any. */
void child_append_log_tail(char *problem, size_t size, const char *log);
void child_remove_tree(const char *path);
