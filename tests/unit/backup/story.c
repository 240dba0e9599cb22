#include "story.h"
#include "../unit.h"
#include "backup/backup_read.h"
#include "base/memory.h"

const uint8_t STORY_CLUSTER_ID[BACKUP_CLUSTER_BYTES] = {0xab, 1};

/* ---- archiving ---- */

struct archiver *story_new_archiver(struct story *story) {
    struct replica *replica = &story->world->replicas[1];
    struct archiver_options options = {.place = {.shard = WORLD_SHARD, .recovery = story->recovery},
                                       .store = &story->blobs.store,
                                       .disk = &replica->disk->disk,
                                       .clock = &replica->clock,
                                       .log = &replica->log,
                                       .metrics = replica->metrics,
                                       .config = &replica->config,
                                       .sum = &story->sum};
    memcpy(options.place.cluster_id, STORY_CLUSTER_ID, sizeof STORY_CLUSTER_ID);
    return archiver_new(&options);
}

static struct world *new_world(void) {
    struct world *world = world_new(1);
    struct config *config = &world->replicas[1].config;
    world_snapshot_after(world, WORLD_SNAPSHOT_NEVER);
    config->snapshot_chunk_bytes = CHUNK_BYTES;
    config->backup_log_interval_ms = 100;
    config->backup_snapshot_interval_seconds = 1;
    config->backup_keep_seconds = KEEP_SECONDS;
    world_lead(world);
    return world;
}

struct story *story_new(void) {
    struct story *story = memory_allocate_zeroed(1, sizeof *story);
    story->world = new_world();
    fake_blobs_init(&story->blobs);
    story->archiver = story_new_archiver(story);
    return story;
}

void story_lose_all(struct story *story) {
    archiver_drop(story->archiver);
    story_run_jobs(story);
    world_free(story->world);
    story->world = new_world();
}

/* The job's calls of the disk are counted, and no others. */
static int run_job(struct story *story, struct blob_job *job) {
    struct fake_disk *disk = story->world->replicas[1].disk;
    struct disk_fault *fault = &story->disk_fault;
    unsigned before = disk->calls[fault->call], failed = disk->failed_calls;
    fake_disk_fail_call(disk, fault->call, fault->nth);
    int status = job->run(job);
    fake_disk_fail_call(disk, fault->call, 0);
    unsigned made = disk->calls[fault->call] - before;
    if (disk->failed_calls > failed || fault->nth == 0)
        fault->nth = 0;
    else
        fault->nth -= made;
    return status;
}

void story_run_jobs(struct story *story) {
    for (struct blob_job *job; (job = fake_blobs_take_job(&story->blobs));)
        job->done(job, run_job(story, job));
}

void story_free(struct story *story) {
    archiver_drop(story->archiver);
    story_run_jobs(story);
    assert_int_equal(story->sum.job_count, 0);
    assert_int_equal(story->sum.held_bytes, 0);
    fake_blobs_release(&story->blobs);
    world_free(story->world);
    memory_free(story);
}

/* ---- reading ---- */

/* Entries that went before they were archived leave a gap until the snapshot behind it is there. */
static void is_bad(void *context, const char *name, const char *what) {
    if (!*(bool *)context || strstr(what, "what comes before it is missing") == NULL)
        fail_msg("%s: %s", name, what);
}

const struct shard_backup *story_backup(const struct backup_catalogue *catalogue) {
    assert_in_range(catalogue->cluster_count, 0, 1);
    return catalogue->cluster_count ? cluster_backup_shard(&catalogue->clusters[0], WORLD_SHARD)
                                    : NULL;
}

void story_expect_sound(struct story *story, bool may_have_gap) {
    struct backup_reader reader = {.store = &story->blobs.store};
    struct backup_catalogue catalogue;
    story->blobs.is_sound = true;
    assert_int_equal(backup_catalogue_read(reader.store, &catalogue, &reader.problem), 0);
    const struct shard_backup *backup = story_backup(&catalogue);
    if (backup)
        assert_int_equal(backup_check_shard(&reader, backup, is_bad, &may_have_gap), 0);
    backup_catalogue_release(&catalogue);
    story->blobs.is_sound = false;
}

/* ---- the story ---- */

uint64_t story_wall_ms(const struct story *story) {
    struct clock *clock = (struct clock *)(uintptr_t)&story->world->replicas[1].clock;
    return clock->wall_ms(clock);
}

void story_pass(struct story *story, unsigned ms) {
    struct world *world = story->world;
    for (unsigned passed = 0; passed < ms; passed += STEP_MS) {
        world->now_us += (STEP_MS - 20) * 1000;
        world_run(world, 20);
        archiver_applied(story->archiver, world_shard(world, 1));
        archiver_tick(story->archiver, world_shard(world, 1));
        story_run_jobs(story);
        story_expect_sound(story, true);
    }
}

void story_write(struct story *story, unsigned number) {
    struct world *world = story->world;
    char command[32 + VALUE_BYTES];
    struct random random;
    random_init(&random, number);
    size_t length = (size_t)snprintf(command, sizeof command, "SET key%u ", number % KEYS);
    while (length < VALUE_BYTES)
        command[length++] = (char)('!' + random_below(&random, 90));
    command[length] = 0;
    world_write(world, 1, command);
    story->moments[number] = (struct moment){.index = world_applied_index(world, 1),
                                             .hash = world_state_hash(world, 1),
                                             .wall_ms = story_wall_ms(story)};
}

/* Returns how many of them cannot be restored. */
