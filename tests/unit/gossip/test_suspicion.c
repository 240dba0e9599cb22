/* How long a suspect has to refute. */
#include "../unit.h"
#include "gossip/detect/detect_room.h"
#include "gossip/detect/record.h"
#include "gossip/detect/suspicion.h"
#include "gossip/instance/roster.h"
#include "gossip/news/news.h"
#include "made_up.h"
#include <math.h>

static void name_it(unsigned number, uint8_t uuid[GOSSIP_UUID_BYTES]) {
    memset(uuid, 0xcc, GOSSIP_UUID_BYTES);
    uuid[0] = (uint8_t)number;
    uuid[1] = (uint8_t)(number >> 8);
}

static struct member *made_up_member(const struct gossip *gossip, unsigned number) {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    name_it(number, uuid);
    struct member *member = member_find(gossip, uuid);
    assert_non_null(member);
    return member;
}

/* Member `accuser` accuses member 0. */
static void accuse(struct gossip *gossip, unsigned accuser) {
    struct member *member = made_up_member(gossip, 0);
    struct codec_record record;
    member_record(member, &record);
    record.state = GOSSIP_SUSPECT;
    name_it(accuser, record.accuser);
    record_hear(gossip, member, &record, true);
}

/* The first `accusers` of those after it do. */
static void accuse_by(struct gossip *gossip, unsigned accusers) {
    for (unsigned i = 1; i <= accusers; i++)
        accuse(gossip, i);
}

/* Node 1, which knows as many as make a cluster of `nodes` with it. */
static struct world *world_of(unsigned nodes) {
    struct world *world = world_new(1);
    world_add(world);
    made_up_announce(world, 1, nodes - 1, name_it);
    assert_int_equal(gossip_member_count(world->nodes[1].gossip), nodes);
    return world;
}

/* Of member 0, in probe intervals. */
static double time_left(const struct gossip *gossip) {
    const struct suspicion *suspicion = suspicion_first(&gossip->detect->open, UINT64_MAX);
    assert_non_null(suspicion);
    double time_us = (double)(suspicion->end.time_us - gossip->now_us);
    return time_us / (double)gossip->timing.probe_interval_us;
}

/* In a cluster of `nodes` of whom so many accuse. */
static double time_to_refute(unsigned nodes, unsigned accusers) {
    struct world *world = world_of(nodes);
    accuse_by(world->nodes[1].gossip, accusers);
    double time = time_left(world->nodes[1].gossip);
    world_free(world);
    return time;
}

/* Where nobody agrees it grows with the cluster. */
static void test_alone_it_takes_long(void **state) {
    (void)state;
    assert_float_equal(time_to_refute(10, 1), 4.0, 0.001);
    assert_float_equal(time_to_refute(1000, 1), 12.0, 0.001);
}

/* Where others agree, it grows from two intervals to two and a half, which hundreds have as well:
 * among thousands news is hardly slower than there. */
static void test_with_others_it_ends_at_two_and_a_half(void **state) {
    (void)state;
    assert_float_equal(time_to_refute(10, 3), 2.0, 0.001);
    assert_float_equal(time_to_refute(100, 3), 7.0 / 3, 0.001);
    assert_float_equal(time_to_refute(400, 3), 2.5, 0.001);
    assert_float_equal(time_to_refute(3000, 3), 2.5, 0.001);
}

/* The first of two confirmations takes most of the time away, by Lifeguard's logarithm; a third one
 * takes nothing. */
static void test_the_first_confirmation_counts_most(void **state) {
    (void)state;
    assert_float_equal(time_to_refute(10, 2), (float)(4 - 2 * log(2) / log(3)), 0.001);
    assert_float_equal(time_to_refute(10, 4), 2.0, 0.001);
}

/* In a cluster too small for two others, as many as there can be bring it down; alone, a node waits
 * as long as one whom nobody confirms. */
