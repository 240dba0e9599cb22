/* What takes long to free goes bit by bit, some of it each millisecond, of whatever shard it was
 * (keyspace/record/remains.h): so a worker's other shards and clients wait neither for DEL of a
 * large hash nor for FLUSHALL, a replica that is removed, or a state that a snapshot took the place
 * of. */
#pragma once
#include <stdint.h>

struct freeing;
struct remains;
struct worker;

enum {
    FREEING_TURN_US = 1000,
    FREEING_TURN_ELEMENTS = 2048 /* two million a second */
};

struct freeing *freeing_new(void);          /* returns owned */
void freeing_free(struct freeing *freeing); /* and all that is left; after all shards */
struct remains *freeing_remains(struct freeing *freeing); /* borrows */
void freeing_tick(struct worker *worker, uint64_t now_us);
uint64_t freeing_deadline_us(const struct worker *worker);
