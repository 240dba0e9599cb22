#include "place.h"
#include "base/check.h"
#include "base/memory.h"
#include <stdlib.h>
#include <unistd.h>

struct disk *place_open(const char *path, uv_loop_t *loop) {
    struct disk *disk;
    struct disk_real_problem problem;
    int status = disk_real_open(path, loop, &disk, &problem);
    if (status)
        print_message("%s\n", problem.text);
    assert_int_equal(status, 0);
    return disk;
}

int place_set_up(void **state) {
    struct place *place = memory_allocate_zeroed(1, sizeof *place);
    strcpy(place->parent, "/tmp/trothdb-test-disk-XXXXXX");
    CHECK(mkdtemp(place->parent) != NULL);
    snprintf(place->path, sizeof place->path, "%s/a/b", place->parent);
    CHECK(uv_loop_init(&place->loop) == 0);
    place->disk = place_open(place->path, &place->loop);
    *state = place;
    return 0;
}

int place_set_up_ring(void **state) {
    struct disk_real_problem problem;
    place_set_up(state);
    struct place *place = *state;
    place->has_ring = disk_real_start_ring(place->disk, &problem) == 0;
    if (!place->has_ring)
        print_message("%s\n", problem.text);
    return 0;
}

void place_remove(const char *path) {
    char name[320];
    snprintf(name, sizeof name, "%s/LOCK", path);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(rmdir(path), 0);
}

static void remove_listed(void *context, const char *name) {
    struct disk *disk = context;
    CHECK(disk->ops->remove(disk, name) == 0);
}

int place_tear_down(void **state) {
    struct place *place = *state;
    CHECK(place->disk->ops->list(place->disk, remove_listed, place->disk) == 0);
    disk_real_close(place->disk);
    uv_run(&place->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&place->loop) == 0);
    char name[128];
    snprintf(name, sizeof name, "%s/LOCK", place->path);
    unlink(name);
    rmdir(place->path);
    snprintf(name, sizeof name, "%s/a", place->parent);
    rmdir(name);
    CHECK(rmdir(place->parent) == 0);
    memory_free(place);
    return 0;
}
