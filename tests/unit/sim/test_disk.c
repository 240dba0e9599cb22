/* The fake disk keeps what was synced, and after a power failure nothing else is sure. */
#include "../unit.h"

#include "base/memory.h"
#include "sim/world/disk.h"

struct world {
    struct event_queue queue;
    struct random random;
    struct trace trace;
    struct sim_power power;
    struct sim_disk *sim;
    struct disk *disk;
    unsigned reports;
};

static void went_off(void *context) { (void)context; }
static bool is_ready(void *context, uint64_t *again_us) {
    (void)context;
    (void)again_us;
    return true;
}
static void owner_ran(void *context) { (void)context; }

static void world_init(struct world *world, uint64_t seed) {
    *world = (struct world){0};
    event_queue_init(&world->queue);
    random_init(&world->random, seed);
    trace_init(&world->trace, &world->queue.now_us, false);
    world->power =
        (struct sim_power){.random = &world->random, .trace = &world->trace, .went_off = went_off};
    world->sim = sim_disk_new(&(struct sim_disk_options){.power = &world->power,
                                                         .queue = &world->queue,
                                                         .is_owner_ready = is_ready,
                                                         .owner_ran = owner_ran});
    world->disk = sim_disk_door(world->sim);
}

static void world_release(struct world *world) {
    sim_disk_free(world->sim);
    event_queue_release(&world->queue);
}

static void power_fails(struct world *world) {
    world->power.is_off = true;
    sim_disk_finish_jobs(world->sim);
    sim_disk_end_life(world->sim, SIM_DEATH_BY_POWER);
    world->power.is_off = false;
}

static void put(struct world *world, const char *name, const char *text, bool is_synced) {
    struct disk_file *file;
    int status = world->disk->ops->open(world->disk, name, DISK_OPEN_WRITE, &file);
    if (status == ERR_NOT_FOUND)
        status = world->disk->ops->open(world->disk, name, DISK_CREATE, &file);
    assert_int_equal(status, 0);
    assert_int_equal(world->disk->ops->write(file, 0, bytes_of_text(text)), 0);
    if (is_synced)
        assert_int_equal(world->disk->ops->sync(file), 0);
    world->disk->ops->close(file);
}

/* 0: no such file; else its first byte, or 1 for an empty file. */
static int first_byte(struct world *world, const char *name) {
    uint8_t *data;
    size_t length;
    if (disk_read_all(world->disk, name, 1 << 20, &data, &length))
        return 0;
    int first = length ? data[0] : 1;
    memory_free(data);
    return first;
}

static void what_was_synced_survives(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct world world;
        world_init(&world, seed);
        put(&world, "a", "safe", true);
        assert_int_equal(world.disk->ops->sync_directory(world.disk), 0);
        put(&world, "a", "risk", false);
        assert_int_equal(first_byte(&world, "a"), 'r');
        power_fails(&world);
        int first = first_byte(&world, "a");
        assert_true(first == 's' || first == 'r');
        world_release(&world);
    }
}

static void what_was_not_synced_survives_wholly_partly_or_not(void **state) {
    (void)state;
    unsigned lost = 0, kept = 0, nameless = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct world world;
        world_init(&world, seed);
        put(&world, "a", "one", true); /* its name is not synced */
        power_fails(&world);
        nameless += first_byte(&world, "a") == 0;
        put(&world, "b", "two", true);
        assert_int_equal(world.disk->ops->sync_directory(world.disk), 0);
        put(&world, "b", "two-three", false);
        power_fails(&world);
        uint8_t *data;
        size_t length;
        assert_int_equal(disk_read_all(world.disk, "b", 100, &data, &length), 0);
        lost += length == 3;
        kept += length == 9;
        assert_memory_equal(data, "two", 3);
        memory_free(data);
        world_release(&world);
    }
    assert_true(lost > 20 && kept > 20 && nameless > 20);
}

static void a_process_leaves_what_it_wrote(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 1);
    put(&world, "a", "text", false);
    world.power.is_off = true;
    sim_disk_end_life(world.sim, SIM_DEATH_OF_PROCESS);
    world.power.is_off = false;
    assert_int_equal(first_byte(&world, "a"), 't');
    world_release(&world);
}

