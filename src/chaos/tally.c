#include "chaos/tally.h"
#include "base/check.h"
#include "base/memory.h"
#include <string.h>

enum { MESSAGES_AT_FIRST = 1024 };

static bool bit_is_set(const uint8_t *bits, unsigned at) { return bits[at / 8] >> (at % 8) & 1; }
static void bit_set(uint8_t *bits, unsigned at) { bits[at / 8] |= (uint8_t)(1 << (at % 8)); }
static void bit_clear(uint8_t *bits, unsigned at) { bits[at / 8] &= (uint8_t) ~(1 << (at % 8)); }

void tally_init(struct tally *tally, unsigned agent_maximum, uint64_t length_us) {
    uint64_t slice_us = length_us / TALLY_SLICE_MAXIMUM + 1;
    *tally = (struct tally){.agent_maximum = agent_maximum, .length_us = length_us};
    tally->slice_us = slice_us < 1000000 ? 1000000 : slice_us;
    tally->agents = memory_allocate_zeroed(agent_maximum, sizeof *tally->agents);
    for (unsigned i = 0; i < agent_maximum; i++)
        memset(tally->agents[i].last_message, 0xff, sizeof tally->agents[i].last_message);
    tally->views = memory_allocate_zeroed(agent_maximum, agent_maximum);
    tally->deaths = memory_allocate_zeroed(TALLY_DEATH_MAXIMUM, sizeof *tally->deaths);
    tally->falsehoods = memory_allocate_zeroed(TALLY_FALSEHOOD_MAXIMUM, sizeof *tally->falsehoods);
    tally->has_changed = true;
    tally->whole_since_us = TALLY_NEVER;
}

void tally_release(struct tally *tally) {
    for (uint64_t i = 0; i < tally->message_count; i++)
        memory_free(tally->messages[i].waiting);
    for (size_t i = 0; i < tally->death_count; i++) {
        memory_free(tally->deaths[i].waiting);
        memory_free(tally->deaths[i].views_us);
    }
    for (size_t i = 0; i < TALLY_SLICE_MAXIMUM; i++)
        memory_free(tally->slices[i].news);
    memory_free(tally->messages);
    memory_free(tally->deaths);
    memory_free(tally->falsehoods);
    memory_free(tally->views);
    memory_free(tally->agents);
}

void tally_begin(struct tally *tally) {
    tally->accusations = tally->false_accusations = tally->false_deaths = 0;
    tally->falsehood_count = 0;
    memset(tally->slices, 0, sizeof tally->slices); /* nothing was said yet */
    for (unsigned i = 0; i < tally->agent_maximum; i++)
        tally->agents[i].excused_until_us = 0;
}

static struct tally_slice *slice_of(struct tally *tally, uint64_t at_us) {
    uint64_t position = at_us / tally->slice_us;
    return &tally->slices[position < TALLY_SLICE_MAXIMUM ? position : TALLY_SLICE_MAXIMUM - 1];
}

/* ---- whom to wait for ---- */

/* A bit for each who runs, but for one; returns how many. */
static unsigned waiting_make(const struct tally *tally, unsigned except, uint8_t **waiting) {
    unsigned count = 0;
    *waiting = memory_allocate_zeroed(1, tally->agent_maximum / 8 + 1);
    for (unsigned i = 0; i < tally->agent_maximum; i++) {
        if (i != except && tally->agents[i].life == TALLY_RUNNING) {
            bit_set(*waiting, i);
            count++;
        }
    }
    return count;
}

static void message_end_wait(struct tally *tally, struct tally_message *message, unsigned viewer,
                             uint64_t now_us) {
    bit_clear(message->waiting, viewer);
    if (--message->waiting_count > 0)
        return;
    memory_free(message->waiting);
    message->waiting = NULL;
    message->known_us = now_us;
    tally->news_known_count++;
    histogram_add(&tally->news_known, now_us - message->sent_us);
}

