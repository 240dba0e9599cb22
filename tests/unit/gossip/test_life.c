/* Who is called dead, and who is found again, in the fake world. Every test is named after the trap
 * that it would have caught.
 *
 *     life_test [--plant FAULT TEST]     with a planted fault that test must fail */
#include "../planting.h"
#include "conditions.h"
#include "gossip/detect/detect_room.h"
#include "gossip/wire/codec.h"

enum { SECOND = 1000000 };

/* A process that stood still for ten seconds (SIGSTOP) calls nobody dead when it goes on, and is
 * taken back. */
static void test_stopped_process_blames_nobody(void **state) {
    (void)state;
    struct world *world = world_new(5);
    world_add_cluster(world, 5);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_stop(world, 2);
    world_run(world, 10 * SECOND);
    assert_true(two_is_dead(world));
    world_resume(world, 2);
    assert_true(world_run_until(world, 10 * SECOND, world_is_settled));
    struct gossip_counters counters;
    gossip_counters(world->nodes[2].gossip, &counters);
    assert_int_equal(counters.deaths, 0);
    assert_true(counters.refutations >= 1);
    world_free(world);
}

/* Stops of a second, at any moment: whoever did not answer a node that was not there is not to
 * blame. */
static void test_short_stops_blame_nobody(void **state) {
    (void)state;
    struct world *world = world_new(24);
    world->longest_us = 50000; /* so that a stop often falls between a ping and its answer */
    world_add_cluster(world, 5);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    for (unsigned round = 0; round < 50; round++) {
        world_run(world, random_between(&world->random, SECOND, 2 * SECOND));
        world_stop(world, 2);
        world_run(world, SECOND);
        world_resume(world, 2);
    }
    struct gossip_counters counters;
    gossip_counters(world->nodes[2].gossip, &counters);
    assert_int_equal(counters.suspicions, 0);
    assert_int_equal(counters.probes_failed, 0);
    world_free(world);
}

static void count_deaths(void *context, struct world_node *node,
                         const struct gossip_change *change) {
    (void)node;
    *(unsigned *)context +=
        change->kind == GOSSIP_CHANGE_STATE && change->member->state == GOSSIP_DEAD;
}

static void set_misses_news(struct world *world, unsigned first, unsigned last, bool is_so) {
    for (unsigned number = first; number <= last; number++)
        world->nodes[number].misses_news = is_so;
}

/* Node 2 stands still for a second, again and again, and when it refutes a third of the nodes get
 * no news and all lose datagrams. Returns how many call it dead. */
static unsigned deaths_of_who_stops(uint64_t seed) {
    struct world *world = world_new(seed);
    world_add_cluster(world, 60);
    assert_true(world_run_until(world, 10 * SECOND, world_is_settled));
    unsigned deaths = 0;
    world->on_change = count_deaths;
    world->context = &deaths;
    for (unsigned round = 0; round < 20; round++) {
        world_run(world, random_between(&world->random, 2 * SECOND, 3 * SECOND));
        world_stop(world, 2);
        world_run(world, SECOND);
        set_misses_news(world, 4, 23, true);
        world->loss = 0.3;
        world_resume(world, 2);
        world_run(world, 2 * SECOND);
        set_misses_news(world, 4, 23, false);
        world->loss = 0;
    }
    world_free(world);
    return deaths;
}

/* A refutation that news does not bring to everybody (it is told by lot, and datagrams get lost):
 * who suspects asks, and is told, by nearly all that is sent meanwhile. Of 1,200 who missed it two
 * at the most may hear of it too late; where nobody asks it is dozens. */
static void test_missed_refutation_is_asked_for(void **state) {
    (void)state;
    unsigned deaths = 0;
    for (uint64_t seed = 37; seed < 40; seed++)
        deaths += deaths_of_who_stops(seed);
    assert_in_range(deaths, 0, 2);
}

