/* Members of libtroth-gossip on loopback, several in one process, by the public header alone. */
#include "../unit.h"
#include "troth-gossip.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
#define OTHER "1111111111111111111111111111111111111111111111111111111111111111"

enum { TURNS_MAXIMUM = 20000 };

struct folder {
    char name[64], file[4][96];
};

static void folder_init(struct folder *folder) {
    snprintf(folder->name, sizeof folder->name, "/tmp/trothdb-test-library-XXXXXX");
    assert_non_null(mkdtemp(folder->name));
    for (unsigned i = 0; i < 4; i++)
        snprintf(folder->file[i], sizeof folder->file[i], "%s/%u", folder->name, i);
}
static void folder_release(struct folder *folder) {
    for (unsigned i = 0; i < 4; i++)
        unlink(folder->file[i]);
    assert_int_equal(rmdir(folder->name), 0);
}
static void write_file(const char *name, const char *text) {
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static struct troth_gossip_udp *open_member(struct troth_gossip_udp_options options) {
    char problem[TROTH_GOSSIP_PROBLEM_BYTES] = "";
    struct troth_gossip_udp *udp = NULL;
    options.bind = "127.0.0.1:0";
    if (troth_gossip_udp_open(&options, &udp, problem, sizeof problem) != 0)
        fail_msg("%s", problem);
    return udp;
}

static char *join_of(struct troth_gossip_udp *udp) {
    static char join[80];
    struct troth_gossip_address address = troth_gossip_udp_address(udp);
    snprintf(join, sizeof join, "%s:%u", address.host, address.port);
    return join;
}

/* What the name "members.test" stands for; 0: nobody knows. The library asks here, as this stands
 * in the place of the system's: from threads of its own as well. */
static atomic_uint name_address, name_asked;
static atomic_bool name_is_ipv6; /* then for ::1 as well */
static atomic_uint name_more;    /* and for so many at which nobody is, behind the first */

enum { NAME_MORE_MAXIMUM = 99, NOBODYS_ADDRESSES = 0x7f010001 };
struct name_answer {
    struct addrinfo info, info6, more[NAME_MORE_MAXIMUM];
    struct sockaddr_in address, address_of_more[NAME_MORE_MAXIMUM];
    struct sockaddr_in6 address6;
};

static void answer_with(struct addrinfo *info, struct sockaddr_in *address, unsigned host) {
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
    *info = (struct addrinfo){.ai_family = AF_INET, .ai_addr = (void *)address};
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **out) {
    (void)service, (void)hints;
    assert_string_equal(name, "members.test");
    atomic_fetch_add(&name_asked, 1);
    if (atomic_load(&name_address) == 0)
        return EAI_AGAIN;
    struct name_answer *answer = calloc(1, sizeof *answer);
    struct addrinfo *last = &answer->info;
    answer_with(&answer->info, &answer->address, atomic_load(&name_address));
    answer->address6 =
        (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    answer->info6 = (struct addrinfo){.ai_family = AF_INET6, .ai_addr = (void *)&answer->address6};
    if (atomic_load(&name_is_ipv6))
        last = last->ai_next = &answer->info6;
    for (unsigned i = 0; i < atomic_load(&name_more); i++) {
        answer_with(&answer->more[i], &answer->address_of_more[i], NOBODYS_ADDRESSES + i);
        last = last->ai_next = &answer->more[i];
    }
    *out = &answer->info;
    return 0;
}
void freeaddrinfo(struct addrinfo *answer) { free(answer); }

/* Runs them in turn until it is so. */
static bool run_until(struct troth_gossip_udp *members[], unsigned count,
                      bool (*is_so)(struct troth_gossip_udp *const members[], unsigned count)) {
    for (unsigned turn = 0; turn < TURNS_MAXIMUM; turn++) {
        if (is_so(members, count))
            return true;
        for (unsigned i = 0; i < count; i++)
            assert_int_equal(troth_gossip_udp_run(members[i], 1), 0);
    }
    return false;
}

static struct troth_gossip *gossip_of(struct troth_gossip_udp *udp) {
    return troth_gossip_udp_gossip(udp);
}
static bool all_alive(struct troth_gossip_udp *const members[], unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        struct troth_gossip_member member;
        unsigned alive = 0;
        for (size_t at = 0; troth_gossip_member_at(gossip_of(members[i]), at, &member); at++)
            alive += member.state == TROTH_GOSSIP_ALIVE;
        if (alive != count)
            return false;
    }
    return true;
}
static bool first_is_heard(struct troth_gossip_udp *const members[], unsigned count) {
    struct troth_gossip_member first;
    struct troth_gossip_bytes value;
    assert_true(troth_gossip_member_at(gossip_of(members[0]), 0, &first));
    for (unsigned i = 0; i < count; i++)
        if (!troth_gossip_get(gossip_of(members[i]), first.uuid, "status", &value))
            return false;
    return true;
}
static bool first_has_left(struct troth_gossip_udp *const members[], unsigned count) {
    struct troth_gossip_member first;
    assert_true(troth_gossip_member_at(gossip_of(members[0]), 0, &first));
    for (unsigned i = 1; i < count; i++)
        if (!troth_gossip_member_find(gossip_of(members[i]), first.uuid, &first) ||
            first.state != TROTH_GOSSIP_LEFT)
            return false;
    return true;
}
static bool second_was_refused(struct troth_gossip_udp *const members[], unsigned count) {
    struct troth_gossip_udp_counters counters;
    (void)count;
    troth_gossip_udp_counters(members[0], &counters);
    return counters.refused_by_seal >= 3;
}

static void count_changes(void *context, const struct troth_gossip_change *change) {
    unsigned *counts = context;
    counts[change->kind]++;
}

/* Three sealed members meet, hear of a key, and of a goodbye. */
static void test_three_members(void **state) {
    (void)state;
    struct folder folder;
    struct troth_gossip_udp *members[3];
    unsigned counts[TROTH_GOSSIP_CHANGE_NAME_CONFLICT + 1] = {0};
    folder_init(&folder);
    write_file(folder.file[0], KEY);
    struct troth_gossip_udp_options options = {.key_file = folder.file[0], .cluster_name = "test"};
    members[0] = open_member(options);
    options.join = join_of(members[0]);
    members[1] = open_member(options);
    options.changed = count_changes;
    options.context = counts;
    members[2] = open_member(options);
    assert_true(run_until(members, 3, all_alive));
    assert_int_equal(troth_gossip_udp_set(members[0], "status", "ready", 5), 0);
    assert_true(run_until(members, 3, first_is_heard));
    assert_true(counts[TROTH_GOSSIP_CHANGE_JOINED] >= 2);
    assert_true(counts[TROTH_GOSSIP_CHANGE_KEY] >= 1);
    troth_gossip_udp_leave(members[0]);
    assert_true(run_until(members, 3, first_has_left));
    for (unsigned i = 0; i < 3; i++)
        troth_gossip_udp_close(members[i]);
    folder_release(&folder);
}

static void expect_apart(struct troth_gossip_udp_options ours,
                         struct troth_gossip_udp_options theirs) {
    struct troth_gossip_udp *members[2] = {open_member(ours)};
    theirs.join = join_of(members[0]);
    members[1] = open_member(theirs);
    assert_true(run_until(members, 2, second_was_refused));
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(troth_gossip_member_count(gossip_of(members[i])), 1);
        troth_gossip_udp_close(members[i]);
    }
}

