#include "io/real/real_disk.h"
#include "base/check.h"
#include "base/memory.h"
#include "io/real/real_file.h"
#include "io/real/ring.h"
#include "io/real/wake.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONG_TURN_US = 2000 };

struct job_queue {
    struct disk_job *first, **end;
};

struct disk_lane_thread {
    struct disk_real *owner;
    uv_thread_t thread;
    uv_mutex_t mutex; /* guards what follows */
    uv_cond_t is_wanted;
    struct job_queue waiting;
    bool is_stopping;
    unsigned under_way; /* the owner's: handed in and not yet reported */
};

struct disk_real {
    struct disk_real_directory directory; /* first */
    int lock;
    uv_loop_t *loop; /* NULL: no threads */
    struct disk_lane_thread lanes[DISK_LANE_COUNT];
    struct wake wake;
    uv_mutex_t finished_mutex; /* guards finished */
    struct job_queue finished;
    struct job_queue finished_here; /* ran within submit; the owner's alone */
    struct ring *ring;              /* NULL: the lanes do all; else the owner's alone, as these: */
    struct disk_job *ring_job;      /* the log's, whose write is under way there */
    struct direct_write ring_write;
    uint64_t ring_begun_us, ring_handed_us;
    uint64_t ring_seen_us; /* when it was seen last that it was under way still */
};

static struct disk_real *real_of(struct disk *disk) { return (struct disk_real *)(void *)disk; }

void disk_real_delay_syncs(struct disk *disk, uint64_t delay_us) {
    atomic_store_explicit(&real_of(disk)->directory.timing.sync_delay_us, delay_us,
                          memory_order_relaxed);
}

static void real_durable_times(struct disk *disk, uint64_t *write_us, uint64_t *sync_us) {
    struct disk_real_timing *timing = &real_of(disk)->directory.timing;
    *write_us = atomic_load_explicit(&timing->write_us, memory_order_relaxed);
    *sync_us = atomic_load_explicit(&timing->sync_us, memory_order_relaxed);
}

/* ---- jobs ---- */

static void queue_init(struct job_queue *queue) {
    queue->first = NULL;
    queue->end = &queue->first;
}

static void queue_append(struct job_queue *queue, struct disk_job *job) {
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
}

static struct disk_job *queue_take_first(struct job_queue *queue) {
    struct disk_job *job = queue->first;
    if (job == NULL)
        return NULL;
    queue->first = job->next;
    if (queue->first == NULL)
        queue->end = &queue->first;
    return job;
}

static struct disk_job *lane_wait(struct disk_lane_thread *lane) {
    uv_mutex_lock(&lane->mutex);
    while (lane->waiting.first == NULL && !lane->is_stopping)
        uv_cond_wait(&lane->is_wanted, &lane->mutex);
    struct disk_job *job = queue_take_first(&lane->waiting);
    uv_mutex_unlock(&lane->mutex);
    return job;
}

/* Stops once it is told to and nothing waits. */
static void lane_main(void *context) {
    struct disk_lane_thread *lane = context;
    struct disk_real *real = lane->owner;
    for (struct disk_job *job = lane_wait(lane); job; job = lane_wait(lane)) {
        job->status = job->run(job);
        uv_mutex_lock(&real->finished_mutex);
        queue_append(&real->finished, job);
        uv_mutex_unlock(&real->finished_mutex);
        wake_send(&real->wake);
    }
}

static void lane_append(struct disk_lane_thread *lane, struct disk_job *job) {
    uv_mutex_lock(&lane->mutex);
    CHECK(!lane->is_stopping);
    queue_append(&lane->waiting, job);
    uv_mutex_unlock(&lane->mutex);
    uv_cond_signal(&lane->is_wanted);
}

/* Hands the job's write to the kernel, if there is no more to it and nothing of its lane is before
 * it. A disk that is to be slow is so on the lane's thread. */
