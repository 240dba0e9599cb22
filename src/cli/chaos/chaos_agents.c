/* The agents as processes: ports, a directory for their logs, their beginning and their end. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "cli/chaos/chaos.h"
#include "cli/nodes/child.h"
#include "cli/terminal/figure.h"

enum {
    AGENT_FIXED_WORDS = 20,
    AGENT_SEEDS = 3,
    AGENT_NUMBER_BYTES = 16,
    SPARE_DESCRIPTORS = 64, /* beside one for each agent */
    END_POLL_US = 5000
};

/* ---- before the first ---- */

static bool ports_are_free(int first, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        int port = first + (int)i;
        if (!child_port_is_free(port, SOCK_STREAM) ||
            !child_port_is_free(port + CHAOS_ADMIN_OFFSET, SOCK_STREAM) ||
            !child_port_is_free(port + CHAOS_PEER_OFFSET, SOCK_STREAM) ||
            !child_port_is_free(port + CHAOS_PEER_OFFSET, SOCK_DGRAM))
            return false;
    }
    return true;
}

/* From where by lot, so that two that are started together do not take the same. */
static int find_ports(struct chaos *chaos) {
    unsigned stride = chaos->agent_maximum < 50 ? 50 : chaos->agent_maximum;
    unsigned places = (CHAOS_PORT_LAST - CHAOS_PEER_OFFSET - CHAOS_PORT_FIRST) / stride;
    unsigned first = (unsigned)getpid() % (places ? places : 1);
    for (unsigned i = 0; i < places; i++) {
        int port = CHAOS_PORT_FIRST + (int)((first + i) % places * stride);
        if (ports_are_free(port, chaos->agent_maximum)) {
            chaos->port = port;
            return 0;
        }
    }
    return chaos_fail(chaos,
                      "no %u free ports between %d and %d in a row were found; end what "
                      "uses them, or take fewer agents",
                      chaos->agent_maximum, CHAOS_PORT_FIRST, CHAOS_PORT_LAST);
}

static int check_descriptors(struct chaos *chaos) {
    struct rlimit limit;
    rlim_t wanted = chaos->agent_maximum + SPARE_DESCRIPTORS;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < wanted) {
        return chaos_fail(chaos,
                          "%u agents take %llu file descriptors and %llu are allowed; raise "
                          "the limit (ulimit -n), or take fewer agents",
                          chaos->agent_maximum, (unsigned long long)wanted,
                          (unsigned long long)limit.rlim_cur);
    }
    return 0;
}

int chaos_agents_open(struct chaos *chaos) {
    const char *base = getenv("TMPDIR");
    unsetenv("TROTHDB_PASSWORD"); /* the agents have none */
    chaos->signals = child_signals_open();
    snprintf(chaos->directory, sizeof chaos->directory, "%s/trothdb-chaos-XXXXXX",
             base && *base ? base : "/tmp");
    if (!mkdtemp(chaos->directory)) {
        int error = chaos_fail(chaos,
                               "a directory such as %s cannot be made: %s; TMPDIR names another "
                               "place for it",
                               chaos->directory, strerror(errno));
        chaos->directory[0] = '\0';
        return error;
    }
    int error = check_descriptors(chaos);
    return error ? error : find_ports(chaos);
}

/* ---- one ---- */

static void log_path(const struct chaos *chaos, unsigned index, char out[PATH_MAX + 32]) {
    snprintf(out, PATH_MAX + 32, "%s/a%u.log", chaos->directory, index + 1);
}

static unsigned collect_seeds(const struct chaos *chaos, unsigned except, unsigned *found) {
    unsigned count = 0;
    for (unsigned i = 0; i < chaos->agent_count; i++)
        if (i != except && chaos->agents[i].pid && !chaos->agents[i].is_paused)
            found[count++] = i;
    return count;
}

/* The first agents at the start, some that run later: whom a person would name. */
static void choose_seeds(struct chaos *chaos, unsigned index, char *out, size_t size) {
    unsigned *running = memory_allocate(chaos->agent_maximum * sizeof *running);
    unsigned count = collect_seeds(chaos, index, running);
    size_t used = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < AGENT_SEEDS && i < count; i++) {
        unsigned at =
            i + (chaos->has_begun ? (unsigned)random_below(&chaos->random, count - i) : 0);
        unsigned seed = running[at];
        running[at] = running[i];
        used += (size_t)snprintf(out + used, size - used, "%s127.0.0.1:%d", i ? "," : "",
                                 chaos->port + CHAOS_PEER_OFFSET + (int)seed);
    }
    memory_free(running);
}

static bool needs_directory(const struct scenario *scenario) {
    for (unsigned i = 0; i < scenario->step_count; i++)
        if (scenario->steps[i].act == SCENARIO_RESTART)
            return true;
    return false;
}

/* A command line, and the texts that its words point to. */
struct agent_line {
    char name[AGENT_NUMBER_BYTES], port[AGENT_NUMBER_BYTES], peer_port[AGENT_NUMBER_BYTES],
        admin_port[AGENT_NUMBER_BYTES], seeds[AGENT_SEEDS * 24], directory[PATH_MAX + 32];
    char *words[AGENT_FIXED_WORDS + 2 * SCENARIO_SETTING_MAXIMUM + 1]; /* NULL behind the last */
    unsigned count;
};

static void add_flag(struct agent_line *line, const char *flag, const char *value) {
    line->words[line->count++] = (char *)(uintptr_t)flag;
    line->words[line->count++] = (char *)(uintptr_t)value;
}