/* "Cluster bus without authentication": whoever has no key, another one, or the same one for
 * another cluster, neither joins nor learns who is there. */
static void test_strangers_stay_outside(void **state) {
    (void)state;
    struct folder folder;
    folder_init(&folder);
    write_file(folder.file[0], KEY);
    write_file(folder.file[1], OTHER);
    struct troth_gossip_udp_options ours = {.key_file = folder.file[0]};
    expect_apart(ours, (struct troth_gossip_udp_options){.key_file = NULL});
    expect_apart(ours, (struct troth_gossip_udp_options){.key_file = folder.file[1]});
    expect_apart(ours, (struct troth_gossip_udp_options){.key_file = folder.file[0],
                                                         .cluster_name = "another"});
    folder_release(&folder);
}

enum { TALKERS = 4, TALKER_KEYS = 100, TALKER_VALUE_BYTES = 400 };

static bool all_know_the_talkers(struct troth_gossip_udp *const members[], unsigned count) {
    for (unsigned i = 0; i < count; i++)
        for (unsigned talker = 0; talker < TALKERS; talker++) {
            struct troth_gossip_member member;
            struct troth_gossip_bytes key, value;
            size_t position = 0, known = 0;
            assert_true(troth_gossip_member_at(gossip_of(members[talker]), 0, &member));
            while (troth_gossip_walk(gossip_of(members[i]), member.uuid, &position, &key, &value))
                known += value.length == TALKER_VALUE_BYTES;
            if (known != TALKER_KEYS)
                return false;
        }
    return true;
}

