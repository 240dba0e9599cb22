#include "gossip/sync/serving.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "gossip/instance/bucket.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/members/chain.h"
#include "gossip/members/member.h"
#include "gossip/sync/digest.h"
#include "gossip/sync/filling.h"
#include "gossip/sync/joining.h"
#include "gossip/sync/message.h"
#include "gossip/sync/sync_room.h"
#include "gossip/sync/walk.h"

enum serving_part { SERVING_RECORDS, SERVING_ENTRIES, SERVING_HASH, SERVING_DONE };

struct serving {
    struct list link;
    uint64_t stream; /* the owner's number */
    uint8_t asker[GOSSIP_UUID_BYTES];
    struct buffer request;
    enum serving_part part;
    uint8_t next[GOSSIP_UUID_BYTES]; /* with whom the next piece begins */
    uint64_t generation, version;    /* of whom entries are told up to here; 0: of nobody */
    bool has_room;
    uint64_t silent_us, end_us;
};

static struct serving *serving_at(struct list *link) {
    return LIST_ELEMENT(link, struct serving, link);
}

static struct serving *serving_find(struct gossip *gossip, uint64_t stream) {
    LIST_EACH (&gossip->sync->servings, link)
        if (serving_at(link)->stream == stream)
            return serving_at(link);
    return NULL;
}

static void serving_remove(struct gossip *gossip, struct serving *serving,
                           enum gossip_stream_outcome outcome) {
    gossip->counters.streams_served[outcome]++;
    gossip->counters.streams_serving--;
    list_remove(&serving->link);
    buffer_release(&serving->request);
    memory_free(serving);
    gossip_shrink(gossip);
}

void serving_free(struct gossip *gossip) {
    LIST_EACH (&gossip->sync->servings, link)
        serving_remove(gossip, serving_at(link), GOSSIP_STREAM_FAILED);
}

/* Offers. */

/* The offer to that member that still keeps a place; or one whose place is free. NULL: none. */
static struct stream_offer *offer_for(struct gossip *gossip,
                                      const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    struct stream_offer *free = NULL;
    size_t kept = 0;
    for (size_t i = 0; i < GOSSIP_STREAMS_SERVED_MAXIMUM; i++) {
        struct stream_offer *offer = &gossip->sync->offers[i];
        bool is_kept = offer->until_us > gossip->now_us;
        if (is_kept && memcmp(offer->uuid, uuid, GOSSIP_UUID_BYTES) == 0)
            return offer;
        kept += is_kept;
        free = is_kept ? free : offer;
    }
    bool is_full = gossip->counters.streams_serving + kept >= gossip->timing.streams_served;
    return is_full && !PLANTED(GOSSIP_STREAMS_UNCAPPED) ? NULL : free;
}

bool serving_offer(struct gossip *gossip, const struct gossip_address *to,
                   const struct codec_message *message) {
    struct stream_offer *offer = offer_for(gossip, message->sender);
    if (offer == NULL && digest_is_newcomers(message)) {
        digest_refer(gossip, to);
        return true;
    }
    if (offer == NULL || offer->until_us > gossip->now_us)
        return offer != NULL; /* it has been told already */
    memcpy(offer->uuid, message->sender, GOSSIP_UUID_BYTES);
    offer->until_us = gossip->now_us + SERVING_OFFER_US;
    struct codec_record self;
    member_record(gossip->self, &self);
    gossip_begin(gossip, CODEC_FILL, member_find(gossip, message->sender));
    codec_write_stream(gossip->writer);
    codec_write_range(gossip->writer, message->first, message->last);
    CHECK(codec_list_begin(gossip->writer, CODEC_SECTION_RECORDS));
    CHECK(codec_write_record(gossip->writer, &self)); /* it may not know yet whom to ask */
    codec_list_end(gossip->writer);
    gossip_send(gossip, to);
    return true;
}

/* Pieces. */

