#include "member/said_keys.h"
#include "base/error.h"
#include <assert.h>

static const char *const own[] = {
#define MEMBER_SAYS(field, key) key,
#include "member/member_says.def"
#undef MEMBER_SAYS
    GOSSIP_KEY_ZONE, GOSSIP_KEY_COORDINATE};

enum {
    OWN = sizeof own / sizeof *own,
    COUNTED = OWN - 1 /* the core does not count the coordinate, which it says itself */
};
static_assert((int)GOSSIP_USER_KEYS_MAXIMUM + (int)COUNTED <= (int)GOSSIP_KEYS_PER_MEMBER_MAXIMUM,
              "there is always room for what the node says by itself");

bool gossip_key_is_own(struct bytes key) {
    for (size_t i = 0; i < OWN; i++)
        if (bytes_equal(key, bytes_of_text(own[i])))
            return true;
    return false;
}

static size_t count_of_users(const struct gossip *gossip) {
    struct bytes key, value;
    uint64_t version;
    size_t position = 0, count = 0;
    while (gossip_walk_keys(gossip, gossip_member_at(gossip, 0), &position, &key, &value, &version))
        count += !gossip_key_is_own(key);
    return count;
}

int gossip_key_check(const struct gossip *gossip, struct bytes key, struct bytes value,
                     struct buffer *problem) {
    if (key.length > GOSSIP_KEY_MAXIMUM || key.length == 0 || !bytes_are_word(key)) {
        buffer_append_format(problem, "a key is 1 to %d bytes of printable ASCII without spaces",
                             GOSSIP_KEY_MAXIMUM);
        return ERR_INVALID;
    }
    if (gossip_key_is_own(key)) {
        buffer_append_format(problem, "'%.*s' is what the node says by itself; take another key",
                             BYTES_PRINT(key));
        return ERR_REFUSED;
    }
    if (value.length == 0 || value.length > GOSSIP_VALUE_MAXIMUM) {
        buffer_append_format(problem, "the value of '%.*s' has %zu bytes; 1 to %d are allowed",
                             BYTES_PRINT(key), value.length, GOSSIP_VALUE_MAXIMUM);
        return ERR_INVALID;
    }
    bool is_said = gossip_get(gossip, gossip_member_at(gossip, 0), key).length > 0;
    if (!is_said && count_of_users(gossip) >= GOSSIP_USER_KEYS_MAXIMUM) {
        buffer_append_format(problem,
                             "users say %d keys of this node already, and no more are told; "
                             "remove one",
                             GOSSIP_USER_KEYS_MAXIMUM);
        return ERR_LIMIT;
    }
    return 0;
}
