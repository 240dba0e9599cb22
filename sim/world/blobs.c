#include "sim/world/blobs.h"
#include "base/check.h"
#include "base/memory.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { BLOBS_JOB_LEAST_US = 300, BLOBS_JOB_MOST_US = 30000, BLOBS_CALLS_AT_DEATH_MOST = 4 };

#define BLOB_STILL_THERE UINT64_MAX

/* A blob that is there, or was: one that is put again is another one from then on. */
struct sim_blob {
    char *name; /* owned, both */
    uint8_t *data;
    size_t length;
    uint64_t since_us, until_us;
};

struct blob_door {
    struct blob_store store; /* first */
    struct sim_blobs *blobs;
    struct sim_blobs_owner owner;
    bool is_sound;
    bool is_closed;
    struct blob_job *first, **last;
    bool is_running;
    bool has_run;        /* the first job did, and is to be told of */
    uint64_t life;       /* raised when the owner's ends: events of before are void */
    uint64_t seen_us;    /* the moment at which the job that runs looks at the store */
    unsigned calls_left; /* until the job is broken off */
    struct blob_door *next;
};

struct sim_blobs {
    struct event_queue *queue;
    struct random *random;
    struct trace *trace;
    struct sim_blob_trouble trouble;
    struct sim_blob *blobs; /* by name, and those of one name by time */
    size_t count, capacity;
    struct blob_door *doors; /* all that ever were */
    struct blob_door sound;
};

static struct blob_door *door_of(struct blob_store *store) {
    return (struct blob_door *)(void *)store;
}

/* ---- what is there ---- */