static void talk(struct troth_gossip_udp *talker) {
    char key[16], value[TALKER_VALUE_BYTES];
    for (unsigned i = 0; i < TALKER_KEYS; i++) {
        snprintf(key, sizeof key, "key%u", i);
        for (unsigned at = 0; at < sizeof value; at++)
            value[at] = (char)('!' + rand() % 90);
        assert_int_equal(troth_gossip_udp_set(talker, key, value, sizeof value), 0);
    }
}

/* Four members say 40 KB each, far more than one answer may hold. A newcomer hears all of it, by
 * sealed datagrams alone. */
static void test_a_newcomer_hears_much(void **state) {
    (void)state;
    struct folder folder;
    struct troth_gossip_udp *members[TALKERS + 1];
    folder_init(&folder);
    write_file(folder.file[0], KEY);
    struct troth_gossip_udp_options options = {.key_file = folder.file[0]};
    for (unsigned i = 0; i < TALKERS; i++) {
        members[i] = open_member(options);
        options.join = join_of(members[0]);
    }
    assert_true(run_until(members, TALKERS, all_alive));
    for (unsigned i = 0; i < TALKERS; i++)
        talk(members[i]);
    assert_true(run_until(members, TALKERS, all_know_the_talkers));
    members[TALKERS] = open_member(options);
    assert_true(run_until(members, TALKERS + 1, all_know_the_talkers));
    assert_true(run_until(members, TALKERS + 1, all_alive));
    for (unsigned i = 0; i <= TALKERS; i++)
        troth_gossip_udp_close(members[i]);
    folder_release(&folder);
}

/* The same member after a restart: the same UUID, a later generation. */
static void test_an_identity_that_lasts(void **state) {
    (void)state;
    struct folder folder;
    struct troth_gossip_member first, again;
    char problem[TROTH_GOSSIP_PROBLEM_BYTES];
    folder_init(&folder);
    struct troth_gossip_udp_options options = {.identity_file = folder.file[0]};
    struct troth_gossip_udp *udp = open_member(options);
    assert_true(troth_gossip_member_at(gossip_of(udp), 0, &first));
    troth_gossip_udp_close(udp);
    udp = open_member(options);
    assert_true(troth_gossip_member_at(gossip_of(udp), 0, &again));
    troth_gossip_udp_close(udp);
    assert_memory_equal(first.uuid, again.uuid, sizeof first.uuid);
    assert_int_equal(first.generation, 1);
    assert_int_equal(again.generation, 2);
    static const char *const bad[] = {
        "",
        "troth-gossip 2 00",
        "troth-gossip 1 00112233445566778899aabbccddeeff x\n",
        "troth-gossip 1 00112233445566778899aabbccddeeff 1",
        "troth-gossip 1 00112233445566778899aabbccddee 1\n",
        "troth-gossip 1 00112233445566778899aabbccddeeff 99999999999999999999\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(folder.file[0], bad[i]);
        options.bind = "127.0.0.1:0";
        assert_int_equal(troth_gossip_udp_open(&options, &udp, problem, sizeof problem),
                         TROTH_GOSSIP_INVALID);
        assert_non_null(strstr(problem, folder.file[0]));
    }
    folder_release(&folder);
}

