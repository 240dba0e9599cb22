#include "member/member_changes.h"
#include "base/containers/table.h"
#include "member/member_view.h"

void member_changes_init(struct member_changes *changes) {
    *changes = (struct member_changes){.waiting = table_new()};
}

void member_changes_release(struct member_changes *changes) { table_free(changes->waiting); }

static void changes_add(struct member_changes *changes, const struct gossip_member *member) {
    table_put(changes->waiting, bytes_of(member->who->uuid, GOSSIP_UUID_BYTES), changes);
}

void member_changes_note(struct member_changes *changes, const struct gossip_actions *actions) {
    for (size_t i = 0; i < actions->change_count; i++)
        changes_add(changes, actions->changes[i].member);
}

static void changes_add_all(struct member_changes *changes, const struct gossip *gossip) {
    table_free(changes->waiting);
    changes->waiting = table_new();
    for (size_t i = 0; i < gossip_member_count(gossip); i++)
        changes_add(changes, gossip_member_at(gossip, i));
}

static void changes_add_heard(struct member_changes *changes, const struct gossip *gossip) {
    for (size_t i = 0; i < gossip_member_count(gossip); i++) {
        const struct gossip_member *member = gossip_member_at(gossip, i);
        if (member->contact->heard_us > changes->heard_us)
            changes_add(changes, member);
    }
}

/* At the start, and after somebody was forgotten. */
static bool changes_are_whole(struct member_changes *changes, const struct gossip *gossip) {
    struct gossip_counters counters;
    gossip_counters(gossip, &counters);
    bool is_whole = !changes->is_begun || counters.members_forgotten != changes->forgotten;
    changes->is_begun = true;
    changes->forgotten = counters.members_forgotten;
    return is_whole;
}

static void changes_write(struct member_changes *changes, const struct gossip *gossip,
                          struct member_view_writer *writer) {
    size_t position = 0;
    struct bytes uuid;
    void *value;
    while (table_walk(changes->waiting, &position, &uuid, &value)) {
        const struct gossip_member *member = gossip_member_of(gossip, uuid.data);
        if (member != NULL && !member_view_write(writer, gossip, member))
            return;
        table_remove(changes->waiting, uuid);
    }
}

bool member_changes_take(struct member_changes *changes, const struct gossip *gossip,
                         uint64_t now_us, struct buffer *out) {
    bool is_whole = changes_are_whole(changes, gossip);
    if (is_whole)
        changes_add_all(changes, gossip);
    else if (now_us - changes->heard_us >= MEMBER_HEARD_PAUSE_US) {
        changes_add_heard(changes, gossip);
        changes->heard_us = now_us;
    }
    struct member_view_writer writer;
    member_view_write_begin(&writer, is_whole, MEMBER_VIEW_BYTES_MAXIMUM);
    changes_write(changes, gossip, &writer);
    member_view_write_end(&writer, out);
    return table_count(changes->waiting) > 0;
}
