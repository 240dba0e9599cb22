#include "fake_disk.h"
#include "base/check.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>

struct disk_file {
    struct fake_disk *fake;
    struct fake_file *file;
};

static struct fake_disk *fake_of(struct disk *disk) { return (struct fake_disk *)(void *)disk; }

static int fake_change(struct fake_disk *fake) {
    fake->changes++;
    if (fake->off_at && fake->changes >= fake->off_at)
        return ERR_IO;
    if (fake->fail_countdown == 0 || --fake->fail_countdown > 0)
        return 0;
    return fake->fail_with;
}

static int fake_call(struct fake_disk *fake, enum fake_call call, const char *name) {
    fake->calls[call]++;
    bool is_it = fake->fail_call_at && fake->calls[call] == fake->fail_call_at;
    bool is_so_again = fake->fail_call_at && fake->calls[call] > fake->fail_call_at &&
                       fake->fails_for_good && strcmp(name, fake->failed_name) == 0;
    if (call != fake->failing || (!is_it && !is_so_again))
        return 0;
    fake->failed_calls++;
    snprintf(fake->failed_name, sizeof fake->failed_name, "%s", name);
    memcpy(fake->calls_at_failure, fake->calls, sizeof fake->calls);
    return fake->fail_call_with ? fake->fail_call_with : ERR_IO;
}

static int fake_call_of(struct disk_file *file, enum fake_call call) {
    const struct fake_names *names = &file->fake->names;
    size_t at = 0;
    while (at < names->count && names->entries[at].file != file->file)
        at++;
    return fake_call(file->fake, call, at < names->count ? names->entries[at].name : "");
}

static void fake_note_changed(struct fake_disk *fake, const char *name) {
    snprintf(fake->changed_name, sizeof fake->changed_name, "%s", name);
}

static size_t names_find(const struct fake_names *names, const char *name) {
    size_t at = 0;
    while (at < names->count && strcmp(names->entries[at].name, name) != 0)
        at++;
    return at;
}

static void names_remove(struct fake_names *names, size_t at) {
    names->count--;
    memmove(&names->entries[at], &names->entries[at + 1],
            (names->count - at) * sizeof names->entries[0]);
}

static void names_put(struct fake_names *names, const char *name, struct fake_file *file) {
    size_t at = names_find(names, name);
    if (at < names->count)
        names_remove(names, at);
    for (at = 0; at < names->count && strcmp(names->entries[at].name, name) < 0;)
        at++;
    CHECK(names->count < FAKE_FILE_MAXIMUM);
    memmove(&names->entries[at + 1], &names->entries[at],
            (names->count - at) * sizeof names->entries[0]);
    names->count++;
    CHECK(strlen(name) < DISK_NAME_MAXIMUM);
    strcpy(names->entries[at].name, name);
    names->entries[at].file = file;
}

static void names_apply(struct fake_names *names, const struct fake_change *change) {
    size_t at = names_find(names, change->from);
    if (change->from[0] && at < names->count)
        names_remove(names, at);
    if (change->to[0])
        names_put(names, change->to, change->file);
}

/* And does it. */
static void fake_remember(struct fake_disk *fake, const char *from, const char *to,
                          struct fake_file *file) {
    CHECK(fake->history_count < FAKE_HISTORY_MAXIMUM);
    if (fake->history == NULL)
        fake->history = memory_allocate(FAKE_HISTORY_MAXIMUM * sizeof *fake->history);
    struct fake_change *change = &fake->history[fake->history_count++];
    *change = (struct fake_change){.file = file};
    snprintf(change->from, sizeof change->from, "%s", from);
    snprintf(change->to, sizeof change->to, "%s", to);
    names_apply(&fake->names, change);
}

static void fake_forget_history(struct fake_disk *fake) { fake->history_count = 0; }

static struct fake_file *fake_make(struct fake_disk *fake) {
    CHECK(fake->file_count < FAKE_HISTORY_MAXIMUM);
    struct fake_file *file = memory_allocate_zeroed(1, sizeof *file);
    fake->files[fake->file_count++] = file;
    return file;
}