static bool ring_begin(struct disk_real *real, struct disk_job *job) {
    struct disk_lane_thread *lane = &real->lanes[job->lane];
    if (real->ring == NULL || job->write == NULL || lane->under_way || ring_is_busy(real->ring) ||
        atomic_load_explicit(&real->directory.timing.sync_delay_us, memory_order_relaxed))
        return false;
    real->ring_begun_us = disk_real_now_us();
    if (!disk_real_file_prepare(job->write, &real->ring_write) ||
        !ring_write(real->ring, disk_real_file_direct(job->write->file), real->ring_write.offset,
                    real->ring_write.bytes))
        return false;
    real->ring_handed_us = real->ring_seen_us = disk_real_now_us();
    real->ring_job = job;
    lane->under_way++;
    return true;
}

static void real_submit(struct disk *disk, struct disk_job *job) {
    struct disk_real *real = real_of(disk);
    CHECK(real->loop != NULL);
    struct disk_lane_thread *lane = &real->lanes[job->lane];
    if (job->is_awaited && lane->under_way == 0) {
        job->status = job->run(job);
        queue_append(&real->finished_here, job);
        return;
    }
    if (ring_begin(real, job))
        return;
    lane->under_way++;
    lane_append(lane, job);
}

int disk_real_start_ring(struct disk *disk, struct disk_real_problem *problem) {
    struct disk_real *real = real_of(disk);
    CHECK(real->loop != NULL && real->ring == NULL);
    problem->text[0] = 0;
    int error = ring_open(real->wake.descriptor, &real->ring);
    real->directory.is_direct = error == 0;
    if (error == 0)
        return 0;
    snprintf(problem->text, sizeof problem->text,
             "the kernel gives no io_uring: %s; allow it (kernel.io_uring_disabled, seccomp), or "
             "leave the log to its thread",
             strerror(error));
    return disk_real_error(error);
}

/* When the write was finished, the kernel does not say. An owner that looks soon knows it well
 * enough; what one spends on something else meanwhile must not make the disk look slow, so nothing
 * of a long turn's time is counted. */
static uint64_t ring_ended_us(const struct disk_real *real) {
    uint64_t now_us = disk_real_now_us();
    return now_us > real->ring_seen_us + LONG_TURN_US ? real->ring_seen_us : now_us;
}

/* Reports the ring's job if its write is finished. One that the kernel did not take whole is
 * written again by the lane's thread. */
static bool ring_deliver(struct disk_real *real) {
    int64_t result;
    if (real->ring == NULL || !ring_is_busy(real->ring))
        return false;
    if (!ring_take(real->ring, &result)) {
        real->ring_seen_us = disk_real_now_us();
        return false;
    }
    struct disk_job *job = real->ring_job;
    struct disk_lane_thread *lane = &real->lanes[job->lane];
    bool is_to_be_repeated;
    job->status =
        disk_real_file_written(job->write->file, &real->ring_write, result, &is_to_be_repeated);
    if (is_to_be_repeated) {
        lane_append(lane, job);
        return false;
    }
    disk_real_note_times(&real->directory.timing, real->ring_begun_us, real->ring_handed_us,
                         ring_ended_us(real));
    lane->under_way--;
    job->done(job, job->status);
    return true;
}

/* Takes the jobs one by one, so that a done() may submit and even close. */
static void deliver_finished(struct disk_real *real) {
    for (;;) {
        uv_mutex_lock(&real->finished_mutex);
        struct disk_job *job = queue_take_first(&real->finished);
        uv_mutex_unlock(&real->finished_mutex);
        if (job == NULL)
            return;
        real->lanes[job->lane].under_way--;
        job->done(job, job->status);
    }
}

bool disk_real_deliver(struct disk *disk) {
    struct disk_real *real = real_of(disk);
    struct disk_job *job;
    bool is_any = ring_deliver(real);
    while ((job = queue_take_first(&real->finished_here))) {
        job->done(job, job->status);
        is_any = true;
    }
    return is_any;
}