static void test_in_a_small_cluster_fewer_are_enough(void **state) {
    (void)state;
    struct world *world = world_of(3); /* node 1, the suspect, and one more */
    accuse(world->nodes[1].gossip, 1);
    assert_float_equal(time_left(world->nodes[1].gossip), 4.0, 0.001);
    accuse(world->nodes[1].gossip, 2); /* who is gone by now, perhaps */
    assert_float_equal(time_left(world->nodes[1].gossip), 2.0, 0.001);
    world_free(world);
    assert_float_equal(time_to_refute(2, 1), 4.0, 0.001);
}

/* However often one says it, it is one. */
static void test_one_accuser_counts_once(void **state) {
    (void)state;
    struct world *world = world_of(10);
    for (unsigned i = 0; i < 5; i++)
        accuse(world->nodes[1].gossip, 1);
    assert_float_equal(time_left(world->nodes[1].gossip), 4.0, 0.001);
    world_free(world);
}

/* Where the factor is set low, agreement halves the time at the most. */
static void test_agreement_halves_a_short_time(void **state) {
    (void)state;
    struct world *world = world_of(10);
    struct gossip_timing timing = world->timing;
    timing.suspicion_factor = 2;
    world_set_timing(world, &timing);
    for (unsigned i = 1; i <= 3; i++)
        accuse(world->nodes[1].gossip, i);
    assert_float_equal(time_left(world->nodes[1].gossip), 1.0, 0.001);
    world_free(world);
}

/* What agreement leaves is set as a share of the probe interval, and is smaller where few are; half
 * of what it is without agreement at the most. */
