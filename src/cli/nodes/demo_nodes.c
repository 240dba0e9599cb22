#include "cli/nodes/demo_nodes.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "cli/nodes/child.h"
#include "cli/terminal/figure.h"

enum { DEMO_POLL_MS = 20, DEMO_FIXED_WORDS = 10 };

static int refuse(struct demo_nodes *nodes, const char *format, const char *what) {
    snprintf(nodes->problem, sizeof nodes->problem, format, what);
    return ERR_REFUSED;
}

/* And why, by errno. */
static int refuse_for(struct demo_nodes *nodes, const char *format, const char *what) {
    snprintf(nodes->problem, sizeof nodes->problem, format, what, strerror(errno));
    return ERR_REFUSED;
}

/* ---- ports ---- */

/* Who began it by make can give it no flag. */
static int refuse_port(struct demo_nodes *nodes, int taken, int other) {
    const char *format =
        getenv("TROTHDB_UNDER_MAKE")
            ? "port %d is in use by another program; choose others, such as `make demo PORT=%d`"
            : "port %d is in use by another program; choose others with --port, such as --port %d";
    snprintf(nodes->problem, sizeof nodes->problem, format, taken, other);
    return ERR_REFUSED;
}

static int check_ports(struct demo_nodes *nodes, int port) {
    for (unsigned i = 0; i < nodes->count; i++) {
        const int client = port + (int)i;
        const int wanted[][2] = {{client, SOCK_STREAM},
                                 {client + DEMO_ADMIN_OFFSET, SOCK_STREAM},
                                 {client + DEMO_PEER_OFFSET, SOCK_STREAM},
                                 {client + DEMO_PEER_OFFSET, SOCK_DGRAM}};
        for (size_t w = 0; w < sizeof wanted / sizeof wanted[0]; w++)
            if (!child_port_is_free(wanted[w][0], wanted[w][1]))
                return refuse_port(nodes, wanted[w][0], port < 40000 ? port + 100 : port - 100);
    }
    return 0;
}

/* ---- the directory ---- */

static bool is_empty(const char *path) {
    DIR *directory = opendir(path);
    unsigned entries = 0;
    while (directory && entries <= 2 && readdir(directory))
        entries++;
    if (directory)
        closedir(directory);
    return directory && entries <= 2; /* "." and ".." */
}

static int make_directory(struct demo_nodes *nodes, const char *wanted) {
    char path[PATH_MAX];
    if (wanted) {
        snprintf(path, sizeof path, "%s", wanted);
        nodes->has_made_directory = mkdir(path, 0700) == 0;
        if (!nodes->has_made_directory && errno != EEXIST)
            return refuse_for(nodes, "%s cannot be made: %s", path);
        if (!nodes->has_made_directory && !is_empty(path)) {
            return refuse(nodes, "%s cannot be used: it must be an empty directory, or a new name",
                          path);
        }
    } else {
        const char *base = getenv("TMPDIR");
        snprintf(path, sizeof path, "%s/trothdb-demo-XXXXXX", base && *base ? base : "/tmp");
        nodes->has_made_directory = mkdtemp(path) != NULL;
        if (!nodes->has_made_directory)
            return refuse_for(nodes, "a directory such as %s cannot be made: %s", path);
    }
    if (!realpath(path, nodes->directory))
        return refuse(nodes, "%s cannot be used", path);
    return 0;
}

static int name_paths(struct demo_nodes *nodes) {
    for (unsigned i = 0; i < nodes->count; i++) {
        struct demo_node *node = &nodes->nodes[i];
        int length =
            snprintf(node->log, sizeof node->log, "%s/node-%u.log", nodes->directory, i + 1);
        if (length < 0 || length >= PATH_MAX)
            return refuse(nodes, "%s is too long a name", nodes->directory);
        memcpy(node->directory, node->log, sizeof node->log);
        node->directory[length - 4] = '\0';
    }
    return 0;
}

/* Only what the nodes were given: a directory and a log each. */
static void remove_directory(struct demo_nodes *nodes) {
    for (unsigned i = 0; i < nodes->count; i++) {
        if (nodes->nodes[i].directory[0]) {
            child_remove_tree(nodes->nodes[i].directory);
            unlink(nodes->nodes[i].log);
        }
    }
    if (nodes->has_made_directory && nodes->directory[0])
        rmdir(nodes->directory);
}

/* ---- processes ---- */

