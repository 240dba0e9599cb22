/* The fake store of blobs: what others do to it comes in between the calls of a job; what fails may
 * have been done; a death leaves some of what was under way, and nothing behind it. */
#include "../unit.h"

#include "base/error.h"
#include "sim/world/blobs.h"

enum { TRIES = 200, DONE_NEVER = 1 };

struct world {
    struct event_queue queue;
    struct random random;
    struct trace trace;
    struct sim_blobs *blobs;
};

struct owner {
    struct world *world;
};

static bool is_ready(void *context, uint64_t *again_us) {
    (void)context, (void)again_us;
    return true;
}
static bool is_up(void *context) { return context != NULL; }
static uint64_t now_us(void *context) { return ((struct owner *)context)->world->queue.now_us; }
static void ran(void *context) { (void)context; }

static struct blob_store *open_for(struct owner *owner) {
    return sim_blobs_open(
        owner->world->blobs,
        &(struct sim_blobs_owner){
            .is_ready = is_ready, .is_up = is_up, .now_us = now_us, .ran = ran, .context = owner});
}

static void world_init(struct world *world, uint64_t seed) {
    *world = (struct world){0};
    event_queue_init(&world->queue);
    random_init(&world->random, seed);
    trace_init(&world->trace, &world->queue.now_us, false);
    world->blobs = sim_blobs_new(&world->queue, &world->random, &world->trace);
}

static void world_release(struct world *world) {
    sim_blobs_free(world->blobs);
    event_queue_release(&world->queue);
}

static void run_until(struct world *world, uint64_t until_us) {
    while (event_queue_step(&world->queue, until_us))
        ;
    world->queue.now_us = until_us;
}

/* ---- what jobs do ---- */

struct test_job {
    struct blob_job job; /* first */
    struct blob_store *store;
    const char *names[3]; /* to be put, in this order; then all are listed, twice */
    char listed[2][32];   /* their names, one behind the other */
    int status;           /* DONE_NEVER until it is told of */
};

static int note(void *context, const char *name, uint64_t bytes) {
    assert_int_equal(bytes, strlen(name));
    strcat(context, name);
    return 0;
}

static int put_and_list(struct blob_job *base) {
    struct test_job *job = (struct test_job *)(void *)base;
    struct blob_problem problem;
    int error = 0;
    for (unsigned i = 0; i < 3 && job->names[i] && !error; i++)
        error =
            job->store->ops->put(job->store, job->names[i], bytes_of_text(job->names[i]), &problem);
    for (unsigned i = 0; i < 2 && !error; i++)
        error = job->store->ops->list(job->store, "", note, job->listed[i], &problem);
    return error;
}

static void job_done(struct blob_job *base, int status) {
    ((struct test_job *)(void *)base)->status = status;
}

static void submit(struct test_job *job, struct blob_store *store) {
    job->job = (struct blob_job){.run = put_and_list, .done = job_done};
    job->store = store;
    job->status = DONE_NEVER;
    store->ops->submit(store, &job->job);
}

static void expect_held(struct world *world, const char *names) {
    struct blob_store *sound = sim_blobs_sound_door(world->blobs);
    struct blob_problem problem;
    char held[32] = "";
    assert_int_equal(sound->ops->list(sound, "", note, held, &problem), 0);
    assert_string_equal(held, names);
}

/* ---- the tests ---- */

static void jobs_run_one_after_the_other_and_see_what_they_put(void **state) {
    (void)state;
    struct world world;
    struct owner owner = {&world};
    struct test_job jobs[2] = {{.names = {"b", "a"}}, {.names = {"c", "a"}}};
    world_init(&world, 1);
    struct blob_store *store = open_for(&owner);
    submit(&jobs[0], store);
    submit(&jobs[1], store);
    assert_int_equal(jobs[0].status, DONE_NEVER);
    run_until(&world, 1000000);
    assert_int_equal(jobs[0].status, 0);
    assert_string_equal(jobs[0].listed[0], "ab");
    assert_string_equal(jobs[1].listed[1], "abc");
    expect_held(&world, "abc");
    assert_int_equal(sim_blobs_count(world.blobs), 3);
    store->ops->close(store);
    world_release(&world);
}

