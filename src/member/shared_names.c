#include "member/shared_names.h"
#include "base/memory.h"
#include <stdlib.h>

static int compare_names(const void *a, const void *b) {
    const char *const *one = a, *const *other = b;
    return strcmp(*one, *other);
}

void shared_names_init(struct shared_names *shared, const struct gossip *gossip) {
    size_t all = gossip_member_count(gossip);
    *shared = (struct shared_names){.names = memory_allocate(all * sizeof *shared->names)};
    for (size_t i = 0; i < all; i++) {
        const struct gossip_member *member = gossip_member_at(gossip, i);
        if (gossip_state_is_live(member->state) && member->who->name[0] != 0)
            shared->names[shared->count++] = member->who->name;
    }
    qsort(shared->names, shared->count, sizeof *shared->names, compare_names);
}

void shared_names_release(struct shared_names *shared) { memory_free(shared->names); }

/* Is the name at this place its neighbour's as well? */
static bool is_shared(const struct shared_names *shared, size_t at) {
    const char *name = shared->names[at];
    return (at > 0 && strcmp(shared->names[at - 1], name) == 0) ||
           (at + 1 < shared->count && strcmp(shared->names[at + 1], name) == 0);
}

bool shared_names_has(const struct shared_names *shared, const struct gossip_member *member) {
    const char *name = member->who->name;
    if (!gossip_state_is_live(member->state) || shared->count == 0)
        return false;
    const char **found =
        bsearch(&name, shared->names, shared->count, sizeof *shared->names, compare_names);
    return found != NULL && is_shared(shared, (size_t)(found - shared->names));
}

size_t shared_names_count(const struct shared_names *shared) {
    size_t count = 0;
    for (size_t i = 0; i < shared->count; i++)
        count += is_shared(shared, i);
    return count;
}
