/* What happens when: the steps of the scenario become events by their time, and between them the
 * agents are listened to. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "cli/chaos/chaos.h"
#include "cli/terminal/figure.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/window.h"

enum {
    POLL_MS = 50,
    SETTLE_US_AT_LEAST = 60000000,
    SETTLE_US_PER_AGENT = 250000,
    STARTS_AT_ONCE = 16, /* that have not answered yet */
    SAMPLE_US = 1000000,
    SAMPLE_US_PER_AGENT = 2000,
    WORD_BYTES = 24
};

enum event_kind { EVENT_BEGIN, EVENT_END, EVENT_CHURN, EVENT_MESSAGE, EVENT_SAMPLE };

struct event {
    enum event_kind kind;
    unsigned step;
    uint64_t begun_us, turn; /* of a step that comes at a rate */
};

static const struct scenario_step *step_of(const struct chaos *chaos, const struct event *event) {
    return &chaos->scenario->steps[event->step];
}

static void plan(struct chaos *chaos, uint64_t at_us, struct event event) {
    heap_push(&chaos->events, at_us, memory_copy(&event, sizeof event));
}

/* ---- whom ---- */

static bool is_named(const struct scenario_who *who, unsigned index) {
    for (unsigned i = 0; i < who->range_count; i++)
        if (index + 1 >= who->ranges[i].first && index + 1 <= who->ranges[i].last)
            return true;
    return false;
}

static bool runs(const struct chaos *chaos, unsigned index) {
    return chaos_agent_is_usable(&chaos->agents[index]);
}

static bool has_ended(const struct chaos *chaos, unsigned index) {
    return chaos->agents[index].has_ever_run && !chaos->agents[index].pid;
}

/* Those that are named and fit, or so many of those that fit by lot; nobody whom `not_these` names.
 */
static void choose(struct chaos *chaos, const struct scenario_who *who,
                   bool (*fits)(const struct chaos *chaos, unsigned index), const bool *not_these,
                   bool *chosen) {
    unsigned *candidates = memory_allocate(chaos->agent_maximum * sizeof *candidates), count = 0;
    memset(chosen, 0, chaos->agent_maximum * sizeof *chosen);
    for (unsigned i = 0; i < chaos->agent_count; i++) {
        if (!fits(chaos, i) || (not_these && not_these[i]))
            continue;
        chosen[i] = is_named(who, i);
        candidates[count++] = i;
    }
    for (unsigned i = 0; i < who->count && i < count; i++) {
        unsigned at = i + (unsigned)random_below(&chaos->random, count - i);
        chosen[candidates[at]] = true;
        candidates[at] = candidates[i];
    }
    memory_free(candidates);
}

/* Any that is up; agent_maximum if none is. */
static unsigned choose_one(struct chaos *chaos) {
    const struct scenario_who one = {.count = 1};
    bool *chosen = memory_allocate(chaos->agent_maximum * sizeof *chosen);
    unsigned found = 0;
    choose(chaos, &one, runs, NULL, chosen);
    while (found < chaos->agent_maximum && !chosen[found])
        found++;
    memory_free(chosen);
    return found;
}

/* ---- acts ---- */

static void end_one(struct chaos *chaos, unsigned index, bool is_killed) {
    if (is_killed) {
        chaos_agent_kill(chaos, index);
        tally_kill(&chaos->tally, index, chaos_now_us(chaos));
    } else {
        chaos_agent_leave(chaos, index);
        tally_leave(&chaos->tally, index, chaos_now_us(chaos));
    }
}

static int join(struct chaos *chaos, unsigned count) {
    int error = 0;
    for (unsigned i = 0; i < count && !error && chaos->agent_count < chaos->agent_maximum; i++)
        error = chaos_agent_start(chaos, chaos->agent_count);
    return error;
}

static int restart(struct chaos *chaos, const bool *who) {
    int error = 0;
    for (unsigned i = 0; i < chaos->agent_maximum && !error; i++)
        error = who[i] ? chaos_agent_start(chaos, i) : 0;
    return error;
}