/* Two processes that were given one identity would be one member that fights itself: the second is
 * refused while the first runs, and the first keeps its generation. */
static void test_one_identity_is_one_member(void **state) {
    (void)state;
    struct folder folder;
    struct troth_gossip_member first;
    char problem[TROTH_GOSSIP_PROBLEM_BYTES];
    folder_init(&folder);
    struct troth_gossip_udp_options options = {.identity_file = folder.file[0]};
    for (unsigned start = 1; start <= 2;
         start++) { /* with a file that is made, and one that is there */
        struct troth_gossip_udp *udp = open_member(options), *second = NULL;
        struct troth_gossip_udp_options again = options;
        again.bind = "127.0.0.1:0";
        assert_int_equal(troth_gossip_udp_open(&again, &second, problem, sizeof problem),
                         TROTH_GOSSIP_REFUSED);
        assert_non_null(strstr(problem, folder.file[0]));
        assert_null(second);
        assert_true(troth_gossip_member_at(gossip_of(udp), 0, &first));
        assert_int_equal(first.generation, start);
        troth_gossip_udp_close(udp);
    }
    folder_release(&folder);
}

static void count_twins(void *context, enum troth_gossip_log_level level, const char *line) {
    unsigned *lines = context;
    *lines += level == TROTH_GOSSIP_LOG_WARN && strstr(line, "has this node's UUID") != NULL;
}

/* A copy of the identity's file was started more often, as on another machine, and runs as well.
 * The member hears of it, and its next start is above the copy's. */
static void test_an_identity_that_was_copied(void **state) {
    (void)state;
    const char *const uuid = "troth-gossip 1 00112233445566778899aabbccddeeff";
    struct folder folder;
    struct troth_gossip_member again;
    unsigned lines = 0;
    char text[80];
    folder_init(&folder);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "%s %u\n", uuid, 5 * i);
        write_file(folder.file[i], text);
    }
    struct troth_gossip_udp *witness = open_member((struct troth_gossip_udp_options){.name = "w"});
    struct troth_gossip_udp_options options = {
        .identity_file = folder.file[1], .join = join_of(witness), .log = count_twins};
    options.context = &(unsigned){0};
    struct troth_gossip_udp *copy = open_member(options);
    options.identity_file = folder.file[0];
    options.context = &lines;
    struct troth_gossip_udp *members[] = {witness, copy, open_member(options)};
    for (unsigned turn = 0; turn < TURNS_MAXIMUM && lines == 0; turn++)
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(troth_gossip_udp_run(members[i], 1), 0);
    assert_int_equal(lines, 1);
    for (unsigned i = 0; i < 3; i++)
        troth_gossip_udp_close(members[i]);
    struct troth_gossip_udp *next = open_member(options);
    assert_true(troth_gossip_member_at(gossip_of(next), 0, &again));
    assert_int_equal(again.generation, 7); /* the copy's was 6 */
    troth_gossip_udp_close(next);
    folder_release(&folder);
}

static void count_lines(void *context, enum troth_gossip_log_level level, const char *line) {
    unsigned *lines = context;
    *lines += level == TROTH_GOSSIP_LOG_WARN && strstr(line, "msg=\"a name cannot be looked up") &&
              strstr(line, "members.test");
}

static void run_until_asked(struct troth_gossip_udp *member, unsigned times) {
    for (unsigned turn = 0; turn < 1000 && atomic_load(&name_asked) < times; turn++)
        assert_int_equal(troth_gossip_udp_run(member, 10), 0);
    assert_true(atomic_load(&name_asked) >= times);
}