/* From `next` on, what `add` writes of each member; where it stops is noted. True: that was all. */
static bool serving_fill(struct serving *serving, const struct codec_message *message,
                         struct filling *filling,
                         void (*add)(struct filling *filling, const struct member *member,
                                     const struct codec_digest *known)) {
    struct walk walk = walk_from(filling->gossip, message, serving->next);
    const struct codec_digest *theirs;
    struct member *ours;
    while (walk_next(&walk, &theirs, &ours)) {
        if (!walk_is_for_them(theirs, ours))
            continue;
        const struct gossip_identity *who = ours->shown.who;
        bool is_amid = serving->generation == who->generation && serving->version > 0 &&
                       memcmp(serving->next, who->uuid, GOSSIP_UUID_BYTES) == 0 &&
                       member_is_live(ours) && chain_is_whole(ours->chain);
        filling->version = 0;
        if (is_amid)
            filling_add_above(filling, ours, serving->version);
        else
            add(filling, ours, theirs ? theirs : &walk_nothing);
        if (!filling->is_full)
            continue;
        memcpy(serving->next, who->uuid, GOSSIP_UUID_BYTES);
        serving->generation = who->generation;
        serving->version = filling->version;
        return false;
    }
    memcpy(serving->next, message->first, GOSSIP_UUID_BYTES);
    serving->version = 0;
    return true;
}

static void serving_write(struct serving *serving, const struct codec_message *message,
                          struct filling *filling) {
    if (serving->part == SERVING_RECORDS &&
        serving_fill(serving, message, filling, filling_add_record))
        serving->part = SERVING_ENTRIES;
    if (serving->part == SERVING_ENTRIES && !filling->is_full &&
        serving_fill(serving, message, filling, filling_add_entries))
        serving->part = SERVING_HASH;
    filling_flush(filling);
}

static void serving_give(struct gossip *gossip, const struct serving *serving) {
    struct bytes piece = sending_packed(gossip, GOSSIP_STREAM_MESSAGE_MAXIMUM);
    struct gossip_stream_action give = {.kind = GOSSIP_STREAM_GIVE, .stream = serving->stream};
    CHECK(piece.length > 0);
    bucket_spend(gossip, piece.length);
    gossip->counters.stream_bytes_sent += piece.length;
    gossip_stream(gossip, &give, piece);
}

static void serving_end(struct gossip *gossip, uint64_t stream,
                        enum gossip_stream_outcome outcome) {
    struct gossip_stream_action end = {
        .kind = GOSSIP_STREAM_END, .stream = stream, .outcome = outcome};
    gossip_stream(gossip, &end, BYTES_NONE);
}

/* One piece; or the end, where there is no more. */
static void serving_go_on(struct gossip *gossip, struct serving *serving) {
    struct codec_message message;
    CHECK(codec_decode(&message, buffer_bytes(&serving->request)) == 0);
    struct filling filling = filling_piece_for(gossip, member_find(gossip, message.sender));
    serving_write(serving, &message, &filling);
    bool is_written = filling.is_open;
    if (!is_written && serving->part == SERVING_HASH) {
        is_written = joining_write_whole(gossip, &message);
        serving->part = SERVING_DONE;
    }
    serving->has_room = false;
    serving->silent_us = gossip->now_us + SERVING_SILENCE_US;
    if (is_written) {
        serving_give(gossip, serving);
        return;
    }
    serving_end(gossip, serving->stream, GOSSIP_STREAM_DONE);
    serving_remove(gossip, serving, GOSSIP_STREAM_DONE);
}

/* Asking. */

/* A DIGEST of another member, in its present life, that did not come before. */
static bool serving_read(struct gossip *gossip, struct bytes request,
                         struct codec_message *message) {
    const struct gossip_identity *self = gossip->self->shown.who;
    if (request.length > GOSSIP_STREAM_MESSAGE_MAXIMUM || codec_decode(message, request) != 0 ||
        message->kind != CODEC_DIGEST ||
        memcmp(message->sender, self->uuid, GOSSIP_UUID_BYTES) == 0) {
        gossip->counters.malformed++;
        return false;
    }
    return message_judge(gossip, message) == REPLAY_NEW && message_hear(gossip, message);
}