void disk_real_look(struct disk *disk) {
    struct disk_real *real = real_of(disk);
    ring_deliver(real);
    deliver_finished(real);
}

/* The loop slept until just now, or a little longer: it did not look before, and the write may have
 * ended as late as that. */
static void on_wake(void *context) {
    struct disk_real *real = context;
    uint64_t woken_us = uv_now(real->loop) * 1000;
    if (woken_us > real->ring_seen_us)
        real->ring_seen_us = woken_us;
    disk_real_look(&real->directory.disk);
}

/* ---- opening and closing ---- */

static const struct disk_ops real_ops = {
    .open = disk_real_file_open,
    .close = disk_real_file_close,
    .size = disk_real_file_size,
    .read = disk_real_file_read,
    .write = disk_real_file_write,
    .sync = disk_real_file_sync,
    .write_durable = disk_real_file_write_durable,
    .durable_times = real_durable_times,
    .forget_cached = disk_real_file_forget_cached,
    .preallocate = disk_real_file_preallocate,
    .rename = disk_real_rename,
    .remove = disk_real_remove,
    .sync_directory = disk_real_sync_directory,
    .list = disk_real_list,
    .submit = real_submit,
};

static int report(struct disk_real_problem *problem, const char *what, const char *path,
                  const char *advice) {
    int error = errno;
    snprintf(problem->text, sizeof problem->text, "cannot %s %s: %s; %s", what, path,
             strerror(error), advice);
    return disk_real_error(error);
}

static int sync_parent(const char *path) {
    char *parent = memory_copy_text(path);
    char *slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent ? 1 : 0] = 0;
    int directory = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    memory_free(parent);
    if (directory < 0)
        return -1;
    int status = fsync(directory), error = errno;
    close(directory);
    errno = error;
    return status;
}

/* One that is not durable is taken back, or the next start would find it there and trust it. */
static int make_directory(const char *path) {
    if (mkdir(path, 0750))
        return -1;
    int status = sync_parent(path), error = errno;
    if (status)
        rmdir(path);
    errno = error;
    return status;
}

/* A life that ended before it was durable may have left it, and the power take back all that is
 * written there from now on. Who may not look at what is above it did not make it. */
static int make_old_durable(const char *path) { return sync_parent(path) && errno == EIO ? -1 : 0; }

/* mkdir -p, durably. */
static int make_directories(char *path) {
    for (char *at = path + 1;; at++) {
        if (*at != '/' && *at != 0)
            continue;
        char kept = *at;
        *at = 0;
        int status = make_directory(path);
        if (status && errno == EEXIST)
            status = kept == 0 ? make_old_durable(path) : 0;
        *at = kept;
        if (status || kept == 0)
            return status;
    }
}

static int take_lock(struct disk_real *real, int operation, const char *path,
                     struct disk_real_problem *problem) {
    if (flock(real->lock, operation | LOCK_NB) == 0)
        return 0;
    if (errno != EWOULDBLOCK)
        return report(problem, "lock the directory", path, "use a file system that has locks");
    snprintf(problem->text, sizeof problem->text,
             "the directory %s is in use by another process; stop that one, or choose another "
             "directory",
             path);
    return ERR_BUSY;
}

