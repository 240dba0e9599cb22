/* What a key of the drill may hold. Its one writer writes ever higher numbers, one at a time:
 *
 *     acknowledged        the last number that was answered
 *     attempted           the highest that was sent, at least that
 *     unknown             numbers whose outcome was never told: carried out, or not, or still to be
 *
 * A number that was refused is carried out never. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DRILL_UNKNOWN_MAXIMUM = 1024 }; /* outcomes never told, of one key; past it the key rests */

struct drill_key {
    uint64_t acknowledged, attempted;
    uint64_t *unknown; /* owned */
    size_t unknown_count;
};

enum drill_verdict {
    DRILL_RIGHT,
    DRILL_STALE,   /* older than what was acknowledged before the read began */
    DRILL_LOST,    /* in the end, older than what was acknowledged */
    DRILL_INVENTED /* a number that nobody can have written, or that was refused */
};

void drill_key_init(struct drill_key *key);
void drill_key_release(struct drill_key *key);
/* False: it is full, and the key is to rest. */
bool drill_key_note_unknown(struct drill_key *key, uint64_t number);
/* A read found `found`; `floor` was acknowledged before it began. */
enum drill_verdict drill_check_read(const struct drill_key *key, uint64_t floor, uint64_t found);
/* Nobody writes any more. */
enum drill_verdict drill_check_final(const struct drill_key *key, uint64_t found);
/* "a stale read"... Static storage. */
const char *drill_verdict_text(enum drill_verdict verdict);