/* As if `teller` told `told` that node 2 lives, as all believed before it died. */
static void tell_that_two_lives(struct world *world, unsigned teller, unsigned told) {
    static const struct codec_wire version_0 = {.version = 0};
    const struct world_node *two = &world->nodes[2], *from = &world->nodes[teller];
    struct codec_record record = {.generation = two->generation,
                                  .incarnation = 1,
                                  .state = GOSSIP_ALIVE,
                                  .address = two->address,
                                  .name = "n2"};
    struct codec_writer writer;
    memcpy(record.uuid, two->uuid, GOSSIP_UUID_BYTES);
    codec_writer_init(&writer);
    codec_begin(&writer, &version_0, CODEC_NEWS, from->uuid, from->generation);
    assert_true(codec_list_begin(&writer, CODEC_SECTION_RECORDS));
    assert_true(codec_write_record(&writer, &record));
    codec_list_end(&writer);
    world_send(world, teller, told, buffer_bytes(&writer.buffer));
    codec_writer_release(&writer);
}

/* All are told, node 3 by another one: nobody hears itself. */
static void tell_all_that_two_lives(struct world *world) {
    for (unsigned i = 1; i <= world->count; i++)
        if (i != 2)
            tell_that_two_lives(world, i == 3 ? 4 : 3, i);
}

/* Relayed news taken as a sign of life (scylla #8036): while others go on telling of a node that it
 * lives, its death is still found and stays. */
static void test_relayed_news_does_not_keep_the_dead_alive(void **state) {
    (void)state;
    struct world *world = world_new(7);
    world->loss = 0.1;
    world->repeats = 0.5;
    world->longest_us = 400000; /* old datagrams arrive late, after the death */
    world_add_cluster(world, 10);
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    world_set(world, 2, "color", "red");
    world_run(world, SECOND / 10);
    world_kill(world, 2);
    for (unsigned i = 0; i < 100; i++) {
        tell_all_that_two_lives(world);
        world_run(world, SECOND / 10);
    }
    assert_true(two_is_dead(world));
    for (unsigned i = 0; i < 60; i++) {
        tell_all_that_two_lives(world);
        world_run(world, SECOND);
        assert_true(two_is_dead(world));
    }
    world_free(world);
}

static bool is_red_and_settled(struct world *world) {
    return color_is_red(world) && world_is_settled(world);
}

/* Partition never heals (memberlist #222, serf #605): two halves, long enough for each to bury the
 * other, find each other again by themselves; a key changed meanwhile is known to all. No seed is
 * on the other side of more than one. */
static void test_partition_heals(void **state) {
    (void)state;
    struct world *world = world_new(10);
    world_add_cluster(world, 50);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_split(world, 25);
    world_run(world, 120 * SECOND);
    for (unsigned i = 1; i <= 25; i++)
        for (unsigned j = 26; j <= 50; j++) {
            assert_true(world_is_state(world, i, j, GOSSIP_DEAD));
            assert_true(world_is_state(world, j, i, GOSSIP_DEAD));
        }
    world_set(world, 1, "color", "red");
    world_heal(world);
    assert_true(world_run_until(world, 30 * SECOND, is_red_and_settled));
    world_free(world);
}

/* Half of a hundred nodes and the other half, for ten minutes: one cluster again within 15 s of the
 * network, though but one seed is across (metallb #589). */
static void test_halves_of_a_hundred_heal_soon(void **state) {
    (void)state;
    struct world *world = world_new(33);
    world_add_cluster(world, 100);
    assert_true(world_run_until(world, 10 * SECOND, world_is_settled));
    world_split(world, 50);
    world_run(world, 600 * (uint64_t)SECOND);
    assert_true(world_is_state(world, 1, 100, GOSSIP_DEAD));
    world_heal(world);
    assert_true(world_run_until(world, 15 * SECOND, world_is_settled));
    world_free(world);
}

/* A partition of more than a day (piko #175): the graves are forgotten by then, the seed is gone
 * for ever, and still the halves find each other within 15 s of the network. */
static void test_halves_heal_after_the_graves_are_forgotten(void **state) {
    (void)state;
    struct world *world = world_new(34);
    world_add_cluster(world, 21);
    assert_true(world_run_until(world, 10 * SECOND, world_is_settled));
    world_kill(world, 1);
    world_split(world, 11);
    world_run(world, 60 * SECOND);
    assert_true(world_is_state(world, 2, 21, GOSSIP_DEAD));
    struct gossip_timing usual = world->timing, slow = usual;
    slow.probe_interval_us = 20 * SECOND; /* a day in few events */
    slow.probe_timeout_us = SECOND;
    world_set_timing(world, &slow);
    world_run(world, 25 * 3600 * (uint64_t)SECOND);
    for (unsigned i = 2; i <= 11; i++)
        for (unsigned j = 12; j <= 21; j++)
            assert_true(world_view(world, i, j) == NULL && world_view(world, j, i) == NULL);
    world_set_timing(world, &usual);
    world_run(world, 60 * SECOND);
    world_heal(world);
    assert_true(world_run_until(world, 15 * SECOND, world_is_settled));
    world_free(world);
}