/* There is no place for this one; a newcomer is told of others to ask. */
static void serving_refuse(struct gossip *gossip, uint64_t stream,
                           const struct codec_message *message) {
    gossip->counters.streams_served[GOSSIP_STREAM_BUSY]++;
    if (digest_is_newcomers(message)) {
        struct serving refused = {.stream = stream};
        digest_write_referral(gossip);
        serving_give(gossip, &refused);
    }
    serving_end(gossip, stream, GOSSIP_STREAM_BUSY);
}

static void serving_begin(struct gossip *gossip, uint64_t stream, struct bytes request,
                          const struct codec_message *message) {
    struct serving *serving = memory_allocate_zeroed(1, sizeof *serving);
    *serving = (struct serving){.stream = stream,
                                .has_room = true,
                                .silent_us = gossip->now_us + SERVING_SILENCE_US,
                                .end_us = gossip->now_us + gossip->timing.stream_limit_us};
    buffer_init(&serving->request, GOSSIP_STREAM_MESSAGE_MAXIMUM);
    buffer_append_bytes(&serving->request, request);
    memcpy(serving->asker, message->sender, GOSSIP_UUID_BYTES);
    memcpy(serving->next, message->first, GOSSIP_UUID_BYTES);
    list_append(&gossip->sync->servings, &serving->link);
    gossip->counters.streams_serving++;
}

void serving_asked(struct gossip *gossip, uint64_t stream, struct bytes request) {
    struct codec_message message;
    CHECK(serving_find(gossip, stream) == NULL);
    if (!serving_read(gossip, request, &message)) {
        gossip->counters.streams_served[GOSSIP_STREAM_FAILED]++;
        serving_end(gossip, stream, GOSSIP_STREAM_FAILED);
        return;
    }
    for (size_t i = 0; i < GOSSIP_STREAMS_SERVED_MAXIMUM; i++)
        if (memcmp(gossip->sync->offers[i].uuid, message.sender, GOSSIP_UUID_BYTES) == 0)
            gossip->sync->offers[i].until_us = 0; /* it has come */
    digest_note_self(gossip, &message);
    bool is_full = gossip->counters.streams_serving >= gossip->timing.streams_served;
    if (is_full && !PLANTED(GOSSIP_STREAMS_UNCAPPED))
        serving_refuse(gossip, stream, &message);
    else
        serving_begin(gossip, stream, request, &message);
}

void serving_room(struct gossip *gossip, uint64_t stream) {
    struct serving *serving = serving_find(gossip, stream);
    if (serving == NULL)
        return;
    serving->has_room = true;
    serving->silent_us = gossip->now_us + SERVING_SILENCE_US;
}

void serving_gone(struct gossip *gossip, uint64_t stream) {
    struct serving *serving = serving_find(gossip, stream);
    if (serving != NULL)
        serving_remove(gossip, serving, GOSSIP_STREAM_FAILED);
}

/* When something is to be done about it, if nothing comes. */
static uint64_t serving_due_us(const struct gossip *gossip, const struct serving *serving) {
    uint64_t due_us = serving->silent_us;
    if (serving->has_room)
        due_us = gossip->now_us + bucket_wait_us(gossip, BUCKET_COMPARISON);
    return earlier(due_us, serving->end_us);
}

uint64_t serving_deadline_us(const struct gossip *gossip) {
    uint64_t deadline_us = GOSSIP_NEVER;
    LIST_EACH (&gossip->sync->servings, link)
        deadline_us = earlier(deadline_us, serving_due_us(gossip, serving_at(link)));
    return deadline_us;
}

void serving_run(struct gossip *gossip) {
    LIST_EACH (&gossip->sync->servings, link) {
        struct serving *serving = serving_at(link);
        const struct member *asker = member_find(gossip, serving->asker);
        bool is_silent = !serving->has_room && gossip->now_us >= serving->silent_us;
        bool is_dead = asker != NULL && !member_is_live(asker);
        if (is_silent || is_dead || gossip->now_us >= serving->end_us) {
            serving_end(gossip, serving->stream, GOSSIP_STREAM_FAILED);
            serving_remove(gossip, serving, GOSSIP_STREAM_FAILED);
        } else if (serving->has_room && bucket_admits(gossip, BUCKET_COMPARISON)) {
            serving_go_on(gossip, serving);
        }
    }
}
