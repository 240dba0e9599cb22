#include "gossip/sync/mending.h"
#include "base/check.h"
#include "gossip/instance/bucket.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/instance/streams.h"
#include "gossip/members/member.h"
#include "gossip/sync/digest.h"
#include "gossip/sync/filling.h"
#include "gossip/sync/joining.h"
#include "gossip/sync/more.h"
#include "gossip/sync/serving.h"
#include "gossip/sync/walk.h"

/* A DIGEST. */

/* Records first, then entries: so each datagram can be full, and whose entries they are is known.
 */
static void mending_fill(struct filling *filling, const struct codec_message *message,
                         void (*add)(struct filling *filling, const struct member *member,
                                     const struct codec_digest *known)) {
    struct walk walk = walk_of(filling->gossip, message);
    const struct codec_digest *theirs;
    struct member *ours;
    while (walk_next(&walk, &theirs, &ours))
        if (walk_is_for_them(theirs, ours))
            add(filling, ours, theirs ? theirs : &walk_nothing);
}

static void mending_answer(struct gossip *gossip, const struct gossip_address *from,
                           const struct codec_message *message) {
    struct filling filling = filling_for(gossip, from, message);
    mending_fill(&filling, message, filling_add_record);
    mending_fill(&filling, message, filling_add_entries);
    filling_flush(&filling);
    if (filling.is_full)
        more_say(gossip, from, message);
}

static bool mending_has_more(const struct codec_digest *theirs, const struct member *member) {
    const struct member_life ours = member_life_of(member), said = member_life_of_digest(theirs);
    if (member_compare_lives(&said, &ours) > 0)
        return true;
    bool is_same_life = theirs->generation == member->shown.who->generation;
    return is_same_life && member_is_live(member) &&
           (theirs->version > member->chain->version || theirs->floor > member->chain->floor);
}

static bool mending_is_wanted(const struct gossip *gossip, const struct codec_digest *theirs,
                              const struct member *ours) {
    if (theirs == NULL || ours == gossip->self)
        return false;
    if (ours != NULL)
        return mending_has_more(theirs, ours);
    return theirs->state == GOSSIP_ALIVE || theirs->state == GOSSIP_SUSPECT;
}

static void mending_ask(struct gossip *gossip, const struct gossip_address *from,
                        const struct codec_message *message) {
    digest_begin(gossip, CODEC_PULL, from);
    CHECK(codec_list_begin(gossip->writer, CODEC_SECTION_DIGESTS));
    size_t wanted = 0;
    struct walk walk = walk_of(gossip, message);
    const struct codec_digest *theirs;
    struct member *ours;
    while (walk_next(&walk, &theirs, &ours)) {
        if (!mending_is_wanted(gossip, theirs, ours))
            continue;
        struct codec_digest known = walk_nothing;
        memcpy(known.uuid, theirs->uuid, GOSSIP_UUID_BYTES);
        if (ours != NULL)
            digest_of(ours, &known);
        wanted += codec_write_digest(
            gossip->writer, &known); /* what does not fit is found by the next comparison */
    }
    codec_list_end(gossip->writer);
    if (wanted > 0)
        gossip_send(gossip, from);
}

/* How much the sender of a DIGEST lacks, in bytes; counted up to the bound. */
static size_t mending_lacking(const struct gossip *gossip, const struct codec_message *message) {
    struct walk walk = walk_of(gossip, message);
    const struct codec_digest *theirs;
    struct member *ours;
    size_t bytes = 0;
    while (bytes < gossip->timing.stream_min_bytes && walk_next(&walk, &theirs, &ours))
        if (walk_is_for_them(theirs, ours))
            bytes += filling_bytes(gossip, ours, theirs ? theirs : &walk_nothing);
    return bytes;
}

void mending_digest(struct gossip *gossip, const struct gossip_address *from,
                    const struct codec_message *message) {
    digest_note_self(gossip, message);
    if (bucket_admits(gossip, BUCKET_COMPARISON)) {
        bool is_much = streams_may_give(gossip, message) &&
                       mending_lacking(gossip, message) >= gossip->timing.stream_min_bytes;
        if (!is_much || !serving_offer(gossip, from, message)) {
            mending_answer(gossip, from, message);
            joining_say_whole(gossip, from, message);
        }
        if (digest_may_ask(gossip))
            mending_ask(gossip, from, message);
    } else if (digest_is_newcomers(message)) {
        digest_refer(gossip, from);
    }
}

/* A PULL. */

static void mending_fill_wanted(struct filling *filling, const struct codec_message *message,
                                void (*add)(struct filling *filling, const struct member *member,
                                            const struct codec_digest *known)) {
    struct cursor in = cursor_of(message->digests);
    struct codec_digest known;
    while (cursor_left(&in) > 0) {
        codec_read_digest(&in, &known);
        const struct member *member = member_find(filling->gossip, known.uuid);
        if (member != NULL)
            add(filling, member, &known);
    }
}

/* From its first digest to its last. */
static void mending_note_range(struct codec_message *message) {
    struct cursor in = cursor_of(message->digests);
    struct codec_digest known;
    for (bool is_first = true; cursor_left(&in) > 0; is_first = false) {
        codec_read_digest(&in, &known);
        if (is_first)
            memcpy(message->first, known.uuid, GOSSIP_UUID_BYTES);
        memcpy(message->last, known.uuid, GOSSIP_UUID_BYTES);
    }
}

/* How much the sender of a PULL lacks. */
static size_t mending_pulled_bytes(const struct gossip *gossip,
                                   const struct codec_message *message) {
    struct cursor in = cursor_of(message->digests);
    struct codec_digest known;
    size_t bytes = 0;
    while (cursor_left(&in) > 0) {
        codec_read_digest(&in, &known);
        const struct member *member = member_find(gossip, known.uuid);
        if (member != NULL)
            bytes += filling_bytes(gossip, member, &known);
    }
    return bytes;
}

void mending_pull(struct gossip *gossip, const struct gossip_address *from,
                  const struct codec_message *message) {
    struct codec_message ranged = *message;
    mending_note_range(&ranged);
    if (streams_may_give(gossip, message) &&
        mending_pulled_bytes(gossip, message) >= gossip->timing.stream_min_bytes &&
        serving_offer(gossip, from, &ranged))
        return;
    struct filling filling = filling_for(gossip, from, message);
    mending_fill_wanted(&filling, message, filling_add_record);
    mending_fill_wanted(&filling, message, filling_add_entries);
    filling_flush(&filling);
    if (filling.is_full)
        more_say(gossip, from, &ranged);
}