/* The seed's name is not known when a member starts; then it stands for an address at which nobody
 * is; then for that of a member. Nobody has to say so: they meet. */
static void test_names_are_looked_up_again(void **state) {
    (void)state;
    char join[32], problem[TROTH_GOSSIP_PROBLEM_BYTES];
    unsigned lines = 0;
    struct troth_gossip_udp *members[2];
    struct troth_gossip_udp_options options = {.bind = "127.0.0.2:0"};
    assert_int_equal(troth_gossip_udp_open(&options, &members[0], problem, sizeof problem), 0);
    snprintf(join, sizeof join, "members.test:%u", troth_gossip_udp_address(members[0]).port);
    atomic_store(&name_address, 0);
    members[1] = open_member(
        (struct troth_gossip_udp_options){.join = join, .log = count_lines, .context = &lines});
    assert_int_equal(lines, 1);
    run_until_asked(members[1], 2);
    atomic_store(&name_address, INADDR_LOOPBACK);
    for (unsigned turn = 0; turn < 50; turn++)
        assert_int_equal(troth_gossip_udp_run(members[1], 10), 0);
    assert_int_equal(troth_gossip_member_count(gossip_of(members[1])), 1);
    atomic_store(&name_address, INADDR_LOOPBACK + 1);
    assert_true(run_until(members, 2, all_alive));
    assert_int_equal(lines, 1);
    /* Once more, by join(); and one that is under way when the member closes. */
    atomic_store(&name_address, 0);
    assert_int_equal(troth_gossip_udp_join(members[0], "members.test:1", problem, sizeof problem),
                     TROTH_GOSSIP_IO);
    run_until_asked(members[0], atomic_load(&name_asked) + 1);
    for (unsigned i = 0; i < 2; i++)
        troth_gossip_udp_close(members[i]);
}

/* A name stands for an address of IPv4 and for one of IPv6, as most do. A member with a socket of
 * IPv4 seeks only the first: it has no way to the other. */
static void test_a_name_of_both_families(void **state) {
    (void)state;
    char join[32];
    struct troth_gossip_udp_counters counters;
    struct troth_gossip_udp *members[2] = {open_member((struct troth_gossip_udp_options){0})};
    snprintf(join, sizeof join, "members.test:%u", troth_gossip_udp_address(members[0]).port);
    atomic_store(&name_address, INADDR_LOOPBACK);
    atomic_store(&name_is_ipv6, true);
    members[1] = open_member((struct troth_gossip_udp_options){.join = join});
    assert_true(run_until(members, 2, all_alive));
    atomic_store(&name_is_ipv6, false);
    troth_gossip_udp_counters(members[1], &counters);
    assert_int_equal(counters.unsent, 0);
    for (unsigned i = 0; i < 2; i++)
        troth_gossip_udp_close(members[i]);
}

/* A service stands for more addresses than are sought, and so does another one; a member that is
 * told both of them finds who is behind each. */
static void test_names_that_stand_for_many(void **state) {
    (void)state;
    char join[64];
    struct troth_gossip_udp *members[3];
    for (unsigned i = 0; i < 2; i++)
        members[i] = open_member((struct troth_gossip_udp_options){0});
    snprintf(join, sizeof join, "members.test:%u,members.test:%u",
             troth_gossip_udp_address(members[0]).port, troth_gossip_udp_address(members[1]).port);
    atomic_store(&name_address, INADDR_LOOPBACK);
    atomic_store(&name_more, NAME_MORE_MAXIMUM);
    members[2] = open_member((struct troth_gossip_udp_options){.join = join});
    assert_true(run_until(members, 3, all_alive));
    atomic_store(&name_more, 0);
    for (unsigned i = 0; i < 3; i++)
        troth_gossip_udp_close(members[i]);
}

/* As many addresses as `count`, or names that nobody knows. */
static char *long_join(const char *host, unsigned count) {
    static char join[4096];
    size_t length = 0;
    for (unsigned i = 1; i <= count; i++)
        length += (size_t)snprintf(join + length, sizeof join - length, "%s%s:%u", i > 1 ? "," : "",
                                   host, i);
    return join;
}