static void death_end_wait(struct tally *tally, struct tally_death *death, unsigned viewer,
                           uint64_t now_us) {
    bit_clear(death->waiting, viewer);
    if (--death->waiting_count > 0)
        return;
    memory_free(death->waiting);
    death->waiting = NULL;
    death->known_us = now_us;
    histogram_add(&tally->death_known, now_us - death->at_us);
}

/* Nobody waits any longer for what this agent would see. */
static void tally_excuse(struct tally *tally, unsigned agent, uint64_t now_us) {
    for (uint64_t i = tally->first_open_message; i < tally->message_count; i++) {
        struct tally_message *message = &tally->messages[i];
        if (message->waiting != NULL && bit_is_set(message->waiting, agent))
            message_end_wait(tally, message, agent, now_us);
    }
    for (size_t i = 0; i < tally->death_count; i++) {
        struct tally_death *death = &tally->deaths[i];
        if (death->waiting != NULL && bit_is_set(death->waiting, agent))
            death_end_wait(tally, death, agent, now_us);
    }
}

/* ---- lives ---- */

static uint8_t *view_at(const struct tally *tally, unsigned viewer, unsigned target) {
    return &tally->views[(size_t)viewer * tally->agent_maximum + target];
}

static bool view_accuses(enum tally_view view) {
    return view == TALLY_SUSPECT || view == TALLY_DEAD;
}

static void view_set(struct tally *tally, unsigned viewer, unsigned target, enum tally_view view) {
    uint8_t *kept = view_at(tally, viewer, target);
    struct tally_agent *agent = &tally->agents[target];
    enum tally_view before = (enum tally_view) * kept;
    agent->accusers += (unsigned)view_accuses(view) - (unsigned)view_accuses(before);
    agent->buriers += (unsigned)(view == TALLY_DEAD) - (unsigned)(before == TALLY_DEAD);
    tally->has_changed |= view != before;
    *kept = (uint8_t)view;
}

/* It thinks nothing any more. */
static void tally_forget_views(struct tally *tally, unsigned viewer) {
    for (unsigned i = 0; i < tally->agent_maximum; i++)
        view_set(tally, viewer, i, TALLY_UNKNOWN);
}

/* Others hear that it lives, and need not hear that it was dead. */
static void tally_outlive(struct tally *tally, unsigned agent) {
    for (size_t i = 0; i < tally->death_count; i++) {
        struct tally_death *death = &tally->deaths[i];
        if (death->agent != agent || death->waiting == NULL)
            continue;
        memory_free(death->waiting);
        death->waiting = NULL;
        death->is_outlived = true;
    }
}

void tally_start(struct tally *tally, unsigned agent, uint64_t now_us) {
    struct tally_agent *started = &tally->agents[agent];
    tally_outlive(tally, agent);
    started->life = TALLY_RUNNING;
    started->disturbances = 0;
    started->excused_until_us = now_us + TALLY_GRACE_US; /* its former life may be spoken of */
    tally_forget_views(tally, agent);
    tally->has_changed = true;
}

static void tally_end(struct tally *tally, unsigned agent, enum tally_life life, uint64_t now_us) {
    tally->agents[agent].life = life;
    tally_excuse(tally, agent, now_us);
    tally_forget_views(tally, agent);
    tally->has_changed = true;
}

void tally_leave(struct tally *tally, unsigned agent, uint64_t now_us) {
    tally_end(tally, agent, TALLY_GONE, now_us);
}

static void tally_orphan(struct tally *tally, unsigned origin) {
    for (uint64_t i = tally->first_open_message; i < tally->message_count; i++) {
        struct tally_message *message = &tally->messages[i];
        if (message->waiting == NULL || message->origin != origin)
            continue;
        memory_free(message->waiting);
        message->waiting = NULL;
        message->is_orphan = true;
        tally->orphan_count++;
    }
}

