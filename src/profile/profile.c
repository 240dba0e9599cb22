#include "profile/profile.h"
#include "base/check.h"
#include "base/memory.h"
#include "profile/pprof.h"
#include "profile/process_file.h"
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { THREAD_NAME_BYTES = 32, PERIOD_NS = 1000000000 / PROFILE_HZ, HANDLER_WAIT_NS = 1000000 };

/* A frame further from the top of the stack than this is none. */
static const uint64_t stack_maximum_bytes = 8 << 20;
static const size_t maps_maximum_bytes = 16 << 20;

struct profile_sample {
    uint32_t thread, weight;
    uint64_t depth, frames[PROFILE_DEPTH_MAXIMUM];
};

struct profile_thread {
    pid_t id;
    char name[THREAD_NAME_BYTES];
    timer_t timer;
    bool has_timer;
};

/* What a signal carries. */
struct profile_mark {
    struct profiler *profiler;
    uint32_t thread; /* of the profile's */
};

struct profiler {
    atomic_uint handler_count;         /* handlers that may know the profile */
    _Atomic(struct profile *) profile; /* borrowed; NULL: none is sampling */
    struct profile_mark *marks;        /* PROFILE_THREAD_MAXIMUM; NULL until the first profile */
};

struct profile {
    struct profiler *profiler;  /* borrowed */
    atomic_size_t sample_count; /* also those past the capacity, which were dropped */
    size_t capacity;
    struct profile_sample *samples;
    struct profile_thread *threads;
    size_t thread_count;
    pid_t process;
    uint64_t code_start, code_end; /* of the program itself */
    uint64_t begun_ns, begun_monotonic_ns, duration_ns;
};

static uint64_t now_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- in the signal handler: nothing but memory of our own and system calls ---- */

struct registers {
    uint64_t code, stack, frame;
};

static struct registers registers_of(const ucontext_t *context) {
#if defined(__x86_64__)
    return (struct registers){.code = (uint64_t)context->uc_mcontext.gregs[REG_RIP],
                              .stack = (uint64_t)context->uc_mcontext.gregs[REG_RSP],
                              .frame = (uint64_t)context->uc_mcontext.gregs[REG_RBP]};
#elif defined(__aarch64__)
    return (struct registers){.code = context->uc_mcontext.pc,
                              .stack = context->uc_mcontext.sp,
                              .frame = context->uc_mcontext.regs[29]};
#else
#error "say where this machine keeps code, stack and frame pointer"
#endif
}

/* The kernel copies, so that an address that is none fails instead of ending the process. */
static bool read_words(const struct profile *profile, uint64_t address, uint64_t words[2]) {
    struct iovec here = {.iov_base = words, .iov_len = 2 * sizeof words[0]};
    struct iovec there = {.iov_base = (void *)(uintptr_t)address, .iov_len = here.iov_len};
    return process_vm_readv(profile->process, &here, 1, &there, 1, 0) == (ssize_t)here.iov_len;
}

static bool is_own_code(const struct profile *profile, uint64_t address) {
    return address >= profile->code_start && address < profile->code_end;
}

/* A frame is [the caller's frame pointer][the address behind the call]. A function of a library
 * leaves our frame pointer alone, and the address behind our call of it on top of the stack. */
static void walk(const struct profile *profile, const struct registers *registers,
                 struct profile_sample *sample) {
    uint64_t words[2], least = registers->stack, frame = registers->frame;
    sample->frames[0] = registers->code;
    sample->depth = 1;
    if (!is_own_code(profile, registers->code) && read_words(profile, registers->stack, words) &&
        is_own_code(profile, words[0]))
        sample->frames[sample->depth++] = words[0] - 1;
    while (sample->depth < PROFILE_DEPTH_MAXIMUM && frame >= least && frame % 8 == 0 &&
           frame - registers->stack < stack_maximum_bytes && read_words(profile, frame, words) &&
           words[1] > 1) {
        sample->frames[sample->depth++] = words[1] - 1;
        least = frame + sizeof words;
        frame = words[0];
    }
}

static void sample(struct profile *profile, uint32_t thread, const siginfo_t *information,
                   const ucontext_t *context) {
    if (thread >= profile->thread_count)
        return; /* of an earlier profile, which knew more threads */
    size_t at = atomic_fetch_add(&profile->sample_count, 1);
    if (at >= profile->capacity)
        return;
    struct registers registers = registers_of(context);
    walk(profile, &registers, &profile->samples[at]);
    profile->samples[at].thread = thread;
    profile->samples[at].weight = 1 + (uint32_t)information->si_overrun;
}

/* It may be called long after the signal, for a profile that is gone: a thread waits for the
 * processor in between. So it asks the profiler, and says that it does before it asks. */
