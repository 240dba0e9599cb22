/* A CPU profile of this process itself: it sees who is busy, and a thread that the machine held up
 * on its way into the handler does no harm, however late it comes. */
#include "../unit.h"
#include "profile/profile.h"
#include <signal.h>
#include <time.h>
#include <ucontext.h>

enum { BUSY_S_MAXIMUM = 20 };

/* What a test keeps of the first signal, which it hands on when it likes. */
static struct held {
    struct sigaction handler;
    siginfo_t information;
    volatile sig_atomic_t count;
} held;

static void hold(int number, siginfo_t *information, void *context) {
    (void)number, (void)context;
    if (held.count++ == 0)
        held.information = *information;
}

static void hold_signals(void) {
    struct sigaction action = {.sa_sigaction = hold, .sa_flags = SA_SIGINFO | SA_RESTART};
    held.count = 0;
    assert_int_equal(sigaction(SIGPROF, &action, &held.handler), 0);
}

__attribute__((noinline)) static void hand_on(void) {
    ucontext_t context;
    assert_int_equal(getcontext(&context), 0);
    held.handler.sa_sigaction(SIGPROF, &held.information, &context);
}

/* Until `count` signals came, by CPU time. */
static void be_busy(int count) {
    clock_t limit = clock() + BUSY_S_MAXIMUM * CLOCKS_PER_SEC;
    while (held.count < count)
        assert_true(clock() < limit);
}

static struct profile *start(struct profiler *profiler) {
    struct profile *profile;
    struct buffer problem;
    buffer_init(&problem, 4096);
    assert_int_equal(profile_start(profiler, 1, &profile, &problem), 0);
    buffer_release(&problem);
    return profile;
}

/* Of a build whose functions keep their names. */
static bool tells_of_hand_on(const struct profile *profile) {
    struct buffer out;
    buffer_init(&out, 1 << 20);
    assert_int_equal(profile_write(profile, &out), 0);
    bool is_told = memmem(buffer_data(&out), out.length, "hand_on", strlen("hand_on")) != NULL;
    buffer_release(&out);
    return is_told;
}

static void a_signal_is_a_sample(void **state) {
    (void)state;
    struct profiler *profiler = profiler_new();
    struct profile *profile = start(profiler);
    hold_signals();
    be_busy(1);
    hand_on();
    profile_stop(profile);
    assert_true(tells_of_hand_on(profile));
    profile_free(profile);
    profiler_free(profiler);
}

/* In a build with sanitizers: nothing is looked at that was freed. */
static void a_handler_may_begin_when_its_profile_is_gone(void **state) {
    (void)state;
    struct profiler *profiler = profiler_new();
    struct profile *profile = start(profiler);
    hold_signals();
    be_busy(1);
    profile_stop(profile);
    hand_on();
    assert_false(tells_of_hand_on(profile));
    profile_free(profile);
    hand_on();
    profiler_free(profiler);
}

RUN_TESTS(cmocka_unit_test(a_signal_is_a_sample),
          cmocka_unit_test(a_handler_may_begin_when_its_profile_is_gone))