void tally_kill(struct tally *tally, unsigned agent, uint64_t now_us) {
    tally_end(tally, agent, TALLY_KILLED, now_us);
    tally_orphan(tally, agent);
    if (tally->death_count == TALLY_DEATH_MAXIMUM) {
        tally->deaths_uncounted++;
        return;
    }
    struct tally_death *death = &tally->deaths[tally->death_count++];
    *death = (struct tally_death){.agent = agent, .at_us = now_us, .known_us = TALLY_NEVER};
    death->view_count = death->waiting_count = waiting_make(tally, agent, &death->waiting);
    death->views_us = memory_allocate(tally->agent_maximum * sizeof *death->views_us);
    memset(death->views_us, 0xff, tally->agent_maximum * sizeof *death->views_us);
}

void tally_stop(struct tally *tally, unsigned agent, uint64_t now_us) {
    tally->agents[agent].life = TALLY_STOPPED;
    tally_disturb(tally, agent);
    tally_excuse(tally, agent, now_us);
}

void tally_resume(struct tally *tally, unsigned agent, uint64_t now_us) {
    tally->agents[agent].life = TALLY_RUNNING;
    tally_calm(tally, agent, now_us);
    tally->has_changed = true;
}

void tally_disturb(struct tally *tally, unsigned agent) { tally->agents[agent].disturbances++; }

void tally_calm(struct tally *tally, unsigned agent, uint64_t now_us) {
    struct tally_agent *calmed = &tally->agents[agent];
    calmed->disturbances -= calmed->disturbances > 0;
    calmed->excused_until_us = now_us + TALLY_GRACE_US;
}

/* ---- views ---- */

static bool agent_is_healthy(const struct tally_agent *agent, uint64_t now_us) {
    return agent->life == TALLY_RUNNING && agent->disturbances == 0 &&
           now_us >= agent->excused_until_us;
}

static void falsehood_note(struct tally *tally, unsigned viewer, unsigned target, bool is_death,
                           uint64_t now_us) {
    tally->false_accusations += !is_death;
    tally->false_deaths += is_death;
    slice_of(tally, now_us)->false_accusations++;
    if (tally->falsehood_count < TALLY_FALSEHOOD_MAXIMUM)
        tally->falsehoods[tally->falsehood_count++] = (struct tally_falsehood){
            .at_us = now_us, .target = target, .viewer = viewer, .is_death = is_death};
}

/* Only the first that accuses is counted; the others repeat it until all have taken it back. */
static void accusation_note(struct tally *tally, unsigned viewer, unsigned target,
                            enum tally_view view, uint64_t now_us) {
    const struct tally_agent *agent = &tally->agents[target];
    bool is_false = agent_is_healthy(agent, now_us);
    if (agent->accusers == 0) {
        tally->accusations++;
        slice_of(tally, now_us)->accusations++;
        if (is_false)
            falsehood_note(tally, viewer, target, false, now_us);
    }
    if (view == TALLY_DEAD && agent->buriers == 0 && is_false)
        falsehood_note(tally, viewer, target, true, now_us);
}

static void death_note(struct tally *tally, unsigned viewer, unsigned target, uint64_t now_us) {
    for (size_t i = tally->death_count; i-- > 0;) {
        struct tally_death *death = &tally->deaths[i];
        if (death->agent != target || death->waiting == NULL || !bit_is_set(death->waiting, viewer))
            continue;
        death->views_us[viewer] = now_us - death->at_us;
        histogram_add(&tally->death_views, now_us - death->at_us);
        death_end_wait(tally, death, viewer, now_us);
        return;
    }
}

void tally_see(struct tally *tally, unsigned viewer, unsigned target, enum tally_view view,
               uint64_t now_us) {
    if (viewer >= tally->agent_maximum || target >= tally->agent_maximum || viewer == target ||
        *view_at(tally, viewer, target) == view)
        return;
    if (view_accuses(view))
        accusation_note(tally, viewer, target, view, now_us);
    view_set(tally, viewer, target, view);
    if (view == TALLY_DEAD && tally->agents[target].life == TALLY_KILLED)
        death_note(tally, viewer, target, now_us);
}