static void on_signal(int number, siginfo_t *information, void *context) {
    (void)number;
    if (information->si_code != SI_TIMER)
        return;
    int error = errno;
    const struct profile_mark *mark = information->si_value.sival_ptr;
    atomic_fetch_add(&mark->profiler->handler_count, 1);
    struct profile *profile = atomic_load(&mark->profiler->profile);
    if (profile)
        sample(profile, mark->thread, information, context);
    atomic_fetch_sub(&mark->profiler->handler_count, 1);
    errno = error;
}

/* ---- the profiler ---- */

struct profiler *profiler_new(void) {
    return memory_allocate_zeroed(1, sizeof(struct profiler));
}

void profiler_free(struct profiler *profiler) {
    CHECK(atomic_load(&profiler->profile) == NULL);
    memory_free(profiler->marks);
    memory_free(profiler);
}

/* ---- starting ---- */

static int report(struct buffer *problem, const char *what) {
    buffer_append_format(problem, "cannot %s: %s", what, strerror(errno));
    return ERR_IO;
}

static void read_name(struct profile_thread *thread) {
    char path[64];
    struct buffer name;
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", thread->id);
    buffer_init(&name, 1 << 20);
    if (process_file_read(path, &name) == 0 && name.length > 1)
        snprintf(thread->name, sizeof thread->name, "%.*s", (int)name.length - 1,
                 (const char *)buffer_data(&name));
    buffer_release(&name);
}

static int find_threads(struct profile *profile, struct buffer *problem) {
    DIR *directory = opendir("/proc/self/task");
    if (directory == NULL)
        return report(problem, "list the threads");
    profile->threads = memory_allocate_zeroed(PROFILE_THREAD_MAXIMUM, sizeof *profile->threads);
    for (struct dirent *entry = readdir(directory);
         entry && profile->thread_count < PROFILE_THREAD_MAXIMUM; entry = readdir(directory)) {
        int id = atoi(entry->d_name);
        if (id <= 0)
            continue;
        struct profile_thread *thread = &profile->threads[profile->thread_count++];
        *thread = (struct profile_thread){.id = id};
        read_name(thread);
    }
    closedir(directory);
    return 0;
}

static int find_own_code(struct profile *profile, struct buffer *problem) {
    struct buffer maps;
    buffer_init(&maps, maps_maximum_bytes);
    int error = process_file_read("/proc/self/maps", &maps);
    uint64_t here = (uint64_t)(uintptr_t)on_signal;
    buffer_append_u8(&maps, 0);
    const char *line = error ? NULL : (const char *)buffer_data(&maps);
    for (; line && profile->code_end == 0; line = strchr(line, '\n')) {
        unsigned long long start, end;
        line += *line == '\n';
        if (sscanf(line, "%llx-%llx", &start, &end) == 2 && here >= start && here < end) {
            profile->code_start = start;
            profile->code_end = end;
        }
    }
    buffer_release(&maps);
    return error ? report(problem, "read /proc/self/maps") : 0;
}

/* The kernel's name for another thread's CPU clock (clock_getcpuclockid(3), of a thread). */
static clockid_t cpu_clock_of(pid_t thread) {
    enum { PER_THREAD = 4, SCHEDULED = 2 };
    return (clockid_t)(~(unsigned)thread << 3 | PER_THREAD | SCHEDULED);
}

/* A thread that ended since it was listed has no timer; that is no failure. */
static bool start_timer(struct profile_thread *thread, struct profile_mark *mark) {
    struct sigevent event = {
        .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF, .sigev_value.sival_ptr = mark};
    event._sigev_un._tid = thread->id;
    thread->has_timer = timer_create(cpu_clock_of(thread->id), &event, &thread->timer) == 0;
    if (!thread->has_timer)
        return false;
    struct itimerspec interval = {.it_interval.tv_nsec = PERIOD_NS, .it_value.tv_nsec = PERIOD_NS};
    CHECK(timer_settime(thread->timer, 0, &interval, NULL) == 0);
    return true;
}

static int set_handler(void (*ignore)(int)) {
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    action.sa_sigaction = on_signal;
    if (ignore) {
        action.sa_flags = 0;
        action.sa_handler = ignore;
    }
    return sigaction(SIGPROF, &action, NULL);
}

static int start_timers(struct profile *profile, struct buffer *problem) {
    if (set_handler(NULL) != 0)
        return report(problem, "handle SIGPROF");
    atomic_store(&profile->profiler->profile, profile);
    size_t started = 0;
    for (size_t i = 0; i < profile->thread_count; i++)
        started += start_timer(&profile->threads[i], &profile->profiler->marks[i]);
    if (started)
        return 0;
    int error = report(problem, "make a timer for any thread");
    profile_stop(profile);
    return error;
}