/* The same for two nodes whose only seed is gone for ever: they remember each other as dead, and
 * try. */
static void test_two_find_each_other_again(void **state) {
    (void)state;
    struct world *world = world_new(11);
    for (unsigned i = 1; i <= 3; i++)
        world_add(world);
    world_seed(world, 1, 3);
    world_seed(world, 2, 3);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_kill(world, 3);
    world_split(world, 1);
    world_run(world, 3600 * (uint64_t)SECOND);
    assert_true(world_is_state(world, 1, 2, GOSSIP_DEAD));
    world_heal(world);
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    world_free(world);
}

/* How many members `number` lists that are node 2: by its UUID, or by its name. */
static unsigned twos_known(struct world *world, unsigned number) {
    const struct gossip *gossip = world->nodes[number].gossip;
    unsigned count = 0;
    for (size_t i = 0; i < gossip_member_count(gossip); i++) {
        const struct gossip_identity *who = gossip_member_at(gossip, i)->who;
        count += memcmp(who->uuid, world->nodes[2].uuid, GOSSIP_UUID_BYTES) == 0 ||
                 strcmp(who->name, "n2") == 0;
    }
    return count;
}

struct restart {
    struct world *world;
    unsigned deaths; /* times that somebody believed it dead */
};

/* Looks at every change of node 2, as it is heard. */
static void watch_restart(void *context, struct world_node *node,
                          const struct gossip_change *change) {
    struct restart *restart = context;
    const struct world_node *two = &restart->world->nodes[2];
    if (memcmp(change->member->who->uuid, two->uuid, GOSSIP_UUID_BYTES) != 0)
        return;
    if (node != two)
        assert_int_equal(twos_known(restart->world, node->number), 1);
    restart->deaths += change->member->state == GOSSIP_DEAD;
}

static bool restart_is_known(struct world *world) {
    const struct world_node *two = &world->nodes[2];
    bool is_known = true;
    for (unsigned i = 1; i <= world->count; i++) {
        const struct gossip_member *member = world_view(world, i, 2);
        assert_true(twos_known(world, i) <= 1 && (i == 2 || member != NULL));
        is_known &= member != NULL && member->state == GOSSIP_ALIVE &&
                    member->who->generation == two->generation &&
                    strcmp(member->who->address.host, two->address.host) == 0;
    }
    return is_known;
}

/* Same id with a new address (memberlist #157, consul #733): a hundred nodes, of which one comes
 * back with its UUID and another address, ten times. All know it there within 300 ms of its start;
 * at no moment does anybody list two of it; nobody ever calls it dead. */
static void test_restart_at_a_new_address_is_known_in_300_ms_and_never_two(void **state) {
    (void)state;
    struct world *world = world_new(35);
    world_add_cluster(world, 100);
    assert_true(world_run_until(world, 10 * SECOND, world_is_settled));
    struct restart restart = {.world = world};
    world->on_change = watch_restart;
    world->context = &restart;
    for (unsigned round = 0; round < 10; round++) {
        world_run(world, SECOND);
        world_kill(world, 2);
        snprintf(world->nodes[2].address.host, sizeof world->nodes[2].address.host, "10.9.9.%u",
                 round + 1);
        world_start(world, 2);
        world_seed(world, 2, 1);
        assert_true(world_run_until(world, 300000, restart_is_known));
    }
    world_run(world, 10 * SECOND);
    assert_true(restart_is_known(world));
    assert_int_equal(restart.deaths, 0);
    world_free(world);
}

static bool watches(const struct world *world, unsigned observer, unsigned other) {
    for (unsigned ring = 0; ring < GOSSIP_OBSERVERS; ring++) {
        const struct member *member = world->nodes[observer].gossip->detect->watches[ring].member;
        if (memcmp(member->shown.who->uuid, world->nodes[other].uuid, GOSSIP_UUID_BYTES) == 0)
            return true;
    }
    return false;
}

static unsigned lonely; /* whose observers die with it */

