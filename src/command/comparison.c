#include "command/comparison.h"

#include "base/text/number.h"

static void judge(struct comparisons *comparisons, struct bytes id_text, struct bytes hash_text) {
    const struct comparison *mine = &comparisons->newest;
    int64_t id, hash;
    if (number_parse_i64(id_text, &id) && number_parse_i64(hash_text, &hash) && mine->is_made &&
        mine->id == (uint64_t)id && mine->hash != (uint64_t)hash)
        comparisons->differing = *mine;
}

void comparisons_take(struct comparisons *comparisons, struct bytes id, struct bytes hash,
                      const struct comparison *made) {
    judge(comparisons, id, hash);
    comparisons->newest = *made;
}