static uint64_t probes_of(struct troth_gossip_udp *member) {
    struct troth_gossip_counters counters;
    troth_gossip_counters(gossip_of(member), &counters);
    return counters.probes_sent;
}

/* A call of join() that fails looked for nobody, neither for the first of too many addresses nor
 * for the first of too many names; and the one behind it is heard. */
static void test_a_join_that_fails_looks_for_nobody(void **state) {
    (void)state;
    char problem[TROTH_GOSSIP_PROBLEM_BYTES];
    struct troth_gossip_udp *member = open_member((struct troth_gossip_udp_options){0});
    assert_int_equal(
        troth_gossip_udp_join(member, long_join("127.0.0.3", 65), problem, sizeof problem),
        TROTH_GOSSIP_LIMIT);
    assert_int_equal(troth_gossip_udp_join(member, "127.0.0.3:1,[::1]:2", problem, sizeof problem),
                     TROTH_GOSSIP_INVALID);
    assert_string_equal(problem,
                        "join: [::1]:2 is an address of IPv6, and this member's is of IPv4");
    atomic_store(&name_address, 0);
    assert_int_equal(
        troth_gossip_udp_join(member, long_join("members.test", 65), problem, sizeof problem),
        TROTH_GOSSIP_LIMIT);
    unsigned asked = atomic_load(&name_asked);
    for (unsigned turn = 0; turn < 70; turn++)
        assert_int_equal(troth_gossip_udp_run(member, 10), 0);
    assert_int_equal(probes_of(member), 0);
    assert_int_equal(atomic_load(&name_asked), asked);
    assert_int_equal(
        troth_gossip_udp_join(member, "members.test:1,127.0.0.3:1", problem, sizeof problem),
        TROTH_GOSSIP_IO);
    assert_int_equal(probes_of(member), 1);
    run_until_asked(member, asked + 2);
    troth_gossip_udp_close(member);
}

struct eager {
    struct troth_gossip_udp *member;
    unsigned refused, told;
};

/* Says something, and goes, as soon as somebody joins. */
static void be_eager(void *context, const struct troth_gossip_change *change) {
    struct eager *eager = context;
    char problem[TROTH_GOSSIP_PROBLEM_BYTES];
    if (change->kind != TROTH_GOSSIP_CHANGE_JOINED)
        return;
    eager->told++;
    eager->refused += troth_gossip_udp_set(eager->member, "k", "v", 1) == TROTH_GOSSIP_REFUSED &&
                      troth_gossip_udp_remove(eager->member, "k") == TROTH_GOSSIP_REFUSED &&
                      troth_gossip_udp_run(eager->member, 0) == TROTH_GOSSIP_REFUSED &&
                      troth_gossip_udp_join(eager->member, "127.0.0.1:1", problem,
                                            sizeof problem) == TROTH_GOSSIP_REFUSED;
    troth_gossip_udp_leave(eager->member);
}

/* What a callback is told must last until it returns, so no call within it steps; a goodbye is said
 * when all is told. */
static void test_a_callback_only_looks_in(void **state) {
    (void)state;
    struct eager eager = {0};
    struct troth_gossip_udp *members[2];
    members[0] = eager.member =
        open_member((struct troth_gossip_udp_options){.changed = be_eager, .context = &eager});
    members[1] = open_member((struct troth_gossip_udp_options){.join = join_of(members[0])});
    assert_true(run_until(members, 2, first_has_left));
    assert_int_equal(eager.told, 1);
    assert_int_equal(eager.refused, 1);
    struct troth_gossip_member self;
    assert_true(troth_gossip_member_at(gossip_of(members[0]), 0, &self));
    assert_int_equal(self.state, TROTH_GOSSIP_LEFT);
    for (unsigned i = 0; i < 2; i++)
        troth_gossip_udp_close(members[i]);
}

