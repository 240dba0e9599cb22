/* Digests of more members than surely fit into one answer: they are sent from one by lot on to the
 * end, and from the beginning to just before that one, so that nobody is left out. */
#include "../unit.h"
#include "gossip/detect/detect_room.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/sync/digest.h"
#include "gossip/sync/sync_room.h"
#include "made_up.h"

enum { MADE_UP = 700, TURNS = 200, RANGES_MAXIMUM = 64, MORE_THAN_A_REQUEST = 1500 };

/* They end in bytes of zeros, of ones, and others: just before or behind such a one many bytes
 * differ. Number 0 is the highest UUID there is. */
static void name_awkwardly(unsigned number, uint8_t uuid[GOSSIP_UUID_BYTES]) {
    static const uint8_t ends[] = {0xff, 0, 0x5a};
    memset(uuid, ends[number % 3], GOSSIP_UUID_BYTES);
    if (number == 0)
        return;
    uuid[0] = (uint8_t)(number >> 8);
    uuid[1] = (uint8_t)number;
}

static const struct gossip_address to = {.host = "10.0.0.9", .port = 7000};

struct range {
    uint8_t first[GOSSIP_UUID_BYTES], last[GOSSIP_UUID_BYTES];
};

/* Each begins with the number behind the last of the one before it; behind the highest of all, and
 * behind the last range, the circle begins again. */
static void assert_circle(const struct range *ranges, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint8_t behind[GOSSIP_UUID_BYTES];
        unsigned carry = 1;
        for (size_t byte = GOSSIP_UUID_BYTES; byte > 0; byte--) {
            carry += ranges[i].last[byte - 1];
            behind[byte - 1] = (uint8_t)carry;
            carry >>= 8;
        }
        assert_memory_equal(behind, ranges[(i + 1) % count].first, GOSSIP_UUID_BYTES);
    }
}

/* How many members a DIGEST names; all of them are within its range, in order. */
static size_t members_named(const struct codec_message *message) {
    struct cursor in = cursor_of(message->digests);
    uint8_t lowest[GOSSIP_UUID_BYTES];
    size_t count = 0;
    memcpy(lowest, message->first, sizeof lowest);
    for (; cursor_left(&in) > 0; count++) {
        struct codec_digest digest;
        codec_read_digest(&in, &digest);
        int order = memcmp(digest.uuid, lowest, sizeof lowest);
        assert_true(count == 0 ? order >= 0 : order > 0);
        assert_true(memcmp(digest.uuid, message->last, sizeof lowest) <= 0);
        memcpy(lowest, digest.uuid, sizeof lowest);
    }
    return count;
}

/* Sends all digests once; fills `ranges` with what each says that it covers. Returns how many there
 * are. */
static size_t send_all(struct gossip *gossip, struct range *ranges) {
    struct gossip_actions actions;
    size_t named = 0;
    sending_clear(gossip);
    digest_send(gossip, &to);
    sending_hand_out(gossip, &actions);
    assert_in_range(actions.datagram_count, 1, RANGES_MAXIMUM);
    for (size_t i = 0; i < actions.datagram_count; i++) {
        struct codec_message message;
        assert_int_equal(codec_decode(&message, actions.datagrams[i].bytes), 0);
        assert_int_equal(message.kind, CODEC_DIGEST);
        memcpy(ranges[i].first, message.first, GOSSIP_UUID_BYTES);
        memcpy(ranges[i].last, message.last, GOSSIP_UUID_BYTES);
        named += members_named(&message);
    }
    assert_int_equal(named, gossip_member_count(gossip));
    return actions.datagram_count;
}

/* Wherever it begins, every number is in one range, and every member is named once. */
static void test_from_one_by_lot_all_are_named_once(void **state) {
    (void)state;
    static const uint8_t zeros[GOSSIP_UUID_BYTES];
    struct world *world = world_new(1);
    struct range ranges[RANGES_MAXIMUM];
    unsigned inside = 0;
    world_add(world);
    made_up_announce(world, 1, MADE_UP, name_awkwardly);
    for (unsigned i = 0; i < TURNS; i++) {
        size_t count = send_all(world->nodes[1].gossip, ranges);
        assert_true(count > 2);
        assert_circle(ranges, count);
        inside += memcmp(ranges[0].first, zeros, sizeof zeros) != 0;
    }
    assert_true(inside > TURNS / 2);
    world_free(world);
}

