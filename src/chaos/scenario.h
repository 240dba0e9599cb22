/* A scenario of `trothdb chaos`: how many agents, what happens to them and when, and what is
 * expected of them. A text that anyone can read and write, one statement a line; the grammar is in
 * docs/guide/chaos.md.
 *
 *     agents 50
 *     messages 20/s
 *     at 10s kill 1
 *     at 20s loss 20% for 10s
 *     expect deaths within 5s
 *
 * Time 0 is when all agents know all others. */
#pragma once
#include "base/bytes.h"
#include "base/error.h"

enum {
    SCENARIO_AGENT_MAXIMUM = 2000, /* that live at the same time, and that ever lived */
    SCENARIO_STEP_MAXIMUM = 256,
    SCENARIO_EXPECTATION_MAXIMUM = 32,
    SCENARIO_SETTING_MAXIMUM = 16,
    SCENARIO_PART_MAXIMUM = 8, /* of a split */
    SCENARIO_RANGE_MAXIMUM = 16,
    SCENARIO_WORD_MAXIMUM = 24, /* of a line */
    SCENARIO_LINE_BYTES = 256,
    SCENARIO_FILE_BYTES = 64 * 1024,
    SCENARIO_PROBLEM_BYTES = 512,
    SCENARIO_MESSAGES_MAXIMUM = 10000, /* a second */
    SCENARIO_CHURN_MAXIMUM = 100,      /* a second */
    SCENARIO_AGENTS_DEFAULT = 20
};
#define SCENARIO_LENGTH_MAXIMUM_US ((uint64_t)24 * 3600 * 1000000)
#define SCENARIO_AFTERWARDS_US     ((uint64_t)10 * 1000000) /* where `lasts` is not said */

enum scenario_act {
    SCENARIO_KILL,
    SCENARIO_LEAVE,
    SCENARIO_JOIN,
    SCENARIO_RESTART,
    SCENARIO_STOP,
    SCENARIO_CUT,
    SCENARIO_SPLIT,
    SCENARIO_LOSS,
    SCENARIO_DELAY,
    SCENARIO_DUPLICATE,
    SCENARIO_CHURN,
    SCENARIO_MESSAGES
};

/* "3": so many by lot. "a1,a4-a6": these; agents are numbered from 1. Neither: everybody. */
struct scenario_who {
    unsigned count;
    struct {
        unsigned first, last;
    } ranges[SCENARIO_RANGE_MAXIMUM];
    unsigned range_count;
};

struct scenario_step {
    enum scenario_act act;
    uint64_t at_us, for_us, every_us;    /* for_us 0: to the end; every_us 0: once */
    struct scenario_who who, other;      /* the other end of a cut */
    bool is_one_way;                     /* a cut */
    bool is_deadly;                      /* churn: who goes is killed */
    double share;                        /* of loss and duplicate */
    double rate;                         /* a second: of churn and messages */
    uint64_t shortest_us, longest_us;    /* of delay */
    double parts[SCENARIO_PART_MAXIMUM]; /* of a split: agents, or shares of them */
    unsigned part_count;
    bool has_shares;
    unsigned line;
    char text[SCENARIO_LINE_BYTES]; /* as it was written, without its time */
};

enum scenario_subject {
    SCENARIO_DEATHS,
    SCENARIO_NEWS,
    SCENARIO_WHOLE,
    SCENARIO_FALSE_ACCUSATIONS,
    SCENARIO_FALSE_DEATHS,
    SCENARIO_MEMORY,
    SCENARIO_TRAFFIC
};

struct scenario_expectation {
    enum scenario_subject subject;
    double share;       /* of the deaths or the news; 1: all */
    uint64_t within_us; /* of deaths, news, whole */
    uint64_t at_most;   /* of the others: how many, bytes, bytes a second */
    unsigned line;
    char text[SCENARIO_LINE_BYTES];
};

struct scenario_setting {
    char name[64], value[128];
    unsigned line;
};

struct scenario {
    const char *file; /* borrowed, for messages */
    unsigned agent_count;
    uint64_t length_us;
    unsigned agents_line, length_line; /* that say so; 0: none does */
    struct scenario_step steps[SCENARIO_STEP_MAXIMUM];
    unsigned step_count;
    struct scenario_expectation expectations[SCENARIO_EXPECTATION_MAXIMUM];
    unsigned expectation_count;
    struct scenario_setting settings[SCENARIO_SETTING_MAXIMUM];
    unsigned setting_count;
};

/* ERR_INVALID with "FILE:LINE: what, and what to do" in `problem` (SCENARIO_PROBLEM_BYTES). */
int scenario_parse(struct scenario *scenario, const char *file, struct bytes text,
                   char *problem) MUST_CHECK;
/* Does it hold together, with this many agents? Call it again when agent_count was changed.
 * ERR_INVALID with `problem` as above. */
int scenario_check(const struct scenario *scenario, char *problem) MUST_CHECK;
/* When the step is over: it takes no time unless it lasts. */
uint64_t scenario_step_end_us(const struct scenario *scenario, const struct scenario_step *step);
/* How many agents there ever are, those that join included. */
unsigned scenario_agents_ever(const struct scenario *scenario);
/* On how many agents the step is to fall, each time; 0: on all, or on new ones. */
unsigned scenario_step_wanted(const struct scenario_step *step);
/* Does it disturb anybody? Messages do not. */
bool scenario_act_is_fault(enum scenario_act act);