static void test_the_least_is_set(void **state) {
    (void)state;
    static const struct {
        unsigned nodes, percent;
        double intervals;
    } rows[] = {{400, 250, 2.5}, {400, 100, 1.0}, {400, 500, 5.0},
                {10, 100, 0.8},  {10, 150, 1.2},  {10, 1000, 2.0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world *world = world_of(rows[i].nodes);
        struct gossip_timing timing = world->timing;
        timing.suspicion_least_percent = rows[i].percent;
        gossip_set_timing(world->nodes[1].gossip, &timing);
        accuse_by(world->nodes[1].gossip, 3);
        assert_float_equal(time_left(world->nodes[1].gossip), rows[i].intervals, 0.001);
        world_free(world);
    }
}

/* A node that was in bad health when a suspicion began gives the suspect that much more time. */
static void test_bad_health_gives_more_time(void **state) {
    (void)state;
    struct world *world = world_of(10);
    struct gossip *gossip = world->nodes[1].gossip;
    local_health_change(gossip, 2);
    accuse(gossip, 1);
    assert_float_equal(time_left(gossip), 12.0, 0.001);
    local_health_change(gossip, -2);
    accuse(gossip, 2);
    accuse(gossip, 3);
    assert_float_equal(time_left(gossip), 6.0, 0.001);
    world_free(world);
}

/* Health has a worst and a best. */
static void test_health_is_bounded(void **state) {
    (void)state;
    struct world *world = world_of(2);
    struct gossip *gossip = world->nodes[1].gossip;
    local_health_change(gossip, -1);
    assert_int_equal(gossip->counters.local_health, 0);
    local_health_change(gossip, GOSSIP_LOCAL_HEALTH + 3);
    assert_int_equal(gossip->counters.local_health, GOSSIP_LOCAL_HEALTH);
    local_health_change(gossip, -1);
    assert_int_equal(gossip->counters.local_health, GOSSIP_LOCAL_HEALTH - 1);
    world_free(world);
}

/* Another plane hears the suspect: its time begins anew, and what others have confirmed stays. */
static void test_contact_begins_it_anew(void **state) {
    (void)state;
    struct world *world = world_of(10);
    struct gossip *gossip = world->nodes[1].gossip;
    accuse_by(gossip, 3);
    gossip->now_us += gossip->timing.probe_interval_us;
    assert_float_equal(time_left(gossip), 1.0, 0.001);
    suspicion_restart(gossip, made_up_member(gossip, 0));
    assert_float_equal(time_left(gossip), 2.0, 0.001);
    world_free(world);
}

/* It refuted the first suspicion, of which nobody told here, and is suspected again: that is
 * another one, from now on, and nobody has confirmed it. */
static void test_of_a_later_incarnation_it_is_another(void **state) {
    (void)state;
    struct world *world = world_of(10);
    struct gossip *gossip = world->nodes[1].gossip;
    accuse_by(gossip, 3);
    gossip->now_us += gossip->timing.probe_interval_us;
    struct codec_record record;
    member_record(made_up_member(gossip, 0), &record);
    record.incarnation++;
    name_it(1, record.accuser);
    record_hear(gossip, made_up_member(gossip, 0), &record, true);
    assert_float_equal(time_left(gossip), 4.0, 0.001);
    world_free(world);
}

/* The last call went out, and answers to it are waited for: who agrees now shortens nothing. Heard
 * after all, it has its whole time again, and will be called again. */
static void test_who_was_called_is_waited_for(void **state) {
    (void)state;
    struct world *world = world_of(10);
    struct gossip *gossip = world->nodes[1].gossip;
    accuse(gossip, 1);
    struct suspicion *suspicion = suspicion_first(&gossip->detect->open, UINT64_MAX);
    uint64_t answered_us = gossip->now_us + 10 * gossip->timing.probe_interval_us;
    suspicion_called(gossip, suspicion, answered_us);
    accuse(gossip, 2);
    assert_null(suspicion_first(&gossip->detect->open, UINT64_MAX));
    assert_null(suspicion_first(&gossip->detect->called, answered_us - 1));
    assert_ptr_equal(suspicion_first(&gossip->detect->called, answered_us), suspicion);
    accuse(gossip, 3);
    suspicion_restart(gossip, made_up_member(gossip, 0));
    assert_null(suspicion_first(&gossip->detect->called, UINT64_MAX));
    assert_float_equal(time_left(gossip), 2.0, 0.001);
    world_free(world);
}

/* This node stood still: the time in which it could hear nothing is given to the suspect, and none
 * is judged before what came meanwhile is heard. */
static void test_a_stop_is_given_to_the_suspect(void **state) {
    (void)state;
    struct world *world = world_of(10);
    struct gossip *gossip = world->nodes[1].gossip;
    uint64_t interval_us = gossip->timing.probe_interval_us;
    accuse(gossip, 1);
    gossip->now_us += interval_us;
    suspicion_postpone(gossip, interval_us / 2);
    assert_float_equal(time_left(gossip), 3.5, 0.001);
    gossip->now_us += 10 * interval_us;
    suspicion_postpone(gossip, interval_us / 2);
    assert_float_equal(time_left(gossip), 0.5, 0.001);
    suspicion_postpone(gossip, 7 * interval_us / 2);
    assert_float_equal(time_left(gossip), 1.0, 0.001);
    world_free(world);
}

static struct codec_record about(const struct gossip *gossip, enum gossip_member_state state,
                                 uint64_t incarnation) {
    struct codec_record record;
    member_record(gossip->self, &record);
    record.state = state;
    record.incarnation = incarnation;
    return record;
}

/* Who hears that it is suspected, or dead, raises its incarnation above what was said; of what it
 * has refuted already it makes nothing; of a goodbye that it did not say neither, but people are
 * warned: nobody else believes now that it lives. */
static void test_the_accused_refutes(void **state) {
    (void)state;
    struct world *world = world_of(3);
    struct gossip *gossip = world->nodes[1].gossip;
    world_run(world, 2000000);
    const struct { /* what is said, above the incarnation, and by how much it is raised */
        enum gossip_member_state state;
        int64_t above;
        uint64_t raised;
    } said[] = {{GOSSIP_SUSPECT, 0, 1}, {GOSSIP_DEAD, 0, 1},  {GOSSIP_SUSPECT, 7, 8},
                {GOSSIP_ALIVE, 0, 0},   {GOSSIP_ALIVE, 3, 4}, {GOSSIP_SUSPECT, -1, 0},
                {GOSSIP_DEAD, -1, 0},   {GOSSIP_LEFT, 0, 0}};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        uint64_t before = gossip->self->shown.who->incarnation;
        uint64_t refutations = gossip->counters.refutations;
        struct codec_record record =
            about(gossip, said[i].state, (uint64_t)((int64_t)before + said[i].above));
        suspicion_hear_of_self(gossip, &record);
        assert_int_equal(gossip->self->shown.who->incarnation, before + said[i].raised);
        bool is_accused = said[i].raised > 0 && said[i].state != GOSSIP_ALIVE;
        assert_int_equal(gossip->counters.refutations - refutations, is_accused);
        assert_int_equal(gossip->counters.news_waiting[GOSSIP_URGENT], said[i].raised > 0);
        assert_int_equal(gossip->counters.identity_conflicts, said[i].state == GOSSIP_LEFT);
        news_remove_all(gossip, gossip->self);
    }
    gossip_step(gossip, &(struct gossip_event){.kind = GOSSIP_LEAVE}, &(struct gossip_actions){0});
    struct codec_record own = about(gossip, GOSSIP_LEFT, gossip->self->shown.who->incarnation);
    suspicion_hear_of_self(gossip, &own);
    assert_int_equal(gossip->counters.identity_conflicts, 1);
    world_free(world);
}