static bool lonely_is_dead(struct world *world) {
    return world_all_believe(world, lonely, GOSSIP_DEAD);
}

/* It, all that watch it and, `depth` times, all that watch these; the first node stays, as a seed.
 */
static void choose_around(const struct world *world, unsigned depth,
                          bool chosen[WORLD_NODE_MAXIMUM + 1]) {
    memset(chosen, 0, (WORLD_NODE_MAXIMUM + 1) * sizeof *chosen);
    chosen[lonely] = true;
    for (unsigned step = 0; step < depth; step++) {
        bool before[WORLD_NODE_MAXIMUM + 1];
        memcpy(before, chosen, sizeof before);
        for (unsigned i = 2; i <= world->count; i++)
            for (unsigned other = 2; other <= world->count; other++)
                chosen[i] |= before[other] && watches(world, i, other);
    }
}

static void for_each(struct world *world, const bool chosen[WORLD_NODE_MAXIMUM + 1],
                     void (*happens)(struct world *world, unsigned node)) {
    for (unsigned i = 2; i <= world->count; i++)
        if (chosen[i])
            happens(world, i);
}

static void start_again(struct world *world, unsigned node) {
    world_start(world, node);
    world_seed(world, node, 1);
}

static void settle(struct world *world) {
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    world_run(world, 2 * SECOND);
}

/* The longest time, of a few nodes in turn, until all know that one is dead that died with those
 * around it. `are_shaken`: shortly before, these were suspects without need. */
static unsigned longest_lonely_ms(unsigned depth, bool are_shaken) {
    struct world *world = world_new(40);
    bool chosen[WORLD_NODE_MAXIMUM + 1];
    uint64_t longest_us = 0;
    world_add_cluster(world, 100);
    settle(world);
    for (lonely = 2; lonely <= 13; lonely++) {
        choose_around(world, depth, chosen);
        if (watches(world, 1, lonely))
            continue;
        if (are_shaken) {
            for_each(world, chosen, world_stop);
            world_run(world, SECOND);
            for_each(world, chosen, world_resume);
            settle(world);
        }
        uint64_t killed_us = world->now_us;
        for_each(world, chosen, world_kill);
        assert_true(world_run_until(world, 20 * SECOND, lonely_is_dead));
        if (world->now_us - killed_us > longest_us)
            longest_us = world->now_us - killed_us;
        for_each(world, chosen, start_again);
        settle(world);
    }
    world_free(world);
    return (unsigned)(longest_us / 1000);
}

/* Many die at once, as a rack does or a quarter of a cluster, and one of them with all that watch
 * it. Those who watched these look at it, so that its death is known about as soon as any. */
static void test_who_dies_with_all_its_observers_is_found(void **state) {
    (void)state;
    assert_in_range(longest_lonely_ms(1, false), 0, 2600);
}

/* Those who stand behind its observers died as well: who stands behind them looks further. */
static void test_who_dies_with_many_around_it_is_found(void **state) {
    (void)state;
    assert_in_range(longest_lonely_ms(2, false), 0, 2900);
}

/* Whoever refuted a suspicion may be suspected again. */
static void test_who_was_looked_beyond_before_is_looked_beyond_again(void **state) {
    (void)state;
    assert_in_range(longest_lonely_ms(1, true), 0, 2600);
}

/* The name of a seed stood for one address after the other, as that of a service whose containers
 * come and go: nobody is at the old ones any more, and however many they were, the new one is
 * tried. One at which somebody lives never gives way. */
static void test_old_seeds_give_way(void **state) {
    (void)state;
    enum { GONE = 100, LIVING = GONE + 2, LAST };
    struct world *world = world_new(31);
    for (unsigned number = 1; number <= LAST; number++)
        world_add(world);
    world_seed(world, 1, LIVING);
    world_run(world, 5 * SECOND);
    for (unsigned number = 2; number <= GONE + 1; number++) {
        world_kill(world, number);
        world_seed(world, 1, number);
        world_run(world, SECOND / 10);
    }
    world_seed(world, 1, LAST);
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    /* And lost again, it is found again. */
    world_kill(world, LIVING);
    world_run(world, 30 * SECOND);
    world->nodes[LIVING].uuid[15] ^= 1; /* as somebody else, whom no grave leads to */
    world_start(world, LIVING);
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    world_free(world);
}