/* Of everybody whom the step concerns. */
static void disturb(struct chaos *chaos, const struct chaos_concern *concern, bool is_beginning) {
    for (unsigned i = 0; i < chaos->agent_maximum; i++) {
        if (!concern->who[i] && !concern->other[i])
            continue;
        if (is_beginning)
            tally_disturb(&chaos->tally, i);
        else
            tally_calm(&chaos->tally, i, chaos_now_us(chaos));
    }
}

static void pause_all(struct chaos *chaos, const bool *who) {
    for (unsigned i = 0; i < chaos->agent_maximum; i++) {
        if (who[i]) {
            tally_stop(&chaos->tally, i, chaos_now_us(chaos));
            chaos_agent_pause(chaos, i);
        }
    }
}

static void resume_all(struct chaos *chaos, const bool *who) {
    for (unsigned i = 0; i < chaos->agent_maximum; i++) {
        if (who[i] && chaos->agents[i].pid && chaos->agents[i].is_paused) {
            chaos_agent_resume(chaos, i);
            tally_resume(&chaos->tally, i, chaos_now_us(chaos));
        }
    }
}

static void note_fewest(const struct chaos *chaos, struct chaos_concern *concern) {
    unsigned count = 0;
    for (unsigned i = 0; i < chaos->agent_maximum; i++)
        count += concern->who[i];
    concern->fewest = count < concern->fewest ? count : concern->fewest;
}

static int begin_step(struct chaos *chaos, struct event *event) {
    const struct scenario_step *step = step_of(chaos, event);
    struct chaos_concern *concern = &chaos->concerns[event->step];
    uint64_t now_us = chaos_now_us(chaos);
    choose(chaos, &step->who, step->act == SCENARIO_RESTART ? has_ended : runs, NULL, concern->who);
    choose(chaos, &step->other, runs, concern->who, concern->other);
    note_fewest(chaos, concern);
    concern->is_active = true;
    switch (step->act) {
    case SCENARIO_KILL:
    case SCENARIO_LEAVE:
        for (unsigned i = 0; i < chaos->agent_maximum; i++)
            if (concern->who[i])
                end_one(chaos, i, step->act == SCENARIO_KILL);
        return 0;
    case SCENARIO_JOIN:
        return join(chaos, step->who.count);
    case SCENARIO_RESTART:
        return restart(chaos, concern->who);
    case SCENARIO_STOP:
        pause_all(chaos, concern->who);
        return 0;
    case SCENARIO_SPLIT:
        memset(concern->who, true, chaos->agent_maximum * sizeof *concern->who);
        /* fallthrough */
    case SCENARIO_CUT:
        disturb(chaos, concern, true);
        /* fallthrough */
    case SCENARIO_LOSS:
    case SCENARIO_DELAY:
    case SCENARIO_DUPLICATE:
        chaos_faults_apply(chaos);
        return 0;
    case SCENARIO_CHURN:
    case SCENARIO_MESSAGES:
        plan(chaos, now_us,
             (struct event){.kind = step->act == SCENARIO_CHURN ? EVENT_CHURN : EVENT_MESSAGE,
                            .step = event->step,
                            .begun_us = now_us});
        return 0;
    }
    UNREACHABLE();
}

static void end_step(struct chaos *chaos, struct event *event) {
    const struct scenario_step *step = step_of(chaos, event);
    struct chaos_concern *concern = &chaos->concerns[event->step];
    concern->is_active = false;
    if (step->act == SCENARIO_STOP)
        resume_all(chaos, concern->who);
    if (step->act == SCENARIO_CUT || step->act == SCENARIO_SPLIT)
        disturb(chaos, concern, false);
    chaos_faults_apply(chaos);
}

/* By turns one goes and one comes, so that their number stays about what it is. */
static int churn(struct chaos *chaos, struct event *event) {
    if (event->turn % 2 == 0)
        return join(chaos, 1);
    unsigned index = choose_one(chaos);
    if (index < chaos->agent_maximum)
        end_one(chaos, index, step_of(chaos, event)->is_deadly);
    return 0;
}