/* Who tells of an earlier life of this node is told of this one, as of somebody who has come; who
 * tells of a later one is believed, and people are warned. */
static void test_other_lives_of_this_node(void **state) {
    (void)state;
    struct world *world = world_of(3);
    world->nodes[1].generation = 5;
    world_kill(world, 1);
    world_start(world, 1);
    struct gossip *gossip = world->nodes[1].gossip;
    struct codec_record record = about(gossip, GOSSIP_ALIVE, 0);
    news_remove_all(gossip, gossip->self);
    record.generation = 5;
    suspicion_hear_of_self(gossip, &record);
    assert_int_equal(gossip->counters.news_waiting[GOSSIP_CLUSTER], 1);
    assert_int_equal(gossip->counters.identity_conflicts, 0);
    news_remove_all(gossip, gossip->self);
    record.generation = 7;
    record.state = GOSSIP_DEAD;
    suspicion_hear_of_self(gossip, &record);
    assert_false(news_is_waiting(gossip->self, NULL));
    assert_int_equal(gossip->counters.refutations, 0);
    assert_int_equal(gossip->counters.identity_conflicts, 1);
    world_free(world);
}

/* The highest number that there is: nobody could hear the next one. */
static void test_the_last_incarnation_is_not_passed(void **state) {
    (void)state;
    struct world *world = world_of(3);
    struct gossip *gossip = world->nodes[1].gossip;
    assert_int_equal(gossip->self->shown.state, GOSSIP_JOINING);
    struct codec_record record = about(gossip, GOSSIP_SUSPECT, CODEC_NUMBER_MAXIMUM - 1);
    suspicion_hear_of_self(gossip, &record);
    assert_int_equal(gossip->self->shown.who->incarnation, CODEC_NUMBER_MAXIMUM);
    record = about(gossip, GOSSIP_SUSPECT, CODEC_NUMBER_MAXIMUM);
    suspicion_hear_of_self(gossip, &record);
    world_run(world, 10000000); /* and it is no newcomer any more */
    assert_int_equal(gossip->self->shown.state, GOSSIP_ALIVE);
    assert_int_equal(gossip->self->shown.who->incarnation, CODEC_NUMBER_MAXIMUM);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_alone_it_takes_long),
          cmocka_unit_test(test_with_others_it_ends_at_two_and_a_half),
          cmocka_unit_test(test_the_first_confirmation_counts_most),
          cmocka_unit_test(test_in_a_small_cluster_fewer_are_enough),
          cmocka_unit_test(test_one_accuser_counts_once),
          cmocka_unit_test(test_agreement_halves_a_short_time),
          cmocka_unit_test(test_the_least_is_set),
          cmocka_unit_test(test_bad_health_gives_more_time),
          cmocka_unit_test(test_health_is_bounded), cmocka_unit_test(test_contact_begins_it_anew),
          cmocka_unit_test(test_who_was_called_is_waited_for),
          cmocka_unit_test(test_of_a_later_incarnation_it_is_another),
          cmocka_unit_test(test_a_stop_is_given_to_the_suspect),
          cmocka_unit_test(test_the_accused_refutes),
          cmocka_unit_test(test_other_lives_of_this_node),
          cmocka_unit_test(test_the_last_incarnation_is_not_passed))