static void the_power_fails_at_the_call_asked_for(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 1);
    world.power.off_at_call = 3;
    struct disk_file *file;
    assert_int_equal(world.disk->ops->open(world.disk, "a", DISK_CREATE, &file), 0);
    assert_int_equal(world.disk->ops->write(file, 0, BYTES_LITERAL("x")), 0);
    assert_int_equal(world.disk->ops->sync(file), ERR_IO);
    assert_true(world.power.is_off);
    assert_int_equal(world.disk->ops->write(file, 0, BYTES_LITERAL("y")), ERR_IO);
    world.disk->ops->close(file);
    world_release(&world);
}

struct counting_job {
    struct disk_job job;
    struct world *world;
    char name;
    int status;
};
static char job_order[8];

static int job_run(struct disk_job *job) {
    struct counting_job *counting = (struct counting_job *)(void *)job;
    return first_byte(counting->world, "none") == 0 && counting->world->power.is_off ? ERR_IO : 0;
}
static void job_done(struct disk_job *job, int status) {
    struct counting_job *counting = (struct counting_job *)(void *)job;
    counting->status = status;
    job_order[strlen(job_order)] = counting->name;
}

static void jobs_of_a_lane_report_in_order(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 1);
    memset(job_order, 0, sizeof job_order);
    struct counting_job jobs[3];
    for (int i = 0; i < 3; i++) {
        jobs[i] =
            (struct counting_job){.job = {.run = job_run, .done = job_done, .lane = DISK_LANE_LOG},
                                  .world = &world,
                                  .name = (char)('a' + i),
                                  .status = 1};
        world.disk->ops->submit(world.disk, &jobs[i].job);
    }
    while (jobs[1].status == 1)
        assert_true(event_queue_step(&world.queue, UINT64_MAX));
    assert_string_equal(job_order, "ab");
    assert_true(world.queue.now_us > 0);
    world.power.is_off = true;
    sim_disk_finish_jobs(world.sim);
    assert_string_equal(job_order, "abc");
    assert_int_equal(jobs[2].status, ERR_IO);
    world_release(&world);
}

/* Four rounds of four bytes. */
static void make_log(struct world *world) {
    put(world, "wal-01", "aaaa", true);
    assert_int_equal(world->disk->ops->sync_directory(world->disk), 0);
    assert_false(sim_disk_rot(world->sim, "wal", &world->random)); /* nothing behind it yet */
    struct disk_file *file;
    assert_int_equal(world->disk->ops->open(world->disk, "wal-01", DISK_OPEN_WRITE, &file), 0);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(world->disk->ops->write(file, 4 * i, BYTES_LITERAL("bbbb")), 0);
        assert_int_equal(world->disk->ops->sync(file), 0);
    }
    world->disk->ops->close(file);
}

enum log_look { LOG_UNREADABLE, LOG_CHANGED, LOG_WHOLE, LOG_LOOK_COUNT };

static enum log_look look_at_log(struct world *world) {
    uint8_t *data;
    size_t length;
    int status = disk_read_all(world->disk, "wal-01", 100, &data, &length);
    if (status) {
        assert_int_equal(status, ERR_IO);
        return LOG_UNREADABLE;
    }
    bool is_whole = memcmp(data, "aaaabbbbbbbb", 12) == 0;
    assert_memory_equal(data + 12, "bbbb", 4); /* nothing stands behind these yet */
    memory_free(data);
    return is_whole ? LOG_WHOLE : LOG_CHANGED;
}

static void rot_damages_synced_data_and_can_be_mended(void **state) {
    (void)state;
    unsigned seen[LOG_LOOK_COUNT] = {0}, seen_later[LOG_LOOK_COUNT] = {0};
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct world world;
        world_init(&world, seed);
        make_log(&world);
        assert_true(sim_disk_rot(world.sim, "wal", &world.random));
        seen[look_at_log(&world)]++;
        for (unsigned i = 0; i < 4; i++)
            look_at_log(&world);
        seen_later[look_at_log(&world)]++;
        sim_disk_mend(world.sim);
        assert_int_equal(look_at_log(&world), LOG_WHOLE);
        world_release(&world);
    }
    assert_int_equal(seen[LOG_WHOLE], 0);
    assert_true(seen[LOG_UNREADABLE] > 0 && seen[LOG_CHANGED] > 0);
    assert_true(seen_later[LOG_UNREADABLE] > 0 && seen_later[LOG_WHOLE] > 0);
    assert_int_equal(seen_later[LOG_CHANGED], seen[LOG_CHANGED]);
}