static int fake_open(struct disk *disk, const char *name, enum disk_open_mode mode,
                     struct disk_file **out) {
    struct fake_disk *fake = fake_of(disk);
    struct fake_file *file = fake_disk_find(fake, name);
    int status = fake_call(fake, FAKE_OPEN, name);
    if (status == 0)
        status = fake->no_open;
    if (status)
        return status;
    if (mode == DISK_CREATE) {
        if (file)
            return ERR_EXISTS;
        fake_note_changed(fake, name);
        status = fake->is_full ? ERR_NO_SPACE : fake_change(fake);
        if (status)
            return status;
        file = fake_make(fake);
        fake_remember(fake, "", name, file);
    }
    if (file == NULL)
        return ERR_NOT_FOUND;
    *out = memory_allocate_zeroed(1, sizeof **out);
    **out = (struct disk_file){fake, file};
    fake->open_files++;
    return 0;
}

static void fake_close(struct disk_file *file) {
    file->fake->open_files--;
    memory_free(file);
}

static int fake_size(struct disk_file *file, uint64_t *bytes) {
    *bytes = file->file->live_bytes;
    return fake_call_of(file, FAKE_READ);
}

static void fake_forget_cached(struct disk_file *file) { file->fake->forgotten = file->file; }

static int fake_read(struct disk_file *file, uint64_t offset, void *into, size_t length,
                     size_t *got) {
    size_t bytes = file->file->live_bytes;
    *got = offset >= bytes ? 0 : bytes - offset < length ? (size_t)(bytes - offset) : length;
    if (*got)
        memcpy(into, file->file->live + offset, *got);
    return fake_call_of(file, FAKE_READ);
}

static void file_grow(struct fake_file *file, size_t bytes) {
    if (bytes <= file->live_bytes)
        return;
    file->live = memory_resize(file->live, bytes);
    memset(file->live + file->live_bytes, 0, bytes - file->live_bytes);
    file->live_bytes = bytes;
}

static int fake_write(struct disk_file *file, uint64_t offset, struct bytes bytes) {
    CHECK(!file->fake->is_full || offset + bytes.length <= file->file->live_bytes);
    int status = fake_call_of(file, FAKE_WRITE);
    if (status == 0)
        status = fake_change(file->fake);
    if (status)
        return status;
    file_grow(file->file, (size_t)offset + bytes.length);
    if (bytes.length)
        memcpy(file->file->live + offset, bytes.data, bytes.length);
    return 0;
}

static void file_make_durable(struct fake_file *file) {
    file->durable = memory_resize(file->durable, file->live_bytes);
    if (file->live_bytes)
        memcpy(file->durable, file->live, file->live_bytes);
    file->durable_bytes = file->live_bytes;
}

static int fake_sync(struct disk_file *file) {
    int status = fake_call_of(file, FAKE_SYNC);
    if (status == 0)
        status = fake_change(file->fake);
    if (status)
        return status;
    file->fake->syncs++;
    file_make_durable(file->file);
    return 0;
}

static int fake_write_durable(struct disk_file *file, uint64_t offset, const struct bytes *pieces,
                              size_t count) {
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        if (pieces[i].length)
            status = fake_write(file, offset, pieces[i]);
        offset += pieces[i].length;
    }
    return status ? status : fake_sync(file);
}

static int fake_preallocate(struct disk_file *file, uint64_t bytes) {
    bool has_space = !file->fake->is_full || bytes <= file->file->live_bytes;
    int status = fake_call_of(file, FAKE_PREALLOCATE);
    if (status == 0)
        status = has_space ? fake_change(file->fake) : ERR_NO_SPACE;
    if (status)
        return status;
    file_grow(file->file, (size_t)bytes);
    file_make_durable(file->file);
    return 0;
}

