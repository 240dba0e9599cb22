/* What the files of `trothdb chaos` share: chaos.c is the command, chaos_agents.c the processes,
 * chaos_watch.c the connection to each, chaos_faults.c the rules that each is given, chaos_script.c
 * what happens when, chaos_load.c what the agents cost, chaos_largest.c the search for the largest
 * cluster.
 *
 *     scenario --> chaos_script --> processes, rules, messages
 *                                        |
 *     report <-- tally <-- chaos_watch <-+ pushes of GOSSIP WATCH, one connection an agent       */
#pragma once
#include <limits.h>
#include <sys/types.h>

#include "base/containers/heap.h"
#include "base/exit_code.h"
#include "base/random.h"
#include "chaos/report.h"
#include "cli/client/client.h"

enum {
    CHAOS_PORT_FIRST = 10001, /* below the ports that the system hands out by itself */
    CHAOS_PORT_LAST = 32000,  /* of the peer ports */
    CHAOS_PEER_OFFSET = 10000,
    CHAOS_ADMIN_OFFSET = 2000,
    CHAOS_PENDING_MAXIMUM = 64, /* commands of one agent that were not answered yet */
    CHAOS_RETRY_US = 20000,
    CHAOS_PROBLEM_BYTES = 4096,
    CHAOS_STOP_MS = 5000 /* from SIGTERM to SIGKILL */
};

enum chaos_asked { CHAOS_ASKED_ANYTHING, CHAOS_ASKED_MEMBERS, CHAOS_ASKED_INFO };

struct chaos_agent {
    pid_t pid; /* 0: not running */
    bool is_paused;
    bool is_ending;    /* told to leave */
    bool is_connected; /* the client below is open */
    bool is_watched;   /* its first view has come */
    bool has_ever_run;
    uint64_t retry_us;    /* connects not before this */
    uint64_t deadline_us; /* of its leave */
    struct client client;
    uint8_t pending[CHAOS_PENDING_MAXIMUM]; /* enum chaos_asked; a ring */
    unsigned pending_first, pending_count;
    char *rules; /* owned: the commands of its faults as last sent; NULL: none */
    uint64_t messages, bytes, cpu_us; /* as last told, of this life */
    uint64_t resident_bytes;
};

/* Whom a step of the scenario concerns while it lasts. */
struct chaos_concern {
    bool is_active;
    bool *who, *other; /* by agent; owned */
    unsigned fewest;   /* of all times it began; REPORT_NEVER_FELL */
};

struct chaos {
    const struct scenario *scenario;
    uint64_t seed;
    const char *setting_flags[2 * SCENARIO_SETTING_MAXIMUM]; /* names and values for every agent */
    unsigned setting_flag_count;
    bool is_quiet; /* no progress on stdout */

    struct chaos_agent *agents;
    unsigned agent_count, agent_maximum; /* that ever began; that may */
    int port;
    char directory[PATH_MAX];
    struct tally tally;
    struct random random;
    int epoll, signals;
    bool has_begun;
    uint64_t begun_us; /* of figure_now_us(), once all know all */
    uint64_t begun_unix_ms;

    struct heap events;
    struct chaos_concern *concerns;         /* by step */
    uint64_t sampled_us, sampled_before_us; /* the last two samples of the load */
    char problem[CHAOS_PROBLEM_BYTES];      /* why it ended before its time; "" */
};

/* chaos_script.c: the whole run. ERR_REFUSED with `problem` where it could not be run to its end;
 * what was measured until then stands in the tally. chaos_release() in any case. */
int chaos_perform(struct chaos *chaos) MUST_CHECK;
void chaos_release(struct chaos *chaos);

/* chaos_ask.c */
/* Microseconds since all knew all; 0 before. */
uint64_t chaos_now_us(const struct chaos *chaos);
/* ERR_REFUSED; the first problem is the one to tell. */
int chaos_fail(struct chaos *chaos, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Up, not paused, and its view known. */
bool chaos_agent_is_usable(const struct chaos_agent *agent);
/* False where too many commands of this agent wait for their answer. */
bool chaos_ask(struct chaos *chaos, unsigned index, enum chaos_asked asked,
               const struct bytes *arguments, size_t count);
void chaos_wish_to_write(struct chaos *chaos, unsigned index); /* what the socket did not take */
void chaos_hang_up(struct chaos *chaos, unsigned index);
void chaos_lose(struct chaos *chaos, unsigned index); /* hangs up, and tries again a little later */

/* chaos_agents.c */
int chaos_agents_open(struct chaos *chaos) MUST_CHECK; /* ports, directory, signals */
void chaos_agents_close(struct chaos *chaos);          /* ends them all, removes what was made */
int chaos_agent_start(struct chaos *chaos, unsigned index) MUST_CHECK;
void chaos_agent_kill(struct chaos *chaos, unsigned index);
void chaos_agent_leave(struct chaos *chaos, unsigned index);
void chaos_agent_pause(struct chaos *chaos, unsigned index);
void chaos_agent_resume(struct chaos *chaos, unsigned index);
/* ERR_REFUSED with the problem where one ended that was not to, or this process was told to stop.
 */
int chaos_agents_check(struct chaos *chaos) MUST_CHECK;

/* chaos_watch.c */
void chaos_watch_open(struct chaos *chaos);
void chaos_watch_close(struct chaos *chaos);
/* Connects to those that can be, and handles what came; waits at most timeout_ms for it. */
int chaos_watch(struct chaos *chaos, int timeout_ms) MUST_CHECK;

/* chaos_faults.c: brings every agent's rules to what the steps under way ask for. */
void chaos_faults_apply(struct chaos *chaos);
void chaos_faults_apply_to(struct chaos *chaos, unsigned index);

/* chaos_load.c */
void chaos_load_sample(struct chaos *chaos); /* asks, and hands the tally what was told before */
void chaos_load_take_info(struct chaos *chaos, unsigned index, struct bytes text);
/* Share of this machine's processors that were busy since the counters were read before. */
struct chaos_processor {
    uint64_t busy, all;
};
double chaos_processor_share(struct chaos_processor *before);

/* chaos_largest.c */
struct chaos_goal {
    double share;
    uint64_t within_us;
    unsigned agent_maximum;
    bool is_json;
};
int chaos_find_largest(const struct chaos_goal *goal, uint64_t seed);

/* `trothdb chaos`: arguments behind the name; the exit code of the process. */
int chaos_run(int argc, char **argv);