/* What one of two says comes to the other, and its answers back, at these times; the longest round
 * trip that the first measures. */
static uint64_t exchange(struct gossip *first, uint64_t *deadline_us, uint64_t heard_us,
                         struct gossip *second) {
    static const struct gossip_address of_first = {.host = "10.0.0.1", .port = 7000},
                                       of_second = {.host = "10.0.0.2", .port = 7000};
    struct gossip_actions said, answered, heard;
    uint64_t now_us = *deadline_us, longest_us = 0;
    gossip_step(first, &(struct gossip_event){.kind = GOSSIP_TICK, .now_us = now_us}, &said);
    *deadline_us = said.deadline_us;
    for (size_t i = 0; i < said.datagram_count; i++) {
        gossip_step(second,
                    &(struct gossip_event){.kind = GOSSIP_DATAGRAM,
                                           .now_us = now_us,
                                           .address = of_first,
                                           .bytes = said.datagrams[i].bytes},
                    &answered);
        for (size_t k = 0; k < answered.datagram_count; k++) {
            uint8_t bytes[GOSSIP_DATAGRAM_MAXIMUM];
            struct bytes answer = answered.datagrams[k].bytes;
            memcpy(bytes, answer.data, answer.length);
            gossip_step(first,
                        &(struct gossip_event){.kind = GOSSIP_DATAGRAM,
                                               .now_us = heard_us,
                                               .address = of_second,
                                               .bytes = bytes_of(bytes, answer.length)},
                        &heard);
            if (heard.round_trip_us > longest_us)
                longest_us = heard.round_trip_us;
            *deadline_us = heard.deadline_us;
        }
    }
    return longest_us;
}

static struct gossip *one_of_two(uint8_t number) {
    struct gossip_options options = {.uuid = {number},
                                     .generation = 1,
                                     .address = {.port = 7000},
                                     .timing = {.probe_interval_us = SECOND / 2,
                                                .probe_timeout_us = SECOND / 5,
                                                .suspicion_factor = 4,
                                                .wire_maximum = GOSSIP_WIRE_MAXIMUM},
                                     .now_us = 100 * (uint64_t)SECOND,
                                     .seed = number};
    snprintf(options.address.host, sizeof options.address.host, "10.0.0.%u", number);
    return gossip_new(&options);
}

/* The clock that never goes back does, by a minute, whenever an answer comes. Time stands still for
 * gossip meanwhile: nothing is measured that cannot be, nobody is accused, and it goes on. */
static void test_a_clock_that_goes_back(void **state) {
    (void)state;
    struct gossip *first = one_of_two(1), *second = one_of_two(2);
    struct gossip_actions actions;
    gossip_step(first,
                &(struct gossip_event){.kind = GOSSIP_SEED,
                                       .now_us = 100 * (uint64_t)SECOND,
                                       .address = {.host = "10.0.0.2", .port = 7000}},
                &actions);
    uint64_t deadline_us = actions.deadline_us;
    while (deadline_us < 200 * (uint64_t)SECOND) {
        uint64_t back_us = deadline_us - 60 * (uint64_t)SECOND;
        assert_in_range(exchange(first, &deadline_us, back_us, second), 0, SECOND / 2);
    }
    assert_int_equal(gossip_member_count(first), 2);
    assert_int_equal(gossip_member_at(first, 1)->state, GOSSIP_ALIVE);
    struct gossip_counters counters;
    gossip_counters(first, &counters);
    assert_true(counters.probes_answered > 50);
    assert_int_equal(counters.suspicions + counters.local_health, 0);
    gossip_free(first);
    gossip_free(second);
}

/* All start at once, and the only seed is an address that stands for all of them, as that of a
 * service does: some meet here and some there, each knows somebody by then, and still they become
 * one cluster. They go on asking, but seldom. */
static void test_a_service_leads_all_together(void **state) {
    (void)state;
    enum { MEMBERS = 6, SEEDS = 10, HOUR_SECONDS = 3600 };
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *world = world_new(seed);
        world->is_sealed = seed % 2 > 0;
        world->service = (struct gossip_address){.host = "10.96.0.10", .port = 7000};
        for (unsigned number = 1; number <= MEMBERS; number++)
            world_add(world);
        for (unsigned number = 1; number <= MEMBERS; number++)
            world_seed_address(world, number, &world->service);
        assert_true(world_run_until(world, 600 * (uint64_t)SECOND, world_is_settled));
        world_run(world, 1000 * (uint64_t)SECOND);
        uint64_t before = world->service_count;
        world_run(world, HOUR_SECONDS * (uint64_t)SECOND);
        assert_in_range(world->service_count - before, MEMBERS * HOUR_SECONDS / 640,
                        MEMBERS * (HOUR_SECONDS / 320 + 1));
        world_free(world);
    }
}