/* Few fit surely: they are sent from the beginning. */
static void test_few_are_sent_from_the_beginning(void **state) {
    (void)state;
    static const uint8_t zeros[GOSSIP_UUID_BYTES];
    struct world *world = world_new(2);
    struct range ranges[RANGES_MAXIMUM];
    world_add(world);
    made_up_announce(world, 1, MADE_UP / 2, name_awkwardly);
    for (unsigned i = 0; i < TURNS; i++) {
        size_t count = send_all(world->nodes[1].gossip, ranges);
        assert_circle(ranges, count);
        assert_memory_equal(ranges[0].first, zeros, sizeof zeros);
    }
    world_free(world);
}

/* How many datagrams of a comparison go out where so many are left; what remains of them is
 * returned. */
static size_t send_part(struct gossip *gossip, unsigned left, unsigned *remaining) {
    static const uint8_t zeros[GOSSIP_UUID_BYTES];
    uint8_t end[GOSSIP_UUID_BYTES];
    struct gossip_actions actions;
    memset(end, 0xff, sizeof end);
    sending_clear(gossip);
    *remaining = digest_send_part(gossip, &to, zeros, end, left);
    sending_hand_out(gossip, &actions);
    return actions.datagram_count;
}

/* Never more datagrams than are left for a comparison, however much there is to say. */
static void test_no_more_than_are_left(void **state) {
    (void)state;
    struct world *world = world_new(3);
    unsigned remaining;
    world_add(world);
    made_up_announce(world, 1, MADE_UP, name_awkwardly);
    struct gossip *gossip = world->nodes[1].gossip;
    size_t all = send_part(gossip, RANGES_MAXIMUM, &remaining);
    assert_true(all > 3);
    assert_int_equal(remaining, RANGES_MAXIMUM - all);
    for (unsigned left = 0; left < all; left++) {
        assert_int_equal(send_part(gossip, left, &remaining), left);
        assert_int_equal(remaining, 0);
    }
    world_free(world);
}

/* What asks for a stream names all members if they fit; otherwise those from the wanted one on, as
 * many as fit. */
static void test_a_request_begins_where_it_is_wanted(void **state) {
    (void)state;
    static const uint8_t zeros[GOSSIP_UUID_BYTES];
    uint8_t wanted[GOSSIP_UUID_BYTES], end[GOSSIP_UUID_BYTES];
    memset(end, 0xff, sizeof end);
    name_awkwardly(MADE_UP / 2, wanted);
    for (unsigned count = MADE_UP; count <= MORE_THAN_A_REQUEST;
         count += MORE_THAN_A_REQUEST - MADE_UP) {
        struct world *world = world_new(4);
        struct codec_message message;
        world_add(world);
        made_up_announce(world, 1, count, name_awkwardly);
        struct gossip *gossip = world->nodes[1].gossip;
        digest_write_request(gossip, wanted);
        struct bytes request = buffer_bytes(&gossip->writer->buffer);
        assert_true(request.length <= GOSSIP_STREAM_MESSAGE_MAXIMUM);
        assert_int_equal(codec_decode(&message, request), 0);
        assert_int_equal(message.kind, CODEC_DIGEST);
        assert_memory_equal(message.first, count == MADE_UP ? zeros : wanted, sizeof wanted);
        assert_memory_equal(message.last, end, sizeof end);
        size_t named = members_named(&message), all = gossip_member_count(gossip);
        assert_true(count == MADE_UP ? named == all : named > all / 2 && named < all);
        assert_true(message.records.length > 0); /* whoever is asked must know who asks */
        world_free(world);
    }
}

/* That digest, from a stranger who compares everything. */
static void write_digest(struct codec_writer *writer, const struct codec_digest *said) {
    static const struct codec_wire wire = {.version = 0};
    static const uint8_t zeros[GOSSIP_UUID_BYTES], stranger[GOSSIP_UUID_BYTES] = {0xee};
    uint8_t end[GOSSIP_UUID_BYTES];
    memset(end, 0xff, sizeof end);
    codec_begin(writer, &wire, CODEC_DIGEST, stranger, 1);
    assert_true(codec_list_begin(writer, CODEC_SECTION_DIGESTS));
    assert_true(codec_write_digest(writer, said));
    codec_list_end(writer);
    codec_write_range(writer, zeros, end);
}

/* Node 1 hears it. */
static void say(struct world *world, const struct codec_digest *said) {
    struct codec_writer writer;
    codec_writer_init(&writer);
    write_digest(&writer, said);
    world_send(world, 1, 1, buffer_bytes(&writer.buffer));
    codec_writer_release(&writer);
}