static void what_is_written_again_can_be_read(void **state) {
    (void)state;
    unsigned unreadable = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct world world;
        world_init(&world, seed);
        make_log(&world);
        assert_true(sim_disk_rot(world.sim, "wal", &world.random));
        unreadable += look_at_log(&world) == LOG_UNREADABLE;
        put(&world, "wal-01", "aaaabbbbbbbb", true);
        assert_int_equal(look_at_log(&world), LOG_WHOLE);
        assert_true(sim_disk_has_shed_rot(world.sim));
        world_release(&world);
    }
    assert_true(unreadable > 0);
}

static void writes_fail_once_or_for_a_while(void **state) {
    (void)state;
    struct world world;
    struct disk_file *file;
    world_init(&world, 1);
    put(&world, "a", "text", true);
    assert_int_equal(world.disk->ops->open(world.disk, "a", DISK_OPEN_WRITE, &file), 0);
    world.power.write_failure_at_call = world.power.call_count + 2;
    assert_int_equal(world.disk->ops->sync(file), 0);
    assert_int_equal(world.disk->ops->write(file, 0, BYTES_LITERAL("other")), ERR_IO);
    assert_true(world.power.has_failed);
    assert_int_equal(world.disk->ops->write(file, 0, BYTES_LITERAL("other")), 0);
    world.power.writes_fail_until_us = 1000;
    assert_int_equal(world.disk->ops->write(file, 0, BYTES_LITERAL("third")), ERR_IO);
    assert_int_equal(world.disk->ops->sync(file), ERR_IO);
    assert_int_equal(world.disk->ops->preallocate(file, 100), ERR_IO);
    assert_int_equal(world.disk->ops->rename(world.disk, "a", "b"), ERR_IO);
    assert_int_equal(world.disk->ops->remove(world.disk, "a"), ERR_IO);
    assert_int_equal(world.disk->ops->sync_directory(world.disk), ERR_IO);
    world.queue.now_us = 1000;
    assert_int_equal(world.disk->ops->write(file, 0, BYTES_LITERAL("third")), 0);
    assert_int_equal(world.disk->ops->sync(file), 0);
    world.disk->ops->close(file);
    world_release(&world);
}

static void rot_spares_what_was_written_again_last(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 1);
    put(&world, "wal-01", "aaaa", true);
    assert_int_equal(world.disk->ops->sync_directory(world.disk), 0);
    struct disk_file *file;
    assert_int_equal(world.disk->ops->open(world.disk, "wal-01", DISK_OPEN_WRITE, &file), 0);
    assert_int_equal(world.disk->ops->write(file, 0, BYTES_LITERAL("bbbbbbbb")), 0);
    assert_int_equal(world.disk->ops->sync(file), 0);
    world.disk->ops->close(file);
    assert_false(sim_disk_rot(world.sim, "wal", &world.random));
    world_release(&world);
}

/* A segment that is used again begins with nothing behind its first round, whatever its former life
 * wrote further on. */
static void rot_spares_the_first_round_of_a_used_segment(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 1);
    put(&world, "wal-spare-01", "aaaaaaaa", true);
    struct disk_file *file;
    assert_int_equal(world.disk->ops->open(world.disk, "wal-spare-01", DISK_OPEN_WRITE, &file), 0);
    assert_int_equal(world.disk->ops->write(file, 8, BYTES_LITERAL("aaaaaaaa")), 0);
    assert_int_equal(world.disk->ops->sync(file), 0);
    assert_int_equal(world.disk->ops->rename(world.disk, "wal-spare-01", "wal-02"), 0);
    assert_int_equal(world.disk->ops->sync_directory(world.disk), 0);
    assert_int_equal(world.disk->ops->write(file, 0, BYTES_LITERAL("bbbb")), 0);
    assert_int_equal(world.disk->ops->sync(file), 0);
    world.disk->ops->close(file);
    assert_false(sim_disk_rot(world.sim, "wal", &world.random));
    world_release(&world);
}

RUN_TESTS(cmocka_unit_test(what_was_synced_survives),
          cmocka_unit_test(what_was_not_synced_survives_wholly_partly_or_not),
          cmocka_unit_test(a_process_leaves_what_it_wrote),
          cmocka_unit_test(the_power_fails_at_the_call_asked_for),
          cmocka_unit_test(jobs_of_a_lane_report_in_order),
          cmocka_unit_test(rot_damages_synced_data_and_can_be_mended),
          cmocka_unit_test(what_is_written_again_can_be_read),
          cmocka_unit_test(writes_fail_once_or_for_a_while),
          cmocka_unit_test(rot_spares_what_was_written_again_last),
          cmocka_unit_test(rot_spares_the_first_round_of_a_used_segment))