static void count_left_out(void *context, enum log_level level, struct bytes line) {
    unsigned *lines = context;
    char text[LOG_LINE_MAXIMUM + 1] = "";
    memcpy(text, line.data, line.length);
    *lines += level == LOG_WARN && strstr(text, "too many seeds") != NULL;
}

/* A name stands for more members than there are places for seeds, and is looked up every ten
 * seconds. All of them are known, so there is nothing to say; where some are not, it is said once.
 */
static void test_more_seeds_than_places_are_told_of_once(void **state) {
    (void)state;
    enum { MEMBERS = 80, STRANGERS = 3 };
    unsigned lines = 0;
    const struct log log = {.level = LOG_WARN, .sink = count_left_out, .context = &lines};
    struct world *world = world_new(33);
    world->log = &log;
    world_add_cluster(world, MEMBERS);
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    for (unsigned i = 0; i < STRANGERS; i++)
        world_kill(world, world_add(world)->number);
    for (unsigned look = 0; look < 3; look++) {
        for (unsigned seed = 2; seed <= MEMBERS; seed++)
            world_seed(world, 1, seed);
        world_run(world, 10 * SECOND);
    }
    assert_int_equal(lines, 0);
    for (unsigned look = 0; look < 3; look++) {
        for (unsigned i = 1; i <= STRANGERS; i++)
            world_seed(world, 1, MEMBERS + i);
        world_run(world, 10 * SECOND);
    }
    assert_int_equal(lines, 1);
    world_free(world);
}

/* Datagrams from now on, for so long. */
static uint64_t datagrams_within(struct world *world, uint64_t duration_us) {
    uint64_t before = world->datagram_count;
    world_run(world, duration_us);
    return world->datagram_count - before;
}

/* A node that has left goes on answering; who knows of nobody else asks there less and less often,
 * as where nobody answers. Its next life is found there all the same, by that alone. */
static void test_a_seed_that_has_left_is_asked_less_and_less(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct world *world = world_new(seed);
        world_add(world);
        world_add(world);
        world_leave(world, 1);
        world_seed(world, 2, 1);
        world_run(world, 60 * SECOND);
        assert_true(world_is_state(world, 2, 1, GOSSIP_LEFT) || world_view(world, 2, 1) == NULL);
        assert_in_range(datagrams_within(world, 100 * SECOND), 20, 50);
        world_kill(world, 1);
        world_start(world, 1);
        assert_true(world_run_until(world, 10 * SECOND, world_is_settled));
        world_free(world);
    }
}

RUN_TESTS_OR_PLANT(cmocka_unit_test(test_stopped_process_blames_nobody),
                   cmocka_unit_test(test_a_seed_that_has_left_is_asked_less_and_less),
                   cmocka_unit_test(test_old_seeds_give_way),
                   cmocka_unit_test(test_more_seeds_than_places_are_told_of_once),
                   cmocka_unit_test(test_a_clock_that_goes_back),
                   cmocka_unit_test(test_short_stops_blame_nobody),
                   cmocka_unit_test(test_missed_refutation_is_asked_for),
                   cmocka_unit_test(test_relayed_news_does_not_keep_the_dead_alive),
                   cmocka_unit_test(test_partition_heals),
                   cmocka_unit_test(test_halves_of_a_hundred_heal_soon),
                   cmocka_unit_test(test_halves_heal_after_the_graves_are_forgotten),
                   cmocka_unit_test(test_two_find_each_other_again),
                   cmocka_unit_test(test_a_service_leads_all_together),
                   cmocka_unit_test(test_who_dies_with_all_its_observers_is_found),
                   cmocka_unit_test(test_who_dies_with_many_around_it_is_found),
                   cmocka_unit_test(test_who_was_looked_beyond_before_is_looked_beyond_again),
                   cmocka_unit_test(test_restart_at_a_new_address_is_known_in_300_ms_and_never_two))
