#include "cluster/feature.h"

#include "base/text/number.h"

static const unsigned LEVELS[FEATURE_COUNT] = {
#define FEATURE(name, level, text) [FEATURE_##name] = level,
#include "cluster/feature.def"
#undef FEATURE
};

bool feature_is_on(const struct topology *topology, enum feature feature) {
    return topology->level >= LEVELS[feature];
}

int feature_apply_raise(struct topology *topology, const struct bytes *arguments, size_t count) {
    int64_t level;
    if (count != 2 || !number_parse_i64(arguments[1], &level) || level < 1)
        return ERR_INVALID;
    if (level > FEATURE_LEVEL_NEWEST)
        return ERR_VERSION;
    if (level > topology->level) {
        topology->level = (unsigned)level;
        topology->epoch++;
    }
    return 0;
}