static void write_line(struct chaos *chaos, unsigned index, struct agent_line *line) {
    int port = chaos->port + (int)index;
    *line = (struct agent_line){.words = {"trothdb", "agent"}, .count = 2};
    snprintf(line->name, sizeof line->name, "a%u", index + 1);
    snprintf(line->port, sizeof line->port, "%d", port);
    snprintf(line->peer_port, sizeof line->peer_port, "%d", port + CHAOS_PEER_OFFSET);
    snprintf(line->admin_port, sizeof line->admin_port, "%d", port + CHAOS_ADMIN_OFFSET);
    snprintf(line->directory, sizeof line->directory, "%s/a%u", chaos->directory, index + 1);
    choose_seeds(chaos, index, line->seeds, sizeof line->seeds);
    add_flag(line, "--name", line->name);
    add_flag(line, "--bind", "127.0.0.1");
    add_flag(line, "--port", line->port);
    add_flag(line, "--peer-port", line->peer_port);
    add_flag(line, "--admin-port", line->admin_port);
    add_flag(line, "--loglevel", "warn");
    add_flag(line, "--fault-injection", "yes");
    if (line->seeds[0])
        add_flag(line, "--join", line->seeds);
    if (needs_directory(chaos->scenario))
        add_flag(line, "--dir", line->directory);
    CHECK(line->count <= AGENT_FIXED_WORDS);
    for (unsigned i = 0; i < chaos->setting_flag_count; i++)
        line->words[line->count++] = (char *)(uintptr_t)chaos->setting_flags[i];
}

int chaos_agent_start(struct chaos *chaos, unsigned index) {
    struct chaos_agent *agent = &chaos->agents[index];
    struct agent_line line;
    char log[PATH_MAX + 32];
    write_line(chaos, index, &line);
    log_path(chaos, index, log);
    pid_t pid = child_start(line.words, log);
    if (pid < 0) {
        return chaos_fail(chaos, "a%u: a process cannot be started: %s", index + 1,
                          strerror(errno));
    }
    agent->pid = pid;
    agent->is_paused = agent->is_ending = agent->is_watched = false;
    agent->has_ever_run = true;
    agent->messages = agent->bytes = agent->cpu_us = 0;
    agent->retry_us = 0;
    chaos->agent_count = index >= chaos->agent_count ? index + 1 : chaos->agent_count;
    return 0;
}

static void forget(struct chaos *chaos, unsigned index) {
    struct chaos_agent *agent = &chaos->agents[index];
    chaos_hang_up(chaos, index);
    agent->pid = 0;
    agent->is_paused = agent->is_ending = agent->is_watched = false;
}

void chaos_agent_kill(struct chaos *chaos, unsigned index) {
    struct chaos_agent *agent = &chaos->agents[index];
    CHECK(agent->pid > 0);
    kill(agent->pid, SIGKILL);
    while (waitpid(agent->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    forget(chaos, index);
}

void chaos_agent_leave(struct chaos *chaos, unsigned index) {
    struct chaos_agent *agent = &chaos->agents[index];
    CHECK(agent->pid > 0);
    if (agent->is_paused)
        chaos_agent_resume(chaos, index);
    kill(agent->pid, SIGTERM);
    agent->is_ending = true;
    agent->deadline_us = figure_now_us() + (uint64_t)CHAOS_STOP_MS * 1000;
    chaos_hang_up(chaos, index);
}

void chaos_agent_pause(struct chaos *chaos, unsigned index) {
    kill(chaos->agents[index].pid, SIGSTOP);
    chaos->agents[index].is_paused = true;
}

void chaos_agent_resume(struct chaos *chaos, unsigned index) {
    kill(chaos->agents[index].pid, SIGCONT);
    chaos->agents[index].is_paused = false;
}

/* ---- all ---- */

static int check_signals(struct chaos *chaos) {
    struct signalfd_siginfo signal;
    if (read(chaos->signals, &signal, sizeof signal) == sizeof signal)
        return chaos_fail(chaos, "stopped by %s", strsignal((int)signal.ssi_signo));
    return 0;
}

static int check_one(struct chaos *chaos, unsigned index) {
    struct chaos_agent *agent = &chaos->agents[index];
    int status;
    if (!agent->pid || waitpid(agent->pid, &status, WNOHANG) <= 0) {
        if (agent->pid && agent->is_ending && figure_now_us() > agent->deadline_us)
            chaos_agent_kill(chaos, index);
        return 0;
    }
    bool was_told = agent->is_ending;
    forget(chaos, index);
    if (was_told)
        return 0;
    char log[PATH_MAX + 32];
    int error = chaos_fail(chaos, "a%u ended by itself, %s %d", index + 1,
                           WIFSIGNALED(status) ? "signal" : "exit code",
                           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    log_path(chaos, index, log);
    child_append_log_tail(chaos->problem, sizeof chaos->problem, log);
    return error;
}

int chaos_agents_check(struct chaos *chaos) {
    int error = check_signals(chaos);
    for (unsigned i = 0; i < chaos->agent_count && !error; i++)
        error = check_one(chaos, i);
    return error;
}

/* Nobody is told anything: the run is over. */
void chaos_agents_close(struct chaos *chaos) {
    for (unsigned i = 0; i < chaos->agent_count; i++)
        if (chaos->agents[i].pid)
            kill(chaos->agents[i].pid, SIGKILL);
    for (unsigned i = 0; i < chaos->agent_count; i++)
        if (chaos->agents[i].pid)
            chaos_agent_kill(chaos, i);
    if (chaos->directory[0])
        child_remove_tree(chaos->directory);
    close(chaos->signals);
}
