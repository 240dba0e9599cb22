/* Members in the order of their UUIDs: short sorted runs, themselves in order (a B+ tree of two
 * levels), so that adding and removing one of ten thousand moves a few hundred bytes, however the
 * UUIDs are spread. For comparing ranges; what is looked up is looked up in index.h. Runs hold
 * members' seats (seats.h), so that all functions take the array of members that these are in.
 *
 *     runs     [ 00..1f ]  [ 20..7b ]  [ 7c..ff ]
 *                  |           |           |
 *              00 0a 1f    20 4c 7b     7c ff      at most ORDER_RUN_MAXIMUM; a full one splits
 */
#pragma once
#include "gossip/terms/member.h"

struct member;
struct order_run;

struct order {
    struct order_run **runs; /* none is empty */
    /* Each run's least UUID that could be in it; the first's is zeros. */
    uint8_t (*froms)[GOSSIP_UUID_BYTES];
    size_t run_count, run_capacity;
};

/* A place between two members. */
struct order_cursor {
    const struct order *order;
    struct member *const *members;
    size_t run, at;
};

/* Whose UUID is not there yet. */
void order_add(struct order *order, struct member *const *members, const struct member *member);
void order_remove(struct order *order, struct member *const *members, const struct member *member);
/* Each seat has another number now. */
void order_renumber(struct order *order, const uint16_t *numbers);
void order_release(struct order *order);
/* Before the first member that is not before `uuid`. */
struct order_cursor order_from(const struct order *order, struct member *const *members,
                               const uint8_t uuid[GOSSIP_UUID_BYTES]);
/* The member behind the cursor; NULL at the end. Valid until the order changes. */
struct member *order_peek(const struct order_cursor *cursor);
void order_step(struct order_cursor *cursor);