/* Who runs is held for alive, who ended is not; of who is stopped everything may be thought. */
static bool view_is_wrong(enum tally_view view, enum tally_life life) {
    switch (life) {
    case TALLY_RUNNING:
        return view != TALLY_ALIVE;
    case TALLY_KILLED:
    case TALLY_GONE:
        return view == TALLY_ALIVE || view == TALLY_SUSPECT;
    case TALLY_ABSENT:
    case TALLY_STOPPED:
        return false;
    }
    UNREACHABLE();
}

static unsigned wrong_views_of(const struct tally *tally, unsigned viewer) {
    unsigned wrong = 0;
    for (unsigned i = 0; i < tally->agent_maximum; i++)
        wrong += i != viewer && view_is_wrong((enum tally_view) * view_at(tally, viewer, i),
                                              tally->agents[i].life);
    return wrong;
}

unsigned tally_wrong_views(struct tally *tally, uint64_t now_us) {
    struct tally_slice *slice = slice_of(tally, now_us);
    if (!tally->has_changed && tally->whole_since_us != TALLY_NEVER) {
        slice->wrong_views = 0;
        return 0;
    }
    unsigned wrong = 0;
    for (unsigned i = 0; i < tally->agent_maximum; i++)
        wrong += tally->agents[i].life == TALLY_RUNNING ? wrong_views_of(tally, i) : 0;
    tally->has_changed = false;
    if (wrong > 0)
        tally->whole_since_us = TALLY_NEVER;
    else if (tally->whole_since_us == TALLY_NEVER)
        tally->whole_since_us = now_us;
    slice->wrong_views = wrong;
    return wrong;
}

/* ---- news ---- */

static struct tally_message *message_add(struct tally *tally) {
    if (tally->message_count == tally->message_capacity) {
        uint64_t capacity =
            tally->message_capacity > 0 ? 2 * tally->message_capacity : MESSAGES_AT_FIRST;
        tally->messages = memory_resize(tally->messages, capacity * sizeof *tally->messages);
        tally->message_capacity = capacity;
    }
    return &tally->messages[tally->message_count++];
}

uint64_t tally_send(struct tally *tally, unsigned origin, uint64_t now_us, unsigned *key) {
    struct tally_agent *agent = &tally->agents[origin];
    if (tally->message_count == TALLY_MESSAGE_MAXIMUM) {
        tally->messages_uncounted++;
        return TALLY_NEVER;
    }
    *key = agent->key_turn;
    agent->key_turn = (agent->key_turn + 1) % TALLY_KEY_COUNT;
    struct tally_message *message = message_add(tally);
    *message = (struct tally_message){.sent_us = now_us,
                                      .known_us = TALLY_NEVER,
                                      .previous = agent->last_message[*key],
                                      .origin = origin};
    message->waiting_count = waiting_make(tally, origin, &message->waiting);
    if (message->waiting_count == 0) {
        memory_free(message->waiting);
        message->waiting = NULL;
        message->known_us = now_us;
        tally->news_known_count++;
    }
    struct tally_slice *slice = slice_of(tally, now_us);
    if (slice->news == NULL)
        slice->news = memory_allocate_zeroed(1, sizeof *slice->news);
    return agent->last_message[*key] = tally->message_count - 1;
}

static void news_open_advance(struct tally *tally) {
    while (tally->first_open_message < tally->message_count &&
           tally->messages[tally->first_open_message].waiting == NULL)
        tally->first_open_message++;
}

/* Who sees a message needs no older one that it took the place of. */
void tally_seen(struct tally *tally, unsigned viewer, uint64_t number, uint64_t now_us) {
    while (viewer < tally->agent_maximum && number < tally->message_count) {
        struct tally_message *message = &tally->messages[number];
        if (message->waiting == NULL || !bit_is_set(message->waiting, viewer))
            break;
        uint64_t delay_us = now_us - message->sent_us;
        histogram_add(&tally->news_views, delay_us);
        histogram_add(slice_of(tally, message->sent_us)->news, delay_us);
        message_end_wait(tally, message, viewer, now_us);
        number = message->previous;
    }
    news_open_advance(tally);
}