static int fake_rename(struct disk *disk, const char *from, const char *to) {
    struct fake_disk *fake = fake_of(disk);
    int status = fake_call(fake, FAKE_RENAME, to);
    if (status == 0)
        status = fake->is_directory_full ? ERR_NO_SPACE : fake_change(fake);
    fake_note_changed(fake, to);
    size_t at = names_find(&fake->names, from);
    if (status || at == fake->names.count)
        return status ? status : ERR_NOT_FOUND;
    fake_remember(fake, from, to, fake->names.entries[at].file);
    return 0;
}

static int fake_remove(struct disk *disk, const char *name) {
    struct fake_disk *fake = fake_of(disk);
    int status = fake_call(fake, FAKE_REMOVE, name);
    if (status == 0)
        status = fake_change(fake);
    fake_note_changed(fake, name);
    size_t at = names_find(&fake->names, name);
    if (status || at == fake->names.count)
        return status ? status : ERR_NOT_FOUND;
    fake_remember(fake, name, "", fake->names.entries[at].file);
    return 0;
}

static int fake_sync_directory(struct disk *disk) {
    struct fake_disk *fake = fake_of(disk);
    int status = fake_call(fake, FAKE_SYNC_DIRECTORY, fake->changed_name);
    if (status == 0)
        status = fake_change(fake);
    if (status)
        return status;
    fake->durable_names = fake->names;
    fake_forget_history(fake);
    return 0;
}

static int fake_list(struct disk *disk, void (*each)(void *context, const char *name),
                     void *context) {
    struct fake_disk *fake = fake_of(disk);
    for (size_t i = 0; i < fake->names.count; i++)
        each(context, fake->names.entries[i].name);
    return fake_call(fake, FAKE_LIST, "");
}

static void fake_submit(struct disk *disk, struct disk_job *job) {
    struct disk_job **end = &fake_of(disk)->jobs[job->lane];
    while (*end)
        end = &(*end)->next;
    job->next = NULL;
    *end = job;
}

static const struct disk_ops fake_ops = {
    .open = fake_open,
    .close = fake_close,
    .size = fake_size,
    .read = fake_read,
    .forget_cached = fake_forget_cached,
    .write = fake_write,
    .sync = fake_sync,
    .write_durable = fake_write_durable,
    .preallocate = fake_preallocate,
    .rename = fake_rename,
    .remove = fake_remove,
    .sync_directory = fake_sync_directory,
    .list = fake_list,
    .submit = fake_submit,
};

void fake_disk_init(struct fake_disk *fake) {
    memset(fake, 0, sizeof *fake);
    fake->disk.ops = &fake_ops;
    fake->writes_blocks = getenv("FAKE_DISK_WRITES_BLOCKS") != NULL;
}

void fake_disk_release(struct fake_disk *fake) {
    CHECK(fake->open_files == 0);
    memory_free(fake->history);
    for (size_t i = 0; i < fake->file_count; i++) {
        memory_free(fake->files[i]->live);
        memory_free(fake->files[i]->durable);
        memory_free(fake->files[i]);
    }
}

/* As a disk does it that writes whole blocks by itself. */
static int write_blocks(const struct disk_write *write) {
    static const uint8_t zeros[FAKE_SECTOR_BYTES];
    struct bytes pieces[DISK_PIECES_MAXIMUM];
    uint64_t end = write->offset;
    CHECK(write->count < DISK_PIECES_MAXIMUM);
    for (size_t i = 0; i < write->count; i++) {
        pieces[i] = write->pieces[i];
        end += pieces[i].length;
    }
    size_t rest = (size_t)(-end % FAKE_SECTOR_BYTES);
    bool has_room = end + rest <= write->file->file->live_bytes;
    pieces[write->count] = bytes_of(zeros, has_room ? rest : 0);
    return fake_write_durable(write->file, write->offset, pieces, write->count + 1);
}

bool fake_disk_run_job(struct fake_disk *fake, enum disk_lane lane) {
    struct disk_job *job = fake->jobs[lane];
    if (job == NULL)
        return false;
    fake->jobs[lane] = job->next;
    bool is_by_blocks = job->write && fake->writes_blocks;
    int status = is_by_blocks ? write_blocks(job->write) : job->run(job);
    job->done(job, status);
    return true;
}