static void say(struct chaos *chaos) {
    unsigned origin = choose_one(chaos), key = 0;
    if (origin == chaos->agent_maximum ||
        chaos->agents[origin].pending_count >= CHAOS_PENDING_MAXIMUM - 1)
        return;
    uint64_t number = tally_send(&chaos->tally, origin, chaos_now_us(chaos), &key);
    char name[WORD_BYTES], value[WORD_BYTES];
    snprintf(name, sizeof name, "chaos-%u", key);
    snprintf(value, sizeof value, "%llu", (unsigned long long)number);
    const struct bytes words[] = {BYTES_LITERAL("GOSSIP"), BYTES_LITERAL("SET"),
                                  bytes_of_text(name), bytes_of_text(value)};
    if (number != TALLY_NEVER)
        chaos_ask(chaos, origin, CHAOS_ASKED_ANYTHING, words, 4);
}

/* ---- events ---- */

static uint64_t sample_interval_us(const struct chaos *chaos) {
    return SAMPLE_US + (uint64_t)chaos->agent_count * SAMPLE_US_PER_AGENT;
}

/* What comes at a rate comes again, unless its step is over. */
static void plan_next_turn(struct chaos *chaos, struct event event) {
    const struct scenario_step *step = step_of(chaos, &event);
    double rate = step->act == SCENARIO_CHURN ? 2 * step->rate : step->rate;
    event.turn++;
    uint64_t at_us = event.begun_us + (uint64_t)((double)event.turn * 1e6 / rate);
    if (chaos->concerns[event.step].is_active)
        plan(chaos, at_us, event);
}

static void plan_step(struct chaos *chaos, unsigned position, uint64_t at_us) {
    const struct scenario_step *step = &chaos->scenario->steps[position];
    if (at_us + step->for_us > chaos->scenario->length_us)
        return;
    plan(chaos, at_us, (struct event){.kind = EVENT_BEGIN, .step = position, .begun_us = at_us});
    if (step->for_us > 0)
        plan(chaos, at_us + step->for_us, (struct event){.kind = EVENT_END, .step = position});
}

static int run_event(struct chaos *chaos, struct event event) {
    int error = 0;
    switch (event.kind) {
    case EVENT_BEGIN:
        if (step_of(chaos, &event)->every_us > 0)
            plan_step(chaos, event.step, event.begun_us + step_of(chaos, &event)->every_us);
        return begin_step(chaos, &event);
    case EVENT_END:
        end_step(chaos, &event);
        return 0;
    case EVENT_CHURN:
        if (chaos->concerns[event.step].is_active) {
            error = churn(chaos, &event);
            plan_next_turn(chaos, event);
        }
        return error;
    case EVENT_MESSAGE:
        if (chaos->concerns[event.step].is_active) {
            say(chaos);
            plan_next_turn(chaos, event);
        }
        return 0;
    case EVENT_SAMPLE:
        chaos_load_sample(chaos);
        plan(chaos, chaos_now_us(chaos) + sample_interval_us(chaos), event);
        return 0;
    }
    UNREACHABLE();
}

static int run_due(struct chaos *chaos) {
    uint64_t due_us;
    void *element;
    int error = 0;
    while (!error && heap_peek(&chaos->events, &due_us, &element) &&
           due_us <= chaos_now_us(chaos)) {
        CHECK(heap_pop(&chaos->events, &due_us, &element));
        struct event event = *(struct event *)element;
        memory_free(element);
        error = run_event(chaos, event);
    }
    return error;
}

static int time_to_next_ms(const struct chaos *chaos) {
    uint64_t due_us, now_us = chaos_now_us(chaos);
    void *element;
    if (!heap_peek(&chaos->events, &due_us, &element) || due_us > now_us + POLL_MS * 1000)
        return POLL_MS;
    return due_us > now_us ? (int)((due_us - now_us + 999) / 1000) : 0;
}

/* ---- the run ---- */

static int start_all(struct chaos *chaos) {
    unsigned waiting = 0;
    for (unsigned i = 0; i < chaos->agent_count; i++)
        waiting += !chaos->agents[i].is_watched;
    int error = 0;
    while (!error && waiting++ < STARTS_AT_ONCE &&
           chaos->agent_count < chaos->scenario->agent_count)
        error = chaos_agent_start(chaos, chaos->agent_count);
    return error;
}

static unsigned count_watched(const struct chaos *chaos) {
    unsigned count = 0;
    for (unsigned i = 0; i < chaos->agent_count; i++)
        count += chaos->agents[i].is_watched;
    return count;
}

