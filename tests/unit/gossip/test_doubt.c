/* Which suspects a ping asks about, and what is said against an accusation. */
#include "../unit.h"
#include "gossip/detect/doubt.h"
#include "gossip/detect/record.h"
#include "gossip/instance/roster.h"
#include "made_up.h"

enum { SUSPECTS = 5, ASKED_ABOUT = 2 };

static void name_it(unsigned number, uint8_t uuid[GOSSIP_UUID_BYTES]) {
    memset(uuid, 0xcc, GOSSIP_UUID_BYTES);
    uuid[0] = (uint8_t)number;
}

static struct world *world_with_members(unsigned count) {
    struct world *world = world_new(1);
    world_add(world);
    made_up_announce(world, 1, count, name_it);
    return world;
}

static struct member *made_up_member(const struct gossip *gossip, unsigned number) {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    name_it(number, uuid);
    struct member *member = member_find(gossip, uuid);
    assert_non_null(member);
    return member;
}

/* Never more than there is room for, each in its turn, and never the one that is asked. */
static void test_suspects_take_turns(void **state) {
    (void)state;
    struct world *world = world_with_members(SUSPECTS);
    struct gossip *gossip = world->nodes[1].gossip;
    unsigned chosen[SUSPECTS] = {0};
    for (unsigned i = 0; i < SUSPECTS; i++)
        record_declare(gossip, made_up_member(gossip, i), GOSSIP_SUSPECT);
    const struct member *asked = made_up_member(gossip, 0);
    for (unsigned turn = 0; turn < 2 * SUSPECTS; turn++) {
        const struct member *out[SUSPECTS + 1] = {NULL};
        assert_int_equal(doubt_choose(gossip, asked, ASKED_ABOUT, out), ASKED_ABOUT);
        assert_null(out[ASKED_ABOUT]);
        for (unsigned i = 0; i < ASKED_ABOUT; i++)
            chosen[out[i]->shown.who->uuid[0]]++;
    }
    assert_int_equal(chosen[0], 0);
    for (unsigned i = 1; i < SUSPECTS; i++)
        assert_in_range(chosen[i], 2 * ASKED_ABOUT, 3 * ASKED_ABOUT);
    world_free(world);
}

/* Is anything said to who believes that of member 0, in a message with `count` such records? */
static size_t contradicted(struct gossip *gossip, enum gossip_member_state believed,
                           uint64_t incarnation, unsigned count, size_t wanted) {
    struct codec_wire wire = {.version = 0};
    struct codec_writer writer;
    struct codec_message message;
    const struct member *out[SUSPECTS + 1];
    codec_writer_init(&writer);
    codec_begin(&writer, &wire, CODEC_NEWS, (const uint8_t[GOSSIP_UUID_BYTES]){0xee}, 1);
    assert_true(codec_list_begin(&writer, CODEC_SECTION_RECORDS));
    for (unsigned i = 0; i < count; i++) {
        struct codec_record record;
        member_record(made_up_member(gossip, i), &record);
        record.state = believed;
        record.incarnation = incarnation;
        assert_true(codec_write_record(&writer, &record));
    }
    codec_list_end(&writer);
    assert_int_equal(codec_decode(&message, buffer_bytes(&writer.buffer)), 0);
    size_t found = doubt_contradicted(gossip, &message, wanted, out);
    codec_writer_release(&writer);
    return found;
}

/* Only an accusation is answered, and only by who knows something newer; what is as new is what the
 * other knows as well. */
static void test_who_knows_nothing_newer_says_nothing(void **state) {
    (void)state;
    struct world *world = world_with_members(SUSPECTS);
    struct gossip *gossip = world->nodes[1].gossip;
    for (unsigned i = 0; i < SUSPECTS; i++) {
        struct codec_record record;
        struct member *member = made_up_member(gossip, i);
        member_record(member, &record);
        record.state = GOSSIP_SUSPECT;
        record.incarnation = 5;
        record_hear(gossip, member, &record, true);
    }
    assert_int_equal(contradicted(gossip, GOSSIP_SUSPECT, 4, 1, 1), 1);
    assert_int_equal(contradicted(gossip, GOSSIP_DEAD, 4, 1, 1), 1);
    assert_int_equal(contradicted(gossip, GOSSIP_ALIVE, 4, 1, 1), 0);
    assert_int_equal(contradicted(gossip, GOSSIP_SUSPECT, 5, 1, 1), 0);
    assert_int_equal(contradicted(gossip, GOSSIP_SUSPECT, 6, 1, 1), 0);
    assert_int_equal(contradicted(gossip, GOSSIP_DEAD, 5, 1, 1), 0);
    assert_int_equal(contradicted(gossip, GOSSIP_SUSPECT, 4, SUSPECTS, SUSPECTS), SUSPECTS);
    assert_int_equal(contradicted(gossip, GOSSIP_SUSPECT, 4, SUSPECTS, ASKED_ABOUT), ASKED_ABOUT);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_suspects_take_turns),
          cmocka_unit_test(test_who_knows_nothing_newer_says_nothing))
