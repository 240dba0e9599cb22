#include "cli/drill/drill_check.h"

#include "base/check.h"
#include "base/memory.h"

void drill_key_init(struct drill_key *key) {
    *key = (struct drill_key){0};
    key->unknown = memory_allocate_zeroed(DRILL_UNKNOWN_MAXIMUM, sizeof(uint64_t));
}

void drill_key_release(struct drill_key *key) { memory_free(key->unknown); }

bool drill_key_note_unknown(struct drill_key *key, uint64_t number) {
    CHECK(key->unknown_count < DRILL_UNKNOWN_MAXIMUM);
    key->unknown[key->unknown_count++] = number;
    return key->unknown_count < DRILL_UNKNOWN_MAXIMUM;
}

static bool is_unknown(const struct drill_key *key, uint64_t number) {
    for (size_t i = 0; i < key->unknown_count; i++)
        if (key->unknown[i] == number)
            return true;
    return false;
}

/* While it runs, what was sent last may be carried out already, and its refusal or its answer be on
 * the way. */
enum drill_verdict drill_check_read(const struct drill_key *key, uint64_t floor, uint64_t found) {
    if (is_unknown(key, found))
        return DRILL_RIGHT;
    if (found > key->attempted)
        return DRILL_INVENTED;
    return found < floor ? DRILL_STALE : DRILL_RIGHT;
}

enum drill_verdict drill_check_final(const struct drill_key *key, uint64_t found) {
    if (found == key->acknowledged || is_unknown(key, found))
        return DRILL_RIGHT;
    return found < key->acknowledged ? DRILL_LOST : DRILL_INVENTED;
}

const char *drill_verdict_text(enum drill_verdict verdict) {
    switch (verdict) {
    case DRILL_RIGHT:
        return "right";
    case DRILL_STALE:
        return "a stale read";
    case DRILL_LOST:
        return "a lost write";
    case DRILL_INVENTED:
        return "a number that was never written";
    }
    UNREACHABLE();
}