/* Who is called a suspect in somebody's digest says at once that it lives. */
static void test_who_is_a_suspect_in_a_digest_refutes_it(void **state) {
    (void)state;
    struct world *world = world_new(5);
    const struct gossip *gossip = world_add(world)->gossip;
    struct codec_digest said;
    digest_of(gossip->self, &said);
    said.state = GOSSIP_SUSPECT;
    say(world, &said);
    assert_int_equal(gossip->self->shown.who->incarnation, said.incarnation + 1);
    world_free(world);
}

/* What a digest says of others is not this node's to refute, nor that it is alive itself. But a
 * later life of it is a second process of one UUID, and people are told. */
static void test_a_digest_is_refuted_by_nobody_else(void **state) {
    (void)state;
    struct world *world = world_new(6);
    const struct gossip *gossip = world_add(world)->gossip;
    struct codec_digest own, said;
    digest_of(gossip->self, &own);
    said = own;
    said.state = GOSSIP_SUSPECT;
    said.uuid[GOSSIP_UUID_BYTES - 1] ^= 1;
    say(world, &said);
    said = own;
    said.state = GOSSIP_ALIVE;
    said.incarnation += 5;
    say(world, &said);
    assert_false(gossip->detect->has_warned_of_twin);
    said.generation++;
    say(world, &said);
    assert_true(gossip->detect->has_warned_of_twin);
    assert_int_equal(gossip->self->shown.who->incarnation, own.incarnation);
    assert_int_equal(gossip->counters.refutations, 0);
    world_free(world);
}

/* A digest knows later words of this node in this life than it has said: somebody else says them,
 * or it said them itself before it was restored from a copy. People are told of that as well, and
 * not of what it did say. */
static void test_a_digest_that_knows_more_than_was_said(void **state) {
    (void)state;
    for (unsigned more = 0; more <= 1; more++) {
        struct world *world = world_new(8);
        const struct gossip *gossip = world_add(world)->gossip;
        struct codec_digest said;
        world_set(world, 1, "color", "red");
        digest_of(gossip->self, &said);
        said.state = GOSSIP_ALIVE;
        said.version += more;
        say(world, &said);
        assert_int_equal(gossip->counters.identity_conflicts, more);
        world_free(world);
    }
}

/* Whether node 1 asks who says so for more of it; then for what is newer than it knows itself. */
static bool is_asked_for(struct world *world, const struct codec_digest *said) {
    struct gossip *gossip = world->nodes[1].gossip;
    struct codec_writer writer;
    struct gossip_actions actions;
    unsigned pulls = 0;
    codec_writer_init(&writer);
    write_digest(&writer, said);
    struct gossip_event event = {.kind = GOSSIP_DATAGRAM,
                                 .now_us = world->now_us,
                                 .address = to,
                                 .bytes = buffer_bytes(&writer.buffer)};
    gossip_step(gossip, &event, &actions);
    for (size_t i = 0; i < actions.datagram_count; i++) {
        struct codec_message message;
        struct codec_digest wanted, known = {.generation = 0};
        assert_int_equal(codec_decode(&message, actions.datagrams[i].bytes), 0);
        if (message.kind != CODEC_PULL)
            continue;
        struct cursor in = cursor_of(message.digests);
        const struct member *member = member_find(gossip, said->uuid);
        codec_read_digest(&in, &wanted);
        assert_int_equal(cursor_left(&in), 0);
        if (member != NULL)
            digest_of(member, &known);
        assert_memory_equal(wanted.uuid, said->uuid, sizeof wanted.uuid);
        assert_int_equal(wanted.generation, known.generation);
        assert_int_equal(wanted.version, known.version);
        pulls++;
    }
    codec_writer_release(&writer);
    assert_in_range(pulls, 0, 1);
    return pulls == 1;
}

/* What a digest knows better is asked for, each way in which it may; what it knows as well, or
 * worse, is not, and neither is a death of somebody unknown, nor anything of this node. */