void fake_disk_run_all(struct fake_disk *fake) {
    while (fake_disk_run_job(fake, DISK_LANE_LOG) || fake_disk_run_job(fake, DISK_LANE_BULK))
        ;
}

void fake_disk_fail_after(struct fake_disk *fake, unsigned changes, int error) {
    fake->fail_countdown = changes;
    fake->fail_with = error;
}

void fake_disk_fail_call(struct fake_disk *fake, enum fake_call call, unsigned nth) {
    fake->failing = call;
    fake->fail_call_at = nth ? fake->calls[call] + nth : 0;
}

void fake_disk_power_off_after(struct fake_disk *fake, unsigned changes) {
    fake->off_at = fake->changes + changes;
}

bool fake_disk_is_off(const struct fake_disk *fake) {
    return fake->off_at && fake->changes >= fake->off_at;
}

static void file_crash(struct fake_file *file, struct random *random) {
    double chance = random_unit(random);
    size_t bytes = file->live_bytes;
    if (file->durable_bytes < bytes && random_chance(random, 0.5))
        bytes = file->durable_bytes;
    for (size_t at = 0; at < bytes; at += FAKE_SECTOR_BYTES) {
        size_t length = bytes - at < FAKE_SECTOR_BYTES ? bytes - at : FAKE_SECTOR_BYTES;
        if (random_chance(random, chance))
            continue;
        size_t old = at >= file->durable_bytes           ? 0
                     : file->durable_bytes - at < length ? file->durable_bytes - at
                                                         : length;
        memset(file->live + at, 0, length);
        if (old)
            memcpy(file->live + at, file->durable + at, old);
    }
    file->live_bytes = bytes;
    file_make_durable(file);
}

static bool is_same_name(const char *a, const char *b) { return a[0] && strcmp(a, b) == 0; }

static bool rests_on(const struct fake_change *later, const struct fake_change *earlier) {
    return is_same_name(later->from, earlier->from) || is_same_name(later->from, earlier->to) ||
           is_same_name(later->to, earlier->from) || is_same_name(later->to, earlier->to);
}

/* A file system may write its directory in any order that keeps each name's own. */
static void directory_crash(struct fake_disk *fake, struct random *random) {
    bool is_in_order = random_chance(random, 0.5), is_lost[FAKE_HISTORY_MAXIMUM];
    size_t kept = (size_t)random_below(random, fake->history_count + 1);
    for (size_t i = 0; i < fake->history_count; i++) {
        is_lost[i] = is_in_order ? i >= kept : random_chance(random, 0.5);
        for (size_t j = 0; j < i; j++)
            is_lost[i] =
                is_lost[i] || (is_lost[j] && rests_on(&fake->history[i], &fake->history[j]));
        if (!is_lost[i])
            names_apply(&fake->durable_names, &fake->history[i]);
    }
    fake->names = fake->durable_names;
    fake_forget_history(fake);
}

void fake_disk_crash(struct fake_disk *fake, struct random *random) {
    CHECK(fake->open_files == 0);
    for (size_t i = 0; i < DISK_LANE_COUNT; i++)
        fake->jobs[i] = NULL;
    for (size_t i = 0; i < fake->file_count; i++)
        file_crash(fake->files[i], random);
    directory_crash(fake, random);
    fake->fail_countdown = 0;
    fake->off_at = 0;
    fake->fail_call_at = 0;
}

struct fake_file *fake_disk_find(struct fake_disk *fake, const char *name) {
    size_t at = names_find(&fake->names, name);
    return at < fake->names.count ? fake->names.entries[at].file : NULL;
}

void fake_disk_put(struct fake_disk *fake, const char *name, struct bytes bytes) {
    struct fake_file *file = fake_make(fake);
    file_grow(file, bytes.length);
    if (bytes.length)
        memcpy(file->live, bytes.data, bytes.length);
    file_make_durable(file);
    names_put(&fake->names, name, file);
    fake->durable_names = fake->names;
    fake_forget_history(fake);
}