/* ---- load and sums ---- */

void tally_load(struct tally *tally, const struct tally_load *load) {
    struct tally_slice *slice = slice_of(tally, load->from_us);
    struct tally_load *sum = &slice->load;
    sum->from_us = sum->to_us == 0 ? load->from_us : sum->from_us;
    sum->to_us = load->to_us;
    sum->messages += load->messages;
    sum->bytes += load->bytes;
    if (load->agent_count == 0)
        return;
    sum->agent_count = load->agent_count;
    sum->cpu_us += load->cpu_us;
    sum->resident_bytes = load->resident_bytes;
    if (load->resident_most_bytes > sum->resident_most_bytes)
        sum->resident_most_bytes = load->resident_most_bytes;
    slice->agent_us += (load->to_us - load->from_us) * load->agent_count;
}

/* What is too late to fail is too late to count: else few that were heard would stand for all. */
static void share_add(struct tally_share *share, const struct tally *tally, uint64_t within_us,
                      uint64_t at_us, uint64_t known_us, bool is_excused) {
    bool is_known = known_us != TALLY_NEVER;
    if (at_us + within_us > tally->length_us || (is_excused && !is_known))
        return;
    share->count++;
    share->in_time += is_known && known_us - at_us <= within_us;
}

struct tally_share tally_share_of_deaths(const struct tally *tally, uint64_t within_us) {
    struct tally_share share = {0};
    for (size_t i = 0; i < tally->death_count; i++)
        share_add(&share, tally, within_us, tally->deaths[i].at_us, tally->deaths[i].known_us,
                  tally->deaths[i].is_outlived);
    return share;
}

struct tally_share tally_share_of_news(const struct tally *tally, uint64_t within_us) {
    struct tally_share share = {0};
    for (uint64_t i = 0; i < tally->message_count; i++)
        share_add(&share, tally, within_us, tally->messages[i].sent_us, tally->messages[i].known_us,
                  tally->messages[i].is_orphan);
    return share;
}

double tally_share_value(struct tally_share share) {
    return share.count > 0 ? (double)share.in_time / (double)share.count : 0;
}

uint64_t tally_quantile_us(const struct histogram *histogram, double quantile) {
    uint64_t upper_us = histogram_quantile(histogram, quantile);
    return upper_us < histogram->maximum ? upper_us : histogram->maximum;
}

struct sums {
    uint64_t messages, bytes, cpu_us, agent_us, resident_most_bytes;
};

static struct sums sums_of(const struct tally *tally) {
    struct sums sums = {.messages = 0};
    for (size_t i = 0; i < TALLY_SLICE_MAXIMUM; i++) {
        const struct tally_slice *slice = &tally->slices[i];
        sums.messages += slice->load.messages;
        sums.bytes += slice->load.bytes;
        sums.cpu_us += slice->load.cpu_us;
        sums.agent_us += slice->agent_us;
        if (slice->load.resident_most_bytes > sums.resident_most_bytes)
            sums.resident_most_bytes = slice->load.resident_most_bytes;
    }
    sums.agent_us += sums.agent_us == 0; /* nothing was measured: nothing per second */
    return sums;
}

uint64_t tally_bytes_per_second(const struct tally *tally) {
    struct sums sums = sums_of(tally);
    return (uint64_t)((double)sums.bytes * 1e6 / (double)sums.agent_us);
}

uint64_t tally_messages_per_second_milli(const struct tally *tally) {
    struct sums sums = sums_of(tally);
    return (uint64_t)((double)sums.messages * 1e9 / (double)sums.agent_us);
}

uint64_t tally_cpu_ppm(const struct tally *tally) {
    struct sums sums = sums_of(tally);
    return (uint64_t)((double)sums.cpu_us * 1e6 / (double)sums.agent_us);
}

uint64_t tally_resident_most_bytes(const struct tally *tally) {
    return sums_of(tally).resident_most_bytes;
}