int demo_node_start(struct demo_nodes *nodes, unsigned index) {
    struct demo_node *node = &nodes->nodes[index];
    char port[16], seeds[DEMO_NODE_MAXIMUM * 32] = "";
    size_t used = 0;
    snprintf(port, sizeof port, "%u", node->client.port);
    for (unsigned i = 0; i < nodes->count; i++) {
        used += (size_t)snprintf(seeds + used, sizeof seeds - used, "%s127.0.0.1:%u", i ? "," : "",
                                 nodes->nodes[i].client.port + DEMO_PEER_OFFSET);
    }
    char *arguments[DEMO_FIXED_WORDS + DEMO_FLAG_MAXIMUM + 1] = {
        "trothdb", "server", "--dir", node->directory, "--port",
        port,      "--join", seeds,   "--bind",        node->client.host};
    for (unsigned i = 0; nodes->flags[i]; i++)
        arguments[DEMO_FIXED_WORDS + i] = (char *)(uintptr_t)nodes->flags[i];
    pid_t pid = child_start(arguments, node->log);
    if (pid < 0)
        return refuse(nodes, "a process cannot be started: %s", strerror(errno));
    node->pid = pid;
    node->is_killed = false;
    return 0;
}

void demo_node_kill(struct demo_nodes *nodes, unsigned index) {
    struct demo_node *node = &nodes->nodes[index];
    CHECK(node->pid > 0);
    kill(node->pid, SIGKILL);
    while (waitpid(node->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    node->pid = 0;
    node->is_killed = true;
    node->is_paused = false;
}

void demo_node_pause(struct demo_nodes *nodes, unsigned index) {
    struct demo_node *node = &nodes->nodes[index];
    CHECK(node->pid > 0);
    kill(node->pid, SIGSTOP);
    node->is_paused = true;
}

void demo_node_resume(struct demo_nodes *nodes, unsigned index) {
    struct demo_node *node = &nodes->nodes[index];
    CHECK(node->pid > 0);
    kill(node->pid, SIGCONT);
    node->is_paused = false;
}

void demo_node_stop(struct demo_nodes *nodes, unsigned index) {
    struct demo_node *node = &nodes->nodes[index];
    uint64_t deadline_us = figure_now_us() + (uint64_t)DEMO_STOP_MS * 1000;
    if (node->is_paused)
        demo_node_resume(nodes, index);
    kill(node->pid, SIGTERM);
    while (waitpid(node->pid, NULL, WNOHANG) == 0) {
        if (figure_now_us() >= deadline_us) {
            demo_node_kill(nodes, index);
            return;
        }
        usleep(DEMO_POLL_MS * 1000);
    }
    node->pid = 0;
}

/* ---- watching ---- */

static int note_end(struct demo_nodes *nodes, unsigned index, int status) {
    struct demo_node *node = &nodes->nodes[index];
    node->pid = 0;
    snprintf(nodes->problem, sizeof nodes->problem, "node %u ended by itself, %s %d", index + 1,
             WIFSIGNALED(status) ? "signal" : "exit code",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    child_append_log_tail(nodes->problem, sizeof nodes->problem, node->log);
    return ERR_REFUSED;
}

static int check_signals(struct demo_nodes *nodes, int timeout_ms) {
    struct pollfd polled = {.fd = nodes->signals, .events = POLLIN};
    struct signalfd_siginfo signal;
    if (poll(&polled, 1, timeout_ms) == 1 &&
        read(nodes->signals, &signal, sizeof signal) == sizeof signal)
        return refuse(nodes, "stopped by %s", strsignal((int)signal.ssi_signo));
    return 0;
}

int demo_nodes_watch(struct demo_nodes *nodes, int timeout_ms) {
    int error = check_signals(nodes, timeout_ms);
    for (unsigned i = 0; i < nodes->count && !error; i++) {
        int status;
        if (nodes->nodes[i].pid && waitpid(nodes->nodes[i].pid, &status, WNOHANG) > 0)
            error = note_end(nodes, i, status);
    }
    return error;
}

/* ---- begin and end ---- */

int demo_nodes_init(struct demo_nodes *nodes, unsigned count, int port, const char *directory) {
    *nodes = (struct demo_nodes){.count = count};
    nodes->signals = child_signals_open();
    for (unsigned i = 0; i < count; i++) {
        nodes->nodes[i].client =
            (struct net_address){.host = "127.0.0.1", .port = (uint16_t)(port + (int)i)};
    }
    int error = check_ports(nodes, port);
    if (!error)
        error = make_directory(nodes, directory);
    return error ? error : name_paths(nodes);
}

/* One after the other: each hands its shards to those that still run. */
void demo_nodes_release(struct demo_nodes *nodes, bool is_kept) {
    for (unsigned i = 0; i < nodes->count; i++)
        if (nodes->nodes[i].pid)
            demo_node_stop(nodes, i);
    if (!is_kept)
        remove_directory(nodes);
    close(nodes->signals);
}
