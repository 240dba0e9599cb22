/* The nodes of the demo and of the drill: real `trothdb server` processes of this very program, in
 * a directory made for them. Whatever ends the demo ends them, by their process ids, and removes
 * what was made. */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "io/net.h"

enum {
    DEMO_NODE_MAXIMUM = 9,
    DEMO_PEER_OFFSET = 10000,
    DEMO_ADMIN_OFFSET = 2000,
    DEMO_FLAG_MAXIMUM = 12,
    DEMO_STOP_MS = 10000, /* from SIGTERM to SIGKILL */
    DEMO_PROBLEM_BYTES = 2 * PATH_MAX
};

struct demo_node {
    pid_t pid; /* 0: not running */
    bool is_killed, is_paused;
    struct net_address client;
    char directory[PATH_MAX], log[PATH_MAX];
};

struct demo_nodes {
    struct demo_node nodes[DEMO_NODE_MAXIMUM];
    unsigned count;
    char directory[PATH_MAX];
    bool has_made_directory;
    const char *flags[DEMO_FLAG_MAXIMUM + 1]; /* more of them for every node; NULL ends; borrowed */
    int signals;                              /* a signalfd: SIGINT, SIGTERM, SIGHUP */
    char problem[DEMO_PROBLEM_BYTES];
};

/* Checks that the ports are free and makes the directory: `directory`, which must be empty or not
 * there, or a fresh one (NULL). Takes over SIGINT, SIGTERM and SIGHUP. ERR_REFUSED with `problem`;
 * demo_nodes_release() in any case. */
int demo_nodes_init(struct demo_nodes *nodes, unsigned count, int port,
                    const char *directory) MUST_CHECK;
/* Stops what runs, one node after the other; removes what was made unless it is kept. */
void demo_nodes_release(struct demo_nodes *nodes, bool is_kept);

int demo_node_start(struct demo_nodes *nodes, unsigned index) MUST_CHECK;
void demo_node_kill(struct demo_nodes *nodes, unsigned index); /* SIGKILL, and waits for its end */
void demo_node_stop(struct demo_nodes *nodes,
                    unsigned index); /* SIGTERM; SIGKILL if it takes long */
void demo_node_pause(struct demo_nodes *nodes, unsigned index);  /* SIGSTOP */
void demo_node_resume(struct demo_nodes *nodes, unsigned index); /* SIGCONT */
/* ERR_REFUSED with `problem`, the end of its log in it, where a node ended by itself, or where the
 * demo was told to stop. Waits at most `timeout_ms` for that (-1: for ever). */
int demo_nodes_watch(struct demo_nodes *nodes, int timeout_ms) MUST_CHECK;