/* Where the first one of this name or a later one stands. */
static size_t place_of(const struct sim_blobs *blobs, const char *name) {
    size_t low = 0, high = blobs->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(blobs->blobs[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_there(const struct sim_blob *blob, uint64_t at_us) {
    return blob->since_us <= at_us && at_us < blob->until_us;
}

/* NULL: there was none. */
static struct sim_blob *blob_at(const struct sim_blobs *blobs, const char *name, uint64_t at_us) {
    for (size_t i = place_of(blobs, name);
         i < blobs->count && strcmp(blobs->blobs[i].name, name) == 0; i++)
        if (is_there(&blobs->blobs[i], at_us))
            return &blobs->blobs[i];
    return NULL;
}

static void take_away(struct sim_blobs *blobs, const char *name) {
    struct sim_blob *blob = blob_at(blobs, name, blobs->queue->now_us);
    if (blob)
        blob->until_us = blobs->queue->now_us;
}

/* Behind all that were of its name. */
static void keep(struct sim_blobs *blobs, const char *name, struct bytes bytes) {
    take_away(blobs, name);
    if (blobs->count == blobs->capacity) {
        blobs->capacity = blobs->capacity ? blobs->capacity * 2 : 64;
        blobs->blobs = memory_resize(blobs->blobs, blobs->capacity * sizeof *blobs->blobs);
    }
    size_t at = place_of(blobs, name);
    while (at < blobs->count && strcmp(blobs->blobs[at].name, name) == 0)
        at++;
    struct sim_blob *blob = &blobs->blobs[at];
    memmove(blob + 1, blob, (blobs->count++ - at) * sizeof *blob);
    *blob = (struct sim_blob){.name = memory_copy_text(name),
                              .data = memory_copy(bytes.data, bytes.length),
                              .length = bytes.length,
                              .since_us = blobs->queue->now_us,
                              .until_us = BLOB_STILL_THERE};
}

/* ---- the calls ---- */

enum hit { HIT_NONE, HIT_BEFORE, HIT_AFTER };

/* Does this call fail, before it has done its work or after? */
static enum hit hit_by_lot(struct blob_door *door) {
    const struct sim_blob_trouble *trouble = &door->blobs->trouble;
    if (door->is_sound)
        return HIT_NONE;
    if (door->calls_left == 0 || trouble->is_away)
        return HIT_BEFORE;
    if (door->calls_left != UINT_MAX)
        door->calls_left--;
    if (!random_chance(door->blobs->random, trouble->failing))
        return HIT_NONE;
    return random_chance(door->blobs->random, 0.5) ? HIT_BEFORE : HIT_AFTER;
}

static int fail(const char *name, struct blob_problem *problem) {
    snprintf(problem->text, sizeof problem->text, "the store does not answer for '%.200s'", name);
    return ERR_IO;
}

/* The next moment at which the job looks at the store. */
static uint64_t look(struct blob_door *door) {
    uint64_t now_us = door->blobs->queue->now_us;
    if (door->is_sound || door->seen_us >= now_us) /* its owner died before it began */
        return now_us;
    door->seen_us += random_below(door->blobs->random, now_us - door->seen_us + 1);
    return door->seen_us;
}

static void change(struct blob_door *door, const char *what, const char *name, size_t bytes) {
    door->seen_us = door->blobs->queue->now_us;
    trace_event(door->blobs->trace, what, door->owner.node, bytes, bytes_of_text(name));
}

static int door_put(struct blob_store *store, const char *name, struct bytes bytes,
                    struct blob_problem *problem) {
    struct blob_door *door = door_of(store);
    CHECK(blob_name_is_valid(name) && bytes.length <= BLOB_BYTES_MAXIMUM);
    enum hit hit = hit_by_lot(door);
    if (hit != HIT_BEFORE) {
        change(door, "put", name, bytes.length);
        keep(door->blobs, name, bytes);
    }
    return hit == HIT_NONE ? 0 : fail(name, problem);
}

static int door_get(struct blob_store *store, const char *name, struct buffer *out,
                    struct blob_problem *problem) {
    struct blob_door *door = door_of(store);
    if (hit_by_lot(door) != HIT_NONE)
        return fail(name, problem);
    const struct sim_blob *blob = blob_at(door->blobs, name, look(door));
    if (blob == NULL) {
        snprintf(problem->text, sizeof problem->text, "'%.200s' is not there", name);
        return ERR_NOT_FOUND;
    }
    buffer_append(out, blob->data, blob->length);
    return out->is_overflowed ? ERR_LIMIT : 0;
}

static int door_list(struct blob_store *store, const char *prefix,
                     int (*each)(void *context, const char *name, uint64_t bytes), void *context,
                     struct blob_problem *problem) {
    struct blob_door *door = door_of(store);
    struct sim_blobs *blobs = door->blobs;
    enum hit hit = hit_by_lot(door);
    if (hit == HIT_BEFORE)
        return fail(prefix, problem);
    uint64_t at_us = look(door),
             left = hit == HIT_AFTER ? random_below(blobs->random, 20) : UINT64_MAX;
    int status = 0;
    for (size_t i = place_of(blobs, prefix); i < blobs->count && status == 0 && left > 0; i++) {
        const struct sim_blob *blob = &blobs->blobs[i];
        if (strncmp(blob->name, prefix, strlen(prefix)) != 0)
            break;
        if (is_there(blob, at_us)) {
            status = each(context, blob->name, blob->length);
            left--;
        }
    }
    return hit == HIT_NONE ? status : fail(prefix, problem);
}

static int door_remove(struct blob_store *store, const char *name, struct blob_problem *problem) {
    struct blob_door *door = door_of(store);
    enum hit hit = hit_by_lot(door);
    if (hit != HIT_BEFORE) {
        change(door, "remove", name, 0);
        take_away(door->blobs, name);
    }
    return hit == HIT_NONE ? 0 : fail(name, problem);
}

/* A put is whole or is not here, so that nothing is ever left behind. */
static int door_sweep(struct blob_store *store, const char *prefix, struct blob_problem *problem) {
    return hit_by_lot(door_of(store)) == HIT_NONE ? 0 : fail(prefix, problem);
}

/* ---- jobs ---- */

static event_run job_event;

static void begin_next(struct blob_door *door) {
    struct sim_blobs *blobs = door->blobs;
    uint64_t most_us = blobs->trouble.most_us ? blobs->trouble.most_us : BLOBS_JOB_MOST_US;
    uint64_t begin_us = door->owner.now_us(door->owner.context);
    uint64_t at_us = begin_us + random_between(blobs->random, BLOBS_JOB_LEAST_US, most_us);
    door->is_running = true;
    door->has_run = false;
    door->seen_us = begin_us;
    door->calls_left = UINT_MAX;
    event_schedule(blobs->queue, at_us, job_event, door)->life = door->life;
}

static struct blob_job *take_first(struct blob_door *door) {
    struct blob_job *job = door->first;
    door->first = job->next;
    if (door->first == NULL)
        door->last = &door->first;
    return job;
}

/* First what the job does, then, a moment later and when the owner's thread is free, its report. */
static void job_event(struct event *event) {
    struct blob_door *door = event->context;
    struct event_queue *queue = door->blobs->queue;
    const struct sim_blobs_owner *owner = &door->owner;
    uint64_t again_us;
    if (event->life != door->life)
        return;
    if (!door->has_run) {
        door->first->status = door->is_closed ? ERR_BUSY : door->first->run(door->first);
        door->has_run = true;
        event_again(queue, event, queue->now_us + random_between(door->blobs->random, 2, 30));
        return;
    }
    if (!owner->is_ready(owner->context, &again_us)) {
        event_again(queue, event, again_us);
        return;
    }
    if (!owner->is_up(owner->context))
        return;
    struct blob_job *job = take_first(door);
    door->is_running = false;
    if (door->first)
        begin_next(door);
    job->done(job, job->status);
    owner->ran(owner->context);
}

static void door_submit(struct blob_store *store, struct blob_job *job) {
    struct blob_door *door = door_of(store);
    CHECK(!door->is_sound && !door->is_closed);
    job->next = NULL;
    *door->last = job;
    door->last = &job->next;
    if (!door->is_running)
        begin_next(door);
}

static void door_close(struct blob_store *store) { door_of(store)->is_closed = true; }

/* Some calls of the job under way may have got through. */
static void end_jobs(struct blob_door *door) {
    bool is_under_way = door->is_running && !door->has_run;
    door->life++;
    door->is_closed = true;
    door->calls_left = (unsigned)random_below(door->blobs->random, BLOBS_CALLS_AT_DEATH_MOST);
    while (door->first) {
        struct blob_job *job = take_first(door);
        if (is_under_way && door->calls_left > 0)
            (void)job->run(job);
        is_under_way = false;
        job->done(job, ERR_BUSY);
    }
    door->is_running = door->has_run = false;
}

void sim_blobs_end_life(struct sim_blobs *blobs, const void *owner_context) {
    for (struct blob_door *door = blobs->doors; door; door = door->next)
        if (door->owner.context == owner_context)
            end_jobs(door);
}

/* ---- the whole ---- */

static const struct blob_ops door_ops = {.put = door_put,
                                         .get = door_get,
                                         .list = door_list,
                                         .remove = door_remove,
                                         .sweep = door_sweep,
                                         .submit = door_submit,
                                         .close = door_close};

static void door_init(struct blob_door *door, struct sim_blobs *blobs) {
    *door = (struct blob_door){.store = {.ops = &door_ops}, .blobs = blobs};
    door->last = &door->first;
}

struct sim_blobs *sim_blobs_new(struct event_queue *queue, struct random *random,
                                struct trace *trace) {
    struct sim_blobs *blobs = memory_allocate_zeroed(1, sizeof *blobs);
    blobs->queue = queue;
    blobs->random = random;
    blobs->trace = trace;
    door_init(&blobs->sound, blobs);
    blobs->sound.is_sound = true;
    return blobs;
}

void sim_blobs_free(struct sim_blobs *blobs) {
    if (blobs == NULL)
        return;
    for (struct blob_door *door = blobs->doors, *next; door; door = next) {
        CHECK(door->first == NULL);
        next = door->next;
        memory_free(door);
    }
    for (size_t i = 0; i < blobs->count; i++) {
        memory_free(blobs->blobs[i].name);
        memory_free(blobs->blobs[i].data);
    }
    memory_free(blobs->blobs);
    memory_free(blobs);
}

struct sim_blob_trouble *sim_blobs_trouble(struct sim_blobs *blobs) {
    return &blobs->trouble;
}

struct blob_store *sim_blobs_open(struct sim_blobs *blobs, const struct sim_blobs_owner *owner) {
    struct blob_door *door = memory_allocate(sizeof *door);
    door_init(door, blobs);
    door->owner = *owner;
    door->next = blobs->doors;
    blobs->doors = door;
    return &door->store;
}

struct blob_store *sim_blobs_sound_door(struct sim_blobs *blobs) {
    return &blobs->sound.store;
}

uint64_t sim_blobs_count(const struct sim_blobs *blobs) {
    uint64_t count = 0;
    for (size_t i = 0; i < blobs->count; i++)
        count += blobs->blobs[i].until_us == BLOB_STILL_THERE;
    return count;
}