static void test_what_a_digest_knows_better_is_asked_for(void **state) {
    (void)state;
    static const struct {
        struct codec_digest said;
        bool is_better;
    } cases[] = {
        {{.generation = 1}, false},
        {{.generation = 1, .version = 1}, true},
        {{.generation = 1, .floor = 1}, true},
        {{.generation = 1, .incarnation = 1}, true},
        {{.generation = 1, .state = GOSSIP_SUSPECT}, true},
        {{.generation = 1, .state = GOSSIP_DEAD}, true},
        {{.generation = 1, .state = GOSSIP_LEFT}, true},
        {{.generation = 2}, true},
        {{.generation = 0, .incarnation = 9, .state = GOSSIP_LEFT, .version = 9}, false},
    };
    static const bool is_wanted[] = {[GOSSIP_ALIVE] = true,
                                     [GOSSIP_SUSPECT] = true,
                                     [GOSSIP_DEAD] = false,
                                     [GOSSIP_LEFT] = false};
    struct world *world = world_new(8);
    world_add(world);
    made_up_announce(world, 1, 2, name_awkwardly);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct codec_digest said = cases[i].said;
        name_awkwardly(1, said.uuid);
        assert_int_equal(is_asked_for(world, &said), cases[i].is_better);
    }
    for (unsigned i = 0; i < sizeof is_wanted / sizeof *is_wanted; i++) {
        struct codec_digest said = {.generation = 1, .state = (enum gossip_member_state)i};
        name_awkwardly(99, said.uuid);
        assert_int_equal(is_asked_for(world, &said), is_wanted[i]);
    }
    struct codec_digest own;
    digest_of(world->nodes[1].gossip->self, &own);
    own.incarnation += 3;
    assert_false(is_asked_for(world, &own));
    world_free(world);
}

/* Only who compares everything, to the last bit, is taken for a newcomer. */
static void test_a_newcomer_compares_everything(void **state) {
    (void)state;
    struct codec_message message = {.kind = CODEC_DIGEST};
    memset(message.last, 0xff, sizeof message.last);
    assert_true(digest_is_newcomers(&message));
    for (unsigned i = 0; i < GOSSIP_UUID_BYTES; i++) {
        message.first[i] = 1;
        assert_false(digest_is_newcomers(&message));
        message.first[i] = 0;
        message.last[i] = 0xfe;
        assert_false(digest_is_newcomers(&message));
        message.last[i] = 0xff;
    }
    assert_true(digest_is_newcomers(&message));
}

/* How many members a referral names; none twice, and never who refers. */
static size_t others_named(const struct gossip *gossip, const struct codec_message *message) {
    uint8_t named[GOSSIP_REFERRALS + 1][GOSSIP_UUID_BYTES];
    struct cursor in = cursor_of(message->records);
    size_t count = 0;
    while (cursor_left(&in) > 0) {
        struct codec_record record;
        assert_true(count <= GOSSIP_REFERRALS);
        codec_read_record(&in, &message->wire, &record);
        assert_memory_not_equal(record.uuid, gossip->self->shown.who->uuid, sizeof record.uuid);
        for (size_t i = 0; i < count; i++)
            assert_memory_not_equal(record.uuid, named[i], sizeof record.uuid);
        memcpy(named[count++], record.uuid, sizeof record.uuid);
    }
    return count;
}

/* Who cannot be helped is told of a few others whom it can ask, however little may be sent. */
static void test_a_referral_names_a_few_others(void **state) {
    (void)state;
    static const unsigned known[] = {0, 3, 3 * GOSSIP_REFERRALS};
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        struct world *world = world_new(7);
        struct gossip_actions actions;
        struct codec_message message;
        world_add(world);
        made_up_announce(world, 1, known[i], name_awkwardly);
        struct gossip *gossip = world->nodes[1].gossip;
        gossip->timing.bytes_per_second = 1000;
        gossip->bucket.tokens = -1;
        sending_clear(gossip);
        digest_refer(gossip, &to);
        sending_hand_out(gossip, &actions);
        assert_int_equal(actions.datagram_count, 1);
        assert_string_equal(actions.datagrams[0].to.host, to.host);
        assert_int_equal(codec_decode(&message, actions.datagrams[0].bytes), 0);
        assert_int_equal(message.kind, CODEC_FILL);
        assert_int_equal(others_named(gossip, &message),
                         known[i] < GOSSIP_REFERRALS ? known[i] : GOSSIP_REFERRALS);
        assert_int_equal(gossip->counters.referrals, 1);
        world_free(world);
    }
}

RUN_TESTS(cmocka_unit_test(test_from_one_by_lot_all_are_named_once),
          cmocka_unit_test(test_few_are_sent_from_the_beginning),
          cmocka_unit_test(test_no_more_than_are_left),
          cmocka_unit_test(test_a_request_begins_where_it_is_wanted),
          cmocka_unit_test(test_who_is_a_suspect_in_a_digest_refutes_it),
          cmocka_unit_test(test_a_digest_is_refuted_by_nobody_else),
          cmocka_unit_test(test_a_digest_that_knows_more_than_was_said),
          cmocka_unit_test(test_what_a_digest_knows_better_is_asked_for),
          cmocka_unit_test(test_a_newcomer_compares_everything),
          cmocka_unit_test(test_a_referral_names_a_few_others))