/* A key is rotated over two members, who hear each other at every step. */
static void test_a_rotation(void **state) {
    (void)state;
    struct folder folder;
    struct troth_gossip_udp *members[2];
    char id[17], problem[TROTH_GOSSIP_PROBLEM_BYTES];
    folder_init(&folder);
    for (unsigned i = 0; i < 2; i++) {
        write_file(folder.file[i], KEY);
        members[i] = open_member((struct troth_gossip_udp_options){
            .key_file = folder.file[i], .join = i > 0 ? join_of(members[0]) : ""});
    }
    assert_true(run_until(members, 2, all_alive));
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(troth_gossip_udp_key_add(members[i], OTHER, id, problem, sizeof problem),
                         0);
    assert_int_equal(troth_gossip_udp_key_use(members[0], id, problem, sizeof problem), 0);
    assert_int_equal(troth_gossip_udp_set(members[0], "status", "new key", 7), 0);
    assert_true(run_until(members, 2, first_is_heard));
    assert_int_equal(troth_gossip_udp_key_use(members[1], id, problem, sizeof problem), 0);
    assert_int_equal(troth_gossip_udp_key_remove(members[1], id, problem, sizeof problem),
                     TROTH_GOSSIP_REFUSED);
    assert_int_equal(troth_gossip_udp_key_add(members[1], "00", id, problem, sizeof problem),
                     TROTH_GOSSIP_INVALID);
    for (unsigned i = 0; i < 2; i++)
        troth_gossip_udp_close(members[i]);
    struct troth_gossip_udp *unsealed = open_member((struct troth_gossip_udp_options){0});
    assert_int_equal(troth_gossip_udp_key_use(unsealed, id, problem, sizeof problem),
                     TROTH_GOSSIP_REFUSED);
    troth_gossip_udp_close(unsealed);
    folder_release(&folder);
}

