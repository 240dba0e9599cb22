#include "fake_blobs.h"
#include "base/check.h"
#include "base/memory.h"
#include <stdio.h>

static struct fake_blobs *fake_of(struct blob_store *store) {
    return (struct fake_blobs *)(void *)store;
}

static int fail(struct fake_blobs *fake, struct blob_problem *problem, const char *name) {
    fake->failed_calls++;
    snprintf(problem->text, sizeof problem->text, "the store does not answer for '%.200s'", name);
    return ERR_IO;
}

/* Does this call fail, before it has done anything or after? */
static bool is_hit(struct fake_blobs *fake, enum fake_blob_call call) {
    if (fake->is_sound)
        return false;
    if (fake->before_call)
        fake->before_call(fake->context, call);
    fake->calls[call]++;
    return call == fake->failing && fake->countdown > 0 && --fake->countdown == 0;
}

/* Where it is, or would be. */
static size_t place_of(const struct fake_blobs *fake, const char *name) {
    size_t at = 0;
    while (at < fake->count && strcmp(fake->blobs[at].name, name) < 0)
        at++;
    return at;
}

struct fake_blob *fake_blobs_find(struct fake_blobs *fake, const char *name) {
    size_t at = place_of(fake, name);
    bool is_there = at < fake->count && strcmp(fake->blobs[at].name, name) == 0;
    return is_there ? &fake->blobs[at] : NULL;
}

static void keep(struct fake_blobs *fake, const char *name, struct bytes bytes) {
    struct fake_blob *blob = fake_blobs_find(fake, name);
    if (blob == NULL) {
        size_t at = place_of(fake, name);
        CHECK(fake->count < FAKE_BLOBS_MAXIMUM);
        blob = &fake->blobs[at];
        memmove(blob + 1, blob, (fake->count++ - at) * sizeof *blob);
        snprintf(blob->name, sizeof blob->name, "%s", name);
        blob->data = NULL;
    }
    memory_free(blob->data);
    blob->data = memory_copy(bytes.data, bytes.length);
    blob->length = bytes.length;
    blob->is_unreadable = false;
}

static int fake_put(struct blob_store *store, const char *name, struct bytes bytes,
                    struct blob_problem *problem) {
    struct fake_blobs *fake = fake_of(store);
    bool is_refused = fake->refused && strstr(name, fake->refused);
    bool fails = is_hit(fake, BLOB_PUT) || is_refused;
    CHECK(blob_name_is_valid(name) && bytes.length <= BLOB_BYTES_MAXIMUM);
    if (!fails || (fake->fails_late && !is_refused))
        keep(fake, name, bytes);
    return fails ? fail(fake, problem, name) : 0;
}

static int fake_get(struct blob_store *store, const char *name, struct buffer *out,
                    struct blob_problem *problem) {
    struct fake_blobs *fake = fake_of(store);
    const struct fake_blob *blob = fake_blobs_find(fake, name);
    if (is_hit(fake, BLOB_GET))
        return fail(fake, problem, name);
    if (blob == NULL) {
        snprintf(problem->text, sizeof problem->text, "'%.200s' is not there", name);
        return ERR_NOT_FOUND;
    }
    if (blob->is_unreadable) {
        snprintf(problem->text, sizeof problem->text, "'%.200s' cannot be read", name);
        return ERR_UNREADABLE;
    }
    buffer_append(out, blob->data, blob->length);
    return out->is_overflowed ? ERR_LIMIT : 0;
}

static int fake_list(struct blob_store *store, const char *prefix,
                     int (*each)(void *context, const char *name, uint64_t bytes), void *context,
                     struct blob_problem *problem) {
    struct fake_blobs *fake = fake_of(store);
    bool fails = is_hit(fake, BLOB_LIST);
    int status = 0;
    /* Late: the listing breaks off in the middle. */
    size_t count = !fails ? fake->count : fake->fails_late ? fake->count / 2 : 0;
    for (size_t i = 0; i < count && status == 0; i++)
        if (strncmp(fake->blobs[i].name, prefix, strlen(prefix)) == 0)
            status = each(context, fake->blobs[i].name, fake->blobs[i].length);
    return fails ? fail(fake, problem, prefix) : status;
}

static int fake_remove(struct blob_store *store, const char *name, struct blob_problem *problem) {
    struct fake_blobs *fake = fake_of(store);
    bool fails = is_hit(fake, BLOB_REMOVE);
    struct fake_blob *blob = fake_blobs_find(fake, name);
    if (blob && (!fails || fake->fails_late)) {
        memory_free(blob->data);
        memmove(blob, blob + 1, (size_t)(fake->blobs + --fake->count - blob) * sizeof *blob);
    }
    return fails ? fail(fake, problem, name) : 0;
}

static int fake_sweep(struct blob_store *store, const char *prefix, struct blob_problem *problem) {
    struct fake_blobs *fake = fake_of(store);
    return is_hit(fake, BLOB_SWEEP) ? fail(fake, problem, prefix) : 0;
}

static void fake_submit(struct blob_store *store, struct blob_job *job) {
    struct blob_job **end = &fake_of(store)->jobs;
    while (*end)
        end = &(*end)->next;
    job->next = NULL;
    *end = job;
}

static const struct blob_ops fake_ops = {.put = fake_put,
                                         .get = fake_get,
                                         .list = fake_list,
                                         .remove = fake_remove,
                                         .sweep = fake_sweep,
                                         .submit = fake_submit};

void fake_blobs_init(struct fake_blobs *fake) {
    *fake = (struct fake_blobs){.store = {.ops = &fake_ops}};
}

void fake_blobs_release(struct fake_blobs *fake) {
    CHECK(fake->jobs == NULL);
    for (size_t i = 0; i < fake->count; i++)
        memory_free(fake->blobs[i].data);
}

void fake_blobs_fail(struct fake_blobs *fake, enum fake_blob_call call, unsigned nth,
                     bool is_late) {
    fake->failing = call;
    fake->countdown = nth;
    fake->fails_late = is_late;
}

struct blob_job *fake_blobs_take_job(struct fake_blobs *fake) {
    struct blob_job *job = fake->jobs;
    if (job)
        fake->jobs = job->next;
    return job;
}