/* Until all know all. */
static int settle(struct chaos *chaos) {
    unsigned wanted = chaos->scenario->agent_count, watched = 0, wrong = 1;
    uint64_t deadline_us =
        figure_now_us() + SETTLE_US_AT_LEAST + wanted * (uint64_t)SETTLE_US_PER_AGENT;
    struct progress progress;
    progress_begin(&progress, "agents", wanted, window_redraws(STDOUT_FILENO), figure_now_us());
    int error = 0;
    while (!error && (watched < wanted || wrong > 0)) {
        error = start_all(chaos);
        if (!error)
            error = chaos_watch(chaos, POLL_MS);
        if (!error)
            error = chaos_agents_check(chaos);
        watched = count_watched(chaos);
        wrong = tally_wrong_views(&chaos->tally, 0);
        if (!error && figure_now_us() > deadline_us) {
            error = chaos_fail(chaos,
                               "%u of %u agents answered, and %u of their views of each "
                               "other were not right in time; take fewer agents",
                               watched, wanted, wrong);
        }
        if (!chaos->is_quiet && progress.redraws)
            progress_update(&progress, watched, figure_now_us());
    }
    progress_clear(&progress);
    return error;
}

static void begin(struct chaos *chaos) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    chaos->begun_unix_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    chaos->begun_us = figure_now_us();
    chaos->has_begun = true;
    tally_begin(&chaos->tally);
    for (unsigned i = 0; i < chaos->scenario->step_count; i++)
        plan_step(chaos, i, chaos->scenario->steps[i].at_us);
    plan(chaos, 0, (struct event){.kind = EVENT_SAMPLE});
}

static int go_through(struct chaos *chaos) {
    struct progress progress;
    uint64_t length_us = chaos->scenario->length_us;
    progress_begin(&progress, NULL, length_us, window_redraws(STDOUT_FILENO), figure_now_us());
    int error = 0;
    while (!error && chaos_now_us(chaos) < length_us) {
        error = run_due(chaos);
        if (!error)
            error = chaos_watch(chaos, time_to_next_ms(chaos));
        if (!error)
            error = chaos_agents_check(chaos);
        tally_wrong_views(&chaos->tally, chaos_now_us(chaos));
        if (!chaos->is_quiet)
            progress_update(&progress, chaos_now_us(chaos), figure_now_us());
    }
    progress_clear(&progress);
    return error;
}

int chaos_perform(struct chaos *chaos) {
    const struct scenario *scenario = chaos->scenario;
    chaos->agent_maximum = scenario_agents_ever(scenario);
    chaos->agents = memory_allocate_zeroed(chaos->agent_maximum, sizeof *chaos->agents);
    chaos->concerns = memory_allocate_zeroed(scenario->step_count, sizeof *chaos->concerns);
    for (unsigned i = 0; i < scenario->step_count; i++) {
        chaos->concerns[i].who = memory_allocate_zeroed(chaos->agent_maximum, sizeof(bool));
        chaos->concerns[i].other = memory_allocate_zeroed(chaos->agent_maximum, sizeof(bool));
        chaos->concerns[i].fewest = REPORT_NEVER_FELL;
    }
    random_init(&chaos->random, chaos->seed);
    heap_init(&chaos->events);
    tally_init(&chaos->tally, chaos->agent_maximum, scenario->length_us);
    chaos_watch_open(chaos);
    int error = chaos_agents_open(chaos);
    if (!error)
        error = settle(chaos);
    if (error)
        return error;
    begin(chaos);
    return go_through(chaos);
}

void chaos_release(struct chaos *chaos) {
    uint64_t due_us;
    void *element;
    chaos_agents_close(chaos);
    chaos_watch_close(chaos);
    while (heap_pop(&chaos->events, &due_us, &element))
        memory_free(element);
    heap_release(&chaos->events);
    for (unsigned i = 0; i < chaos->scenario->step_count; i++) {
        memory_free(chaos->concerns[i].who);
        memory_free(chaos->concerns[i].other);
    }
    tally_release(&chaos->tally);
    memory_free(chaos->concerns);
    memory_free(chaos->agents);
}