static size_t capacity_for(unsigned seconds, size_t thread_count) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t running = processors > 0 ? (size_t)processors : 1;
    running = thread_count < running ? thread_count : running;
    size_t wanted = (size_t)seconds * PROFILE_HZ * (running + 1) + PROFILE_HZ;
    return wanted < PROFILE_SAMPLE_MAXIMUM ? wanted : PROFILE_SAMPLE_MAXIMUM;
}

static void make_marks(struct profiler *profiler) {
    if (profiler->marks)
        return;
    profiler->marks = memory_allocate_zeroed(PROFILE_THREAD_MAXIMUM, sizeof *profiler->marks);
    for (uint32_t thread = 0; thread < PROFILE_THREAD_MAXIMUM; thread++)
        profiler->marks[thread] = (struct profile_mark){profiler, thread};
}

int profile_start(struct profiler *profiler, unsigned seconds, struct profile **out,
                  struct buffer *problem) {
    CHECK(atomic_load(&profiler->profile) == NULL);
    struct profile *profile = memory_allocate_zeroed(1, sizeof *profile);
    profile->profiler = profiler;
    profile->process = getpid();
    make_marks(profiler);
    int error = find_threads(profile, problem);
    if (error == 0)
        error = find_own_code(profile, problem);
    if (error == 0) {
        profile->capacity = capacity_for(seconds, profile->thread_count);
        profile->samples = memory_allocate_zeroed(profile->capacity, sizeof *profile->samples);
        profile->begun_ns = now_ns(CLOCK_REALTIME);
        profile->begun_monotonic_ns = now_ns(CLOCK_MONOTONIC);
        error = start_timers(profile, problem);
    }
    if (error) {
        profile_free(profile);
        return error;
    }
    *out = profile;
    return 0;
}

/* ---- stopping, and what was seen ---- */

/* Ignoring the signal throws away those that wait for a thread. Of the handlers, those that have
 * said that they begin may know the profile, and are waited for; who begins later finds none. */
void profile_stop(struct profile *profile) {
    const struct timespec pause = {.tv_nsec = HANDLER_WAIT_NS};
    for (size_t i = 0; i < profile->thread_count; i++)
        if (profile->threads[i].has_timer)
            CHECK(timer_delete(profile->threads[i].timer) == 0);
    CHECK(set_handler(SIG_IGN) == 0);
    atomic_store(&profile->profiler->profile, NULL);
    while (atomic_load(&profile->profiler->handler_count) > 0)
        nanosleep(&pause, NULL);
    profile->duration_ns = now_ns(CLOCK_MONOTONIC) - profile->begun_monotonic_ns;
}

static int compare_samples(const void *a, const void *b) {
    const struct profile_sample *one = a, *two = b;
    if (one->thread != two->thread)
        return one->thread < two->thread ? -1 : 1;
    if (one->depth != two->depth)
        return one->depth < two->depth ? -1 : 1;
    return memcmp(one->frames, two->frames, one->depth * sizeof one->frames[0]);
}

/* Equal stacks become one sample. */
static void add_samples(const struct profile *profile, struct pprof *pprof) {
    size_t count = atomic_load(&profile->sample_count);
    count = count < profile->capacity ? count : profile->capacity;
    if (count)
        qsort(profile->samples, count, sizeof *profile->samples, compare_samples);
    for (size_t i = 0, next; i < count; i = next) {
        const struct profile_sample *sample = &profile->samples[i];
        uint64_t weight = 0;
        for (next = i; next < count && compare_samples(sample, &profile->samples[next]) == 0;
             next++)
            weight += profile->samples[next].weight;
        const uint64_t values[] = {weight, weight * PERIOD_NS};
        pprof_add(pprof, sample->frames, sample->depth, values,
                  profile->threads[sample->thread].name);
    }
}

int profile_write(const struct profile *profile, struct buffer *out) {
    struct buffer maps;
    buffer_init(&maps, maps_maximum_bytes);
    int error = process_file_read("/proc/self/maps", &maps);
    struct pprof *pprof =
        pprof_new(&(struct pprof_options){.kinds = {{"samples", "count"}, {"cpu", "nanoseconds"}},
                                          .kind_count = 2,
                                          .period_kind = {"cpu", "nanoseconds"},
                                          .period = PERIOD_NS,
                                          .begun_ns = profile->begun_ns,
                                          .duration_ns = profile->duration_ns});
    if (error == 0) {
        add_samples(profile, pprof);
        pprof_finish(pprof, buffer_bytes(&maps), out);
        error = out->is_overflowed ? ERR_LIMIT : 0;
    }
    pprof_free(pprof);
    buffer_release(&maps);
    return error;
}

void profile_free(struct profile *profile) {
    memory_free(profile->samples);
    memory_free(profile->threads);
    memory_free(profile);
}
