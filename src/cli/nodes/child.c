#include "cli/nodes/child.h"

#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/check.h"

enum { CHILD_LOG_TAIL_BYTES = 1500, CHILD_WALK_DESCRIPTORS = 16 };

static void watched_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGPIPE); /* nobody reads on: what was begun is cleared away all the same */
}

int child_signals_open(void) {
    sigset_t signals;
    watched_signals(&signals);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    int descriptor = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    CHECK(descriptor >= 0);
    return descriptor;
}

/* In the child. It leads a group of its own, so that Ctrl-C is the parent's alone. */
static _Noreturn void become_child(char *const *arguments, const char *log_path, pid_t parent) {
    sigset_t signals;
    watched_signals(&signals);
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int nothing = open("/dev/null", O_RDONLY);
    if (getppid() != parent || log < 0 || nothing < 0)
        _exit(127);
    dup2(nothing, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execv("/proc/self/exe", arguments);
    _exit(127);
}

pid_t child_start(char *const *arguments, const char *log) {
    pid_t parent = getpid();
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        become_child(arguments, log, parent);
    return pid;
}

bool child_port_is_free(int port, int kind) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int socket_fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    if (socket_fd < 0)
        return false;
    if (kind == SOCK_STREAM) /* connections of yesterday that linger do not matter */
        setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    bool is_bound = bind(socket_fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(socket_fd);
    return is_bound;
}

static bool is_full(const char *path) {
    struct statvfs status;
    return statvfs(path, &status) == 0 && status.f_bavail == 0;
}

void child_append_log_tail(char *problem, size_t size, const char *path) {
    char tail[CHILD_LOG_TAIL_BYTES + 1] = "";
    FILE *log = fopen(path, "re");
    if (!log)
        return;
    if (fseek(log, -CHILD_LOG_TAIL_BYTES, SEEK_END))
        rewind(log);
    tail[fread(tail, 1, CHILD_LOG_TAIL_BYTES, log)] = '\0';
    fclose(log);
    size_t used = strlen(problem);
    if (tail[0] == '\0' && is_full(path))
        snprintf(problem + used, size - used, "; there is no space left on the device of %s", path);
    else
        snprintf(problem + used, size - used, "; its last words:\n%s", tail);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void child_remove_tree(const char *path) {
    nftw(path, remove_entry, CHILD_WALK_DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
