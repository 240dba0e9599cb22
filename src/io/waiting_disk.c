#include "io/waiting_disk.h"

static struct waiting_disk *waiting_of(struct disk *disk) { return (struct waiting_disk *)disk; }

static int forward_open(struct disk *disk, const char *name, enum disk_open_mode mode,
                        struct disk_file **out) {
    struct disk *under = waiting_of(disk)->under;
    return under->ops->open(under, name, mode, out);
}

static int forward_rename(struct disk *disk, const char *from, const char *to) {
    struct disk *under = waiting_of(disk)->under;
    return under->ops->rename(under, from, to);
}

static int forward_remove(struct disk *disk, const char *name) {
    struct disk *under = waiting_of(disk)->under;
    return under->ops->remove(under, name);
}

static int forward_sync_directory(struct disk *disk) {
    struct disk *under = waiting_of(disk)->under;
    return under->ops->sync_directory(under);
}

static int forward_list(struct disk *disk, void (*each)(void *context, const char *name),
                        void *context) {
    struct disk *under = waiting_of(disk)->under;
    return under->ops->list(under, each, context);
}

static void keep(struct disk *disk, struct disk_job *job) {
    struct waiting_disk *waiting = waiting_of(disk);
    job->next = NULL;
    *waiting->end = job;
    waiting->end = &job->next;
}

/* The calls on a file stay as they are: a file knows its disk. */
void waiting_disk_init(struct waiting_disk *waiting, struct disk *under) {
    *waiting = (struct waiting_disk){.under = under};
    waiting->ops = *under->ops;
    waiting->ops.open = forward_open;
    waiting->ops.rename = forward_rename;
    waiting->ops.remove = forward_remove;
    waiting->ops.sync_directory = forward_sync_directory;
    waiting->ops.list = forward_list;
    waiting->ops.submit = keep;
    waiting->disk.ops = &waiting->ops;
    waiting->end = &waiting->first;
}

void waiting_disk_wait(struct waiting_disk *waiting) {
    for (struct disk_job *job; (job = waiting->first) != NULL;) {
        waiting->first = job->next;
        if (!waiting->first)
            waiting->end = &waiting->first;
        int status = job->run(job);
        job->done(job, status);
    }
}
