/* What a run of a scenario measures: who was told of what when, and who was accused wrongly. The
 * runner tells it all that it does and sees, with the time; nothing here looks at a clock.
 *
 *     message:  sent ---------> seen by one, by another ... --> known to all
 *     death:    killed -------> held for dead by one, by another ... --> known to all
 *     accusation: a healthy agent is suspected, or held for dead, by somebody
 *
 * An agent that ends or is stopped is no longer waited for. An agent that was stopped, cut off or
 * begins anew is *disturbed* until a while after that: who accuses it then is not wrong. Agents are
 * numbered from 0, times are microseconds since the run began. */
#pragma once
#include "base/containers/histogram.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    TALLY_SLICE_MAXIMUM = 600, /* the run's time is cut into at most so many slices for its plots */
    TALLY_MESSAGE_MAXIMUM = 1 << 20,
    TALLY_DEATH_MAXIMUM = 1024,
    TALLY_FALSEHOOD_MAXIMUM = 1024, /* that are told one by one; all are counted */
    TALLY_KEY_COUNT = 16            /* keys that one agent's messages take in turn */
};
#define TALLY_GRACE_US ((uint64_t)15 * 1000000) /* how long a disturbance is felt */
#define TALLY_NEVER    UINT64_MAX

enum tally_life { TALLY_ABSENT, TALLY_RUNNING, TALLY_STOPPED, TALLY_KILLED, TALLY_GONE };
/* What one agent thinks of another. */
enum tally_view { TALLY_UNKNOWN, TALLY_ALIVE, TALLY_SUSPECT, TALLY_DEAD, TALLY_LEFT };

struct tally_agent {
    enum tally_life life;
    unsigned disturbances;      /* under way */
    uint64_t excused_until_us;  /* by those that were */
    unsigned accusers, buriers; /* how many suspect it or hold it for dead; hold it for dead */
    unsigned key_turn;
    uint64_t last_message[TALLY_KEY_COUNT]; /* its number, by key */
};

struct tally_message {
    uint64_t sent_us, known_us; /* to all; TALLY_NEVER: not yet */
    uint64_t previous;          /* the same agent's with the same key, whose place it took */
    uint8_t *waiting;           /* a bit for each agent that has not seen it; NULL: all have */
    unsigned waiting_count;
    unsigned origin;
    bool is_orphan; /* its origin was killed before all knew: it may have told nobody */
};

struct tally_death {
    unsigned agent;
    uint64_t at_us, known_us; /* by all; TALLY_NEVER: not yet */
    uint64_t *views_us;       /* after the death, by viewer; TALLY_NEVER: not yet, or not asked */
    uint8_t *waiting;         /* a bit for each agent that has not noticed; NULL: it is over */
    unsigned waiting_count, view_count;
    bool is_outlived; /* the agent came back before all knew: nobody will notice any more */
};

struct tally_falsehood {
    uint64_t at_us;
    unsigned target, viewer;
    bool is_death;
};

/* Of an interval, summed over the agents. Of no agents: only messages and bytes count. */
struct tally_load {
    uint64_t from_us, to_us;
    unsigned agent_count;
    uint64_t messages, bytes, cpu_us;
    uint64_t resident_bytes, resident_most_bytes;
};

struct tally_slice {
    struct histogram *news; /* of messages sent in it, every view; NULL: none was */
    uint64_t accusations, false_accusations;
    unsigned wrong_views; /* at its end */
    struct tally_load load;
    uint64_t agent_us; /* agents times the time they were measured for */
};

struct tally {
    unsigned agent_maximum;
    uint64_t length_us, slice_us;
    struct tally_agent *agents;
    uint8_t *views; /* enum tally_view, by viewer and target */
    struct tally_message *messages;
    uint64_t message_count, message_capacity, first_open_message;
    struct tally_death *deaths;
    size_t death_count;
    struct tally_falsehood *falsehoods;
    size_t falsehood_count;
    uint64_t accusations, false_accusations, false_deaths, messages_uncounted, deaths_uncounted;
    struct histogram news_views, news_known, death_views, death_known;
    uint64_t news_known_count, orphan_count;
    struct tally_slice slices[TALLY_SLICE_MAXIMUM];
    uint64_t whole_since_us; /* TALLY_NEVER: some view is wrong now */
    bool has_changed;
};

void tally_init(struct tally *tally, unsigned agent_maximum, uint64_t length_us);
void tally_release(struct tally *tally);

/* All that came before was preparation: who runs is well from now on, time 0. */
void tally_begin(struct tally *tally);

/* The agents' lives. */
void tally_start(struct tally *tally, unsigned agent, uint64_t now_us);
void tally_kill(struct tally *tally, unsigned agent, uint64_t now_us);
void tally_leave(struct tally *tally, unsigned agent, uint64_t now_us);
void tally_stop(struct tally *tally, unsigned agent, uint64_t now_us);
void tally_resume(struct tally *tally, unsigned agent, uint64_t now_us);
void tally_disturb(struct tally *tally, unsigned agent);
void tally_calm(struct tally *tally, unsigned agent, uint64_t now_us);

/* What they think and know. */
void tally_see(struct tally *tally, unsigned viewer, unsigned target, enum tally_view view,
               uint64_t now_us);
/* `origin` says something now: *key is the key to say it by, the result the number to say.
 * TALLY_NEVER where there were too many (it is counted, and nothing is to be said). */
uint64_t tally_send(struct tally *tally, unsigned origin, uint64_t now_us, unsigned *key);
void tally_seen(struct tally *tally, unsigned viewer, uint64_t number, uint64_t now_us);
void tally_load(struct tally *tally, const struct tally_load *load);
/* Are all views right? To be asked often; what it finds is kept for the plots. */
unsigned tally_wrong_views(struct tally *tally, uint64_t now_us);

/* Of the deaths, or the messages: how many count, and how many of these all knew of within this
 * time. What happened so late that this time was not over at the end does not count; nor do
 * orphans, and deaths that were outlived, unless all knew. */
struct tally_share {
    uint64_t in_time, count;
};
struct tally_share tally_share_of_deaths(const struct tally *tally, uint64_t within_us);
struct tally_share tally_share_of_news(const struct tally *tally, uint64_t within_us);
double
tally_share_value(struct tally_share share); /* 0 of none: what did not happen shows nothing */
/* As histogram_quantile(), and never more than the longest. */
uint64_t tally_quantile_us(const struct histogram *histogram, double quantile);
/* Bytes a second that an agent sent, on average over the run. */
uint64_t tally_bytes_per_second(const struct tally *tally);
uint64_t tally_messages_per_second_milli(const struct tally *tally);
uint64_t tally_cpu_ppm(const struct tally *tally); /* millionths of one core, per agent */
uint64_t tally_resident_most_bytes(const struct tally *tally);