/* Somebody else puts a blob while the job is under way: it sees it from some moment on, by lot, and
 * then for good. */
static void others_come_in_between_two_looks(void **state) {
    (void)state;
    unsigned unseen = 0, seen_late = 0, seen = 0;
    for (uint64_t seed = 1; seed <= TRIES; seed++) {
        struct world world;
        struct owner owners[2] = {{&world}, {&world}};
        struct test_job slow = {{0}}, quick = {.names = {"x"}};
        world_init(&world, seed);
        submit(&slow, open_for(&owners[0]));
        submit(&quick, open_for(&owners[1]));
        run_until(&world, 1000000);
        assert_false(slow.listed[0][0] && !slow.listed[1][0]);
        unseen += !slow.listed[1][0];
        seen_late += slow.listed[1][0] && !slow.listed[0][0];
        seen += slow.listed[0][0] != 0;
        world_release(&world);
    }
    assert_true(unseen > 0 && seen_late > 0 && seen > 0);
}

static void a_call_that_fails_may_have_done_its_work(void **state) {
    (void)state;
    unsigned done = 0, half_listed = 0;
    for (uint64_t seed = 1; seed <= TRIES; seed++) {
        struct world world;
        struct owner owner = {&world};
        struct test_job first = {.names = {"a", "b", "c"}}, failing = {.names = {"d"}},
                        list = {{0}};
        world_init(&world, seed);
        struct blob_store *store = open_for(&owner);
        submit(&first, store);
        run_until(&world, 1000000);
        sim_blobs_trouble(world.blobs)->failing = 1;
        submit(&failing, store);
        submit(&list, store);
        run_until(&world, 2000000);
        assert_int_equal(failing.status, ERR_IO);
        assert_int_equal(list.status, ERR_IO);
        done += sim_blobs_count(world.blobs) == 4;
        half_listed += strlen(list.listed[0]) > 0 && strlen(list.listed[0]) < 3;
        world_release(&world);
    }
    assert_in_range(done, TRIES / 3, TRIES * 2 / 3);
    assert_true(half_listed > 0);
}

static void one_that_is_away_does_nothing(void **state) {
    (void)state;
    struct world world;
    struct owner owner = {&world};
    struct test_job job = {.names = {"a"}};
    world_init(&world, 1);
    sim_blobs_trouble(world.blobs)->is_away = true;
    submit(&job, open_for(&owner));
    run_until(&world, 1000000);
    assert_int_equal(job.status, ERR_IO);
    expect_held(&world, "");
    world_release(&world);
}

/* Of the first job a part, by lot; nothing of the second; and nothing reaches the store later. */
static void a_death_leaves_a_part_of_what_was_under_way(void **state) {
    (void)state;
    bool is_left[4] = {false};
    for (uint64_t seed = 1; seed <= TRIES; seed++) {
        struct world world;
        struct owner owner = {&world};
        struct test_job jobs[2] = {{.names = {"a", "b", "c"}}, {.names = {"z"}}};
        world_init(&world, seed);
        struct blob_store *store = open_for(&owner);
        submit(&jobs[0], store);
        submit(&jobs[1], store);
        sim_blobs_end_life(world.blobs, &owner);
        assert_int_equal(jobs[0].status, ERR_BUSY);
        assert_int_equal(jobs[1].status, ERR_BUSY);
        uint64_t left = sim_blobs_count(world.blobs);
        expect_held(&world, left == 3 ? "abc" : left == 2 ? "ab" : left == 1 ? "a" : "");
        is_left[left] = true;
        run_until(&world, 1000000);
        assert_int_equal(sim_blobs_count(world.blobs), left);
        world_release(&world);
    }
    for (unsigned left = 0; left < 4; left++)
        assert_true(is_left[left]);
}

RUN_TESTS(cmocka_unit_test(jobs_run_one_after_the_other_and_see_what_they_put),
          cmocka_unit_test(others_come_in_between_two_looks),
          cmocka_unit_test(a_call_that_fails_may_have_done_its_work),
          cmocka_unit_test(one_that_is_away_does_nothing),
          cmocka_unit_test(a_death_leaves_a_part_of_what_was_under_way))
