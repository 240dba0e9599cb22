/* A real disk in a directory of its own under the system's temporary one. */
#pragma once
#include "../unit.h"

#include "io/real/real_disk.h"
#include <uv.h>

struct place {
    bool has_ring; /* plain writes go through an io_uring */
    char parent[64];
    char path[96]; /* of the disk, below `parent` */
    uv_loop_t loop;
    struct disk *disk;
};

/* Which must succeed. Its owner closes it. */
struct disk *place_open(const char *path, uv_loop_t *loop);
/* Of a disk that is closed, and empty but for its lock. */
void place_remove(const char *path);

int place_set_up(void **state);
/* The same disk, where plain writes go through an io_uring, if the kernel has one to give. */
int place_set_up_ring(void **state);
int place_tear_down(void **state);

#define ON_A_DISK(test) cmocka_unit_test_setup_teardown(test, place_set_up, place_tear_down)
/* By its thread, and by io_uring. */
#define ON_BOTH(test)                                                                              \
    {"thread: " #test, test, place_set_up, place_tear_down, NULL}, {                               \
        "io_uring: " #test, test, place_set_up_ring, place_tear_down, NULL                         \
    }