/* Every bad option is one sentence that names it. */
static void test_bad_options(void **state) {
    (void)state;
    static const struct {
        struct troth_gossip_udp_options options;
        int code;
        const char *says;
    } bad[] = {
        {{.bind = NULL}, TROTH_GOSSIP_INVALID, "bind"},
        {{.bind = "localhost:1"}, TROTH_GOSSIP_INVALID, "bind"},
        {{.bind = ":0"}, TROTH_GOSSIP_INVALID, "bind"},
        {{.bind = "127.0.0.1:99999"}, TROTH_GOSSIP_INVALID, "bind"},
        {{.bind = "192.0.2.1:0"}, TROTH_GOSSIP_INVALID, "key_file"},
        {{.bind = "192.0.2.1:0", .is_open_to_strangers = true}, TROTH_GOSSIP_IO, "bind"},
        {{.bind = "0.0.0.0:0", .is_open_to_strangers = true}, TROTH_GOSSIP_INVALID, "announce"},
        {{.bind = "127.0.0.1:0", .announce = "here"}, TROTH_GOSSIP_INVALID, "announce"},
        {{.bind = "127.0.0.1:0", .announce = "[::1]:7"}, TROTH_GOSSIP_INVALID, "announce"},
        {{.bind = "127.0.0.1:0", .join = "[::1]:7"}, TROTH_GOSSIP_INVALID, "join"},
        {{.bind = "127.0.0.1:0", .join = "nowhere"}, TROTH_GOSSIP_INVALID, "join"},
        {{.bind = "127.0.0.1:0", .join = "127.0.0.1:1,x:"}, TROTH_GOSSIP_INVALID, "join"},
        {{.bind = "127.0.0.1:0", .cluster_name = "x"}, TROTH_GOSSIP_INVALID, "cluster_name"},
        {{.bind = "127.0.0.1:0", .key_file = "/nowhere/at/all"}, TROTH_GOSSIP_IO, "/nowhere"},
        {{.bind = "127.0.0.1:0", .identity_file = "/nowhere/at/all"}, TROTH_GOSSIP_IO, "/nowhere"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char problem[TROTH_GOSSIP_PROBLEM_BYTES] = "";
        struct troth_gossip_udp *udp = NULL;
        int code = troth_gossip_udp_open(&bad[i].options, &udp, problem, sizeof problem);
        if (code != bad[i].code || strstr(problem, bad[i].says) == NULL)
            fail_msg("%zu: %d: %s", i, code, problem);
        assert_null(udp);
    }
    troth_gossip_udp_close(NULL);
}

/* A port that is taken is said so, and wishes that cannot be fulfilled have their codes. */
static void test_bad_wishes(void **state) {
    (void)state;
    char problem[TROTH_GOSSIP_PROBLEM_BYTES];
    struct troth_gossip_udp *udp = open_member((struct troth_gossip_udp_options){0}), *second;
    struct troth_gossip_udp_options taken = {.bind = join_of(udp)};
    assert_int_equal(troth_gossip_udp_open(&taken, &second, problem, sizeof problem),
                     TROTH_GOSSIP_IO);
    assert_non_null(strstr(problem, taken.bind));
    assert_int_equal(troth_gossip_udp_set(udp, "", "x", 1), TROTH_GOSSIP_INVALID);
    assert_int_equal(troth_gossip_udp_set(udp, "key", "", 0), TROTH_GOSSIP_INVALID);
    assert_int_equal(troth_gossip_udp_remove(udp, "never said"), 0);
    assert_int_equal(troth_gossip_udp_join(udp, "nothing", problem, sizeof problem),
                     TROTH_GOSSIP_INVALID);
    assert_true(troth_gossip_udp_fd(udp) >= 0);
    assert_in_range(troth_gossip_udp_timeout_ms(udp), 0, 60000);
    troth_gossip_udp_close(udp);
}

/* A member that probes once a minute is told to do so every half second: it wants to be run at
 * once, and takes the minute for no lag of its own. */
static void test_a_shorter_interval_is_taken_at_once(void **state) {
    (void)state;
    struct troth_gossip_counters counters;
    struct troth_gossip_udp *udp = open_member((struct troth_gossip_udp_options){0});
    struct troth_gossip *gossip = gossip_of(udp);
    assert_int_equal(troth_gossip_configure(gossip, "gossip-probe-interval-ms", "60000", NULL, 0),
                     0);
    for (unsigned turn = 0; troth_gossip_udp_timeout_ms(udp) < 30000; turn++) {
        assert_true(turn < 1000);
        assert_int_equal(troth_gossip_udp_run(udp, 10), 0);
    }
    assert_int_equal(troth_gossip_configure(gossip, "gossip-probe-interval-ms", "500", NULL, 0), 0);
    assert_int_equal(troth_gossip_udp_timeout_ms(udp), 0);
    assert_int_equal(troth_gossip_udp_run(udp, 0), 0);
    assert_in_range(troth_gossip_udp_timeout_ms(udp), 0, 500);
    troth_gossip_counters(gossip, &counters);
    assert_int_equal(counters.local_health, 0);
    troth_gossip_udp_close(udp);
}

RUN_TESTS(cmocka_unit_test(test_three_members), cmocka_unit_test(test_strangers_stay_outside),
          cmocka_unit_test(test_a_newcomer_hears_much),
          cmocka_unit_test(test_an_identity_that_lasts),
          cmocka_unit_test(test_one_identity_is_one_member),
          cmocka_unit_test(test_an_identity_that_was_copied),
          cmocka_unit_test(test_names_are_looked_up_again),
          cmocka_unit_test(test_a_name_of_both_families),
          cmocka_unit_test(test_names_that_stand_for_many),
          cmocka_unit_test(test_a_join_that_fails_looks_for_nobody),
          cmocka_unit_test(test_a_callback_only_looks_in), cmocka_unit_test(test_a_rotation),
          cmocka_unit_test(test_bad_options), cmocka_unit_test(test_bad_wishes),
          cmocka_unit_test(test_a_shorter_interval_is_taken_at_once))