static int open_directory(struct disk_real *real, const char *path,
                          struct disk_real_problem *problem) {
    char *copy = memory_copy_text(path);
    int made = path[0] ? make_directories(copy) : 0;
    memory_free(copy);
    if (made)
        return report(problem, "make the directory", path, "choose one that may be written to");
    real->directory.descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (real->directory.descriptor < 0)
        return report(problem, "open the directory", path, "check the path and its rights");
    real->lock =
        openat(real->directory.descriptor, DISK_REAL_LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (real->lock < 0)
        return report(problem, "lock the directory", path, "check its rights");
    return take_lock(real, LOCK_EX, path, problem);
}

/* A copy of a directory may have come without its lock, and then nobody uses it. */
static int open_directory_to_read(struct disk_real *real, const char *path,
                                  struct disk_real_problem *problem) {
    real->directory.descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (real->directory.descriptor < 0)
        return report(problem, "open the directory", path, "check the path and its rights");
    real->lock = openat(real->directory.descriptor, DISK_REAL_LOCK_NAME, O_RDONLY | O_CLOEXEC);
    if (real->lock < 0 && errno == ENOENT)
        return 0;
    if (real->lock < 0)
        return report(problem, "lock the directory", path, "check its rights");
    return take_lock(real, LOCK_SH, path, problem);
}

static void start_threads(struct disk_real *real) {
    queue_init(&real->finished);
    queue_init(&real->finished_here);
    CHECK(uv_mutex_init(&real->finished_mutex) == 0);
    wake_init(&real->wake, real->loop, on_wake, real);
    for (size_t i = 0; i < DISK_LANE_COUNT; i++) {
        struct disk_lane_thread *lane = &real->lanes[i];
        lane->owner = real;
        queue_init(&lane->waiting);
        CHECK(uv_mutex_init(&lane->mutex) == 0);
        CHECK(uv_cond_init(&lane->is_wanted) == 0);
        CHECK(uv_thread_create(&lane->thread, lane_main, lane) == 0);
    }
}

static void free_real(struct disk_real *real) {
    if (real->lock >= 0)
        close(real->lock);
    if (real->directory.descriptor >= 0)
        close(real->directory.descriptor);
    memory_free(real);
}

static struct disk_real *new_real(uv_loop_t *loop) {
    struct disk_real *real = memory_allocate_zeroed(1, sizeof *real);
    real->directory.disk.ops = &real_ops;
    real->directory.descriptor = real->lock = -1;
    real->loop = loop;
    return real;
}

int disk_real_open(const char *path, uv_loop_t *loop, struct disk **out,
                   struct disk_real_problem *problem) {
    struct disk_real *real = new_real(loop);
    problem->text[0] = 0;
    int status = open_directory(real, path, problem);
    if (status) {
        free_real(real);
        return status;
    }
    if (loop)
        start_threads(real);
    *out = &real->directory.disk;
    return 0;
}

int disk_real_open_to_read(const char *path, struct disk **out, struct disk_real_problem *problem) {
    struct disk_real *real = new_real(NULL);
    problem->text[0] = 0;
    int status = open_directory_to_read(real, path, problem);
    if (status) {
        free_real(real);
        return status;
    }
    *out = &real->directory.disk;
    return 0;
}

static void on_wake_closed(void *context) {
    struct disk_real *real = context;
    uv_mutex_destroy(&real->finished_mutex);
    free_real(real);
}

static void lane_stop(struct disk_lane_thread *lane) {
    uv_mutex_lock(&lane->mutex);
    lane->is_stopping = true;
    uv_mutex_unlock(&lane->mutex);
    uv_cond_signal(&lane->is_wanted);
    CHECK(uv_thread_join(&lane->thread) == 0);
    uv_cond_destroy(&lane->is_wanted);
    uv_mutex_destroy(&lane->mutex);
}

/* What must be written again is left to the lane's thread. */
static void ring_finish(struct disk_real *real) {
    if (real->ring == NULL)
        return;
    while (ring_is_busy(real->ring)) {
        ring_wait(real->ring);
        ring_deliver(real);
    }
    ring_close(real->ring);
    real->ring = NULL;
}

void disk_real_close(struct disk *disk) {
    struct disk_real *real = real_of(disk);
    if (real->loop == NULL) {
        free_real(real);
        return;
    }
    ring_finish(real);
    for (size_t i = 0; i < DISK_LANE_COUNT; i++)
        lane_stop(&real->lanes[i]);
    disk_real_deliver(disk);
    deliver_finished(real);
    wake_close(&real->wake, on_wake_closed);
}
